//! `vendor new`: a third party's entry in the rules, its external id and its role, made together
//! so that they fit.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use guard::detect::{Reading, judge_trust_read};
use guard::model::RoleRef;
use guard::rules::{Rules, RulesFile, compile};
use jiff::Timestamp;

use super::access::{Access, Asked};
use super::ask::{ask, missing};
use super::insert::{Entry, insert};
use super::template::{tag_value, template, trust_text};
use crate::args::VendorNewArgs;
use crate::input::Input;
use crate::least::{Need, check_action, check_resource, read_profile};
use crate::output::{WriteError, replace};
use crate::rules::edit::{Edit, SaveError, unchanged};
use crate::rules::load::{Read, read_text};
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

/// A reason why nothing was written.
#[derive(Debug, thiserror::Error)]
enum NewError {
    #[error("say {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    #[error("{} cannot be used", escaped(name))]
    Profile {
        name: String,
        source: crate::least::ProfileError,
    },
    #[error(
        "no place for the entry was found in {} that leaves all else as it is; put it there by \
         hand:\n\n{entry}",
        escaped(name)
    )]
    NoPlace { name: String, entry: String },
    #[error("the result would not pass `trustwarden check`: {0}")]
    Violating(String),
    #[error("{} exists; --force overwrites it", escaped(.0.display().to_string()))]
    Exists(PathBuf),
    #[error("cannot write {}", escaped(path.display().to_string()))]
    Write { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Replace(#[from] WriteError),
    #[error(transparent)]
    Save(#[from] SaveError),
    #[error("`-` cannot be edited: name the rules file")]
    Stdin,
}

type AnyError = Box<dyn std::error::Error>;

/// Runs `vendor new`.
///
/// # Errors
///
/// Standard output does not take the template.
pub(super) fn new(arguments: &VendorNewArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let mut asked = VendorNewArgs::clone(arguments);
    let lacking = missing(&asked);
    if !lacking.is_empty() {
        let stdin = io::stdin();
        if !stdin.is_terminal() || !ask(&mut asked, &mut stdin.lock(), streams)? {
            streams.failure(&NewError::Missing(missing(&asked)));
            return Ok(Status::Unreadable);
        }
    }
    let input = Input::new(&asked.rules);
    if input.is_stdin() {
        streams.failure(&NewError::Stdin);
        return Ok(Status::Unreadable);
    }
    let text = match fs::read_to_string(&asked.rules) {
        Ok(text) => text,
        Err(error) => {
            streams.failure(&input.read_error(error));
            streams.remark("`trustwarden rules init` prints a first rules file");
            return Ok(Status::Unreadable);
        }
    };
    let now = asked.now.unwrap_or_else(Timestamp::now);
    let Some(read) = read_text(&input, text.trim_start_matches('\u{feff}'), None, streams) else {
        return Ok(Status::Unreadable);
    };
    match made(&asked, &input, &text, &read, now) {
        Ok(made) => finish(&asked, &made, &text, streams),
        Err(error) => {
            streams.failure(error.as_ref());
            Ok(Status::Unreadable)
        }
    }
}

/// All that is to be written.
struct Made {
    access: Access,
    insertion: Edit,
    rules: String,
    template: String,
}

fn made(
    asked: &VendorNewArgs,
    input: &Input,
    text: &str,
    read: &Read,
    now: Timestamp,
) -> Result<Made, AnyError> {
    let mut access = Access::new(complete(asked)?, read, now)?;
    let (template, notes) = template(&access)?;
    access.warnings.extend(notes);
    let found = insert(text, &read.file, Entry::Vendor(&access.vendor));
    let Some((insertion, rules)) = found else {
        return Err(Box::new(NewError::NoPlace {
            name: input.name(),
            entry: super::entry::block(&access.vendor).join("\n"),
        }));
    };
    passes_check(&access, read, now)?;
    if let Some(path) = &asked.template
        && !asked.force
        && !asked.dry_run
        && path.symlink_metadata().is_ok()
    {
        return Err(Box::new(NewError::Exists(path.clone())));
    }
    Ok(Made {
        access,
        insertion,
        rules,
        template,
    })
}

fn complete(asked: &VendorNewArgs) -> Result<Asked, AnyError> {
    let mut needs = Vec::new();
    if let Some(profile) = &asked.profile {
        let text = profile.read()?;
        needs = read_profile(&text).map_err(|source| NewError::Profile {
            name: profile.name(),
            source,
        })?;
    }
    asked.action.iter().try_for_each(|one| check_action(one))?;
    asked
        .resource
        .iter()
        .try_for_each(|one| check_resource(one))?;
    if !asked.action.is_empty() {
        needs.push(Need {
            actions: asked.action.clone(),
            resources: asked.resource.clone(),
        });
    }
    Ok(Asked {
        name: asked.name.clone().unwrap_or_default(),
        accounts: asked.account.clone(),
        principals: asked.principal.clone(),
        roles: asked.role.clone(),
        needs,
        owner: asked.owner.clone().unwrap_or_default(),
        ticket: asked.ticket.clone(),
        expires: asked.expires.clone().unwrap_or_default(),
        session_seconds: asked.session_duration,
        external_ids: asked.external_id.clone(),
    })
}

/// Judges each role as `check` and the deployed guard will, by the rules with the entry.
fn passes_check(access: &Access, read: &Read, now: Timestamp) -> Result<(), AnyError> {
    let mut file = RulesFile::clone(&read.file);
    file.vendors.push(access.vendor.clone());
    let rules = Rules::load(compile(&file, &read.accounts)?.bytes)?;
    for (role, external_ids) in access.roles_with_ids() {
        // Whichever account it is deployed to: an own account would only admit more.
        let role = RoleRef::named("", role);
        let document = trust_text(access, external_ids);
        let judgement = judge_trust_read(&rules, &role, &document, Reading::sent(now), now);
        if let Some(finding) = judgement.findings.first() {
            return Err(Box::new(NewError::Violating(finding.message.clone())));
        }
    }
    Ok(())
}

fn finish(
    asked: &VendorNewArgs,
    made: &Made,
    text: &str,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    for warning in &made.access.warnings {
        streams.warning(escaped(warning));
    }
    let rules = escaped(asked.rules.display().to_string());
    let line = made.insertion.line(text);
    if asked.dry_run {
        writeln!(streams.out, "# {rules}, from line {line}")?;
        writeln!(
            streams.out,
            "{}\n",
            made.insertion.text.trim_matches(['\r', '\n'])
        )?;
        let template = asked.template.as_deref().map(Path::display);
        let template = template.map_or("the template".to_owned(), |path| path.to_string());
        writeln!(streams.out, "# {}", escaped(template))?;
        streams.out.write_all(made.template.as_bytes())?;
        streams.remark("nothing was written");
        return Ok(Status::Done);
    }
    if let Err(error) = write(asked, made, text) {
        streams.failure(&error);
        return Ok(Status::Unreadable);
    }
    if asked.template.is_none() {
        streams.out.write_all(made.template.as_bytes())?;
    }
    say(asked, made, line, streams);
    Ok(Status::Done)
}

/// Says what to do with it, for the person who asked for it.
fn say(asked: &VendorNewArgs, made: &Made, line: usize, streams: &mut Streams<'_>) {
    let vendor = &made.access.vendor;
    let name = escaped(&vendor.name);
    streams.remark(format_args!(
        "{}:{line}: {name} is registered",
        escaped(asked.rules.display().to_string())
    ));
    let file = match &asked.template {
        Some(path) => path.display().to_string(),
        None => "FILE".to_owned(),
    };
    streams.remark(format_args!(
        "deploy its role: aws cloudformation deploy --template-file {} --stack-name NAME \
         --capabilities CAPABILITY_NAMED_IAM",
        escaped(file)
    ));
    if asked.external_id.is_empty() {
        for (role, external_ids) in made.access.roles_with_ids() {
            streams.remark(format_args!(
                "tell {name} for {role}: external id {}",
                external_ids.join(", ")
            ));
        }
    }
    let texts = [
        Some(&vendor.name),
        vendor.owner.as_ref(),
        vendor.ticket.as_ref(),
    ];
    for text in texts.into_iter().flatten() {
        if tag_value(text) != *text {
            streams.remark(format_args!(
                "a tag cannot hold `{}`; the role's says `{}`",
                escaped(text),
                escaped(tag_value(text))
            ));
        }
    }
}

/// Writes the template, then the rules: an entry without its role does no harm, and a role without
/// its entry would be an alert.
fn write(asked: &VendorNewArgs, made: &Made, text: &str) -> Result<(), NewError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| NewError::Write { path, source }
    };
    let rules = unchanged(&asked.rules, text)?;
    let mut created = None;
    if let Some(path) = &asked.template {
        if asked.force {
            replace(path, made.template.as_bytes())?;
        } else {
            create(path, &made.template).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => NewError::Exists(path.clone()),
                _ => failed(path)(error),
            })?;
            created = Some(path);
        }
    }
    replace(&rules, made.rules.as_bytes()).map_err(|error| {
        if let Some(path) = created {
            drop(fs::remove_file(path));
        }
        NewError::Replace(error)
    })
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    if written.is_err() {
        drop(fs::remove_file(path));
    }
    written
}
