//! `rules …`, and how every other command comes by its rules.

mod against_export;
mod against_trail;
mod diff;
pub(crate) mod edit;
mod first;
mod guardrail;
mod layer;
pub(crate) mod load;
#[cfg(any(feature = "live", test))]
pub(crate) mod propose;
mod publish;
pub(crate) mod yaml;

use std::io;

use first::FIRST;
use guard::rules::RulesFile;
use load::read;

use crate::args::{RulesCheckArgs, RulesCommand, RulesCompileArgs};
use crate::output::replace;
use crate::streams::counted;
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

pub(crate) use load::load;

/// Runs `rules …`.
///
/// # Errors
///
/// Standard output does not take the result.
pub fn rules(command: &RulesCommand, streams: &mut Streams<'_>) -> io::Result<Status> {
    match command {
        RulesCommand::Check(arguments) => check(arguments, streams),
        RulesCommand::Compile(arguments) => compile(arguments, streams),
        RulesCommand::Publish(arguments) => publish::publish(arguments, streams),
        RulesCommand::Diff(arguments) => diff::diff(arguments, streams),
        RulesCommand::Schema => {
            streams.out.write_all(schema().as_bytes())?;
            Ok(Status::Done)
        }
        RulesCommand::Guardrail(arguments) => guardrail::guardrail(arguments, streams),
        #[cfg(feature = "live")]
        RulesCommand::Init(arguments) if arguments.live => crate::live::init(arguments, streams),
        RulesCommand::Init(_) => {
            streams.out.write_all(FIRST.as_bytes())?;
            Ok(Status::Done)
        }
        #[cfg(feature = "live")]
        RulesCommand::Accounts(arguments) => crate::live::accounts(arguments, streams),
    }
}

fn check(arguments: &RulesCheckArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let now = arguments.now.unwrap_or_else(jiff::Timestamp::now);
    let Some(read) = read(&arguments.file, Some(now), streams) else {
        return Ok(Status::Unreadable);
    };
    let file = &read.file;
    let name = arguments.file.name();
    writeln!(
        streams.out,
        "{}: {}, {}, {}, {}{}",
        escaped(&name),
        counted(file.vendors.len(), "vendor", "vendors"),
        counted(
            file.identity_providers.len(),
            "identity provider",
            "identity providers"
        ),
        counted(
            read.accounts.len() + file.trusted_accounts.len(),
            "own account",
            "own accounts"
        ),
        counted(file.exemptions.len(), "exemption", "exemptions"),
        match read.warnings {
            0 => String::new(),
            warnings => format!("; {}", counted(warnings, "warning", "warnings")),
        }
    )?;
    Ok(Status::Done)
}

fn compile(arguments: &RulesCompileArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let Some(read) = read(&arguments.file, None, streams) else {
        return Ok(Status::Unreadable);
    };
    let Some(compiled) = read.compile(streams) else {
        return Ok(Status::Unreadable);
    };
    let Some(output) = &arguments.output else {
        streams.out.write_all(&compiled.bytes)?;
        return Ok(Status::Done);
    };
    if let Err(error) = replace(output, &compiled.bytes) {
        streams.failure(&error);
        return Ok(Status::Unreadable);
    }
    streams.remark(format_args!(
        "{}: rules {}",
        escaped(output.display().to_string()),
        compiled.hash
    ));
    Ok(Status::Done)
}

/// Where the schema is, for editors and SchemaStore.
const SCHEMA_ID: &str =
    "https://raw.githubusercontent.com/trustwarden/trustwarden/main/rules/schema.json";

/// An account id is text of 12 digits: an editor says so while it is typed.
fn with_account_ids(schema: &mut serde_json::Value) {
    const NAMES: [&str; 4] = [
        "account",
        "accounts",
        "trusted_accounts",
        "management_account",
    ];
    if let Some(properties) = schema
        .get_mut("properties")
        .and_then(|all| all.as_object_mut())
    {
        for (name, property) in properties {
            if NAMES.contains(&name.as_str())
                && let Some(property) = property.as_object_mut()
            {
                let items = property
                    .get_mut("items")
                    .and_then(|items| items.as_object_mut());
                let pattern = |of: &mut serde_json::Map<_, _>| {
                    of.insert("pattern".to_owned(), "^[0-9]{12}$".into());
                };
                match items {
                    Some(items) => pattern(items),
                    None => pattern(property),
                }
            }
        }
    }
    let inner = schema.as_object_mut().into_iter().flatten();
    inner.for_each(|(_, value)| match value {
        serde_json::Value::Object(_) => with_account_ids(value),
        serde_json::Value::Array(values) => values.iter_mut().for_each(with_account_ids),
        _ => {}
    });
}

/// The JSON schema of the rules file, as `rules/schema.json` holds it.
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(RulesFile);
    schema.insert("title".to_owned(), "Trustwarden access rules".into());
    schema.insert("$id".to_owned(), SCHEMA_ID.into());
    let mut schema = schema.to_value();
    with_account_ids(&mut schema);
    // A schema is printed with its own keys first.
    let printed = schemars::Schema::try_from(schema).map(|it| serde_json::to_string_pretty(&it));
    let mut text = printed.ok().and_then(Result::ok).unwrap_or_default();
    text.push('\n');
    text
}
