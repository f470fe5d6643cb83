//! The main job on one machine, as a story: what happened, what the e-mail said, what IAM holds.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use crate::account::{AccountError, Mail};
use crate::cloudtrail;
use crate::stack::{Machine, Stack, StackError};
use crate::story::{Cast, OPEN, Site, Step, Story, StoryError, alerted, expected, mailed};

const ACCOUNT: &str = "111122223333";
const INBOX: &str = "oncall@example.com";
const CAST: Cast = Cast {
    role: "DatadogIntegration",
    new_role: "temporary-debug",
    user: "reporting",
    administrator: "grace of the platform team",
    intruder: "ci-legacy",
    external: "666677778888",
};

impl Site for Stack<'_> {
    fn account(&self) -> &str {
        &self.account
    }

    fn table(&self) -> Result<String, StackError> {
        self.output("Table").map(str::to_owned)
    }

    fn call(
        &self,
        service: &str,
        operation: &str,
        parameters: &Value,
    ) -> Result<Value, AccountError> {
        Stack::call(self, service, operation, parameters)
    }

    fn put_record(&self, record: &Value) -> Result<(), AccountError> {
        Stack::put_record(self, record)
    }

    fn alerts(&self) -> Result<Vec<Value>, AccountError> {
        Stack::alerts(self)
    }

    fn mails(&self) -> Result<Option<Vec<Mail>>, AccountError> {
        Ok(Some(self.seen()?.mails))
    }

    /// On a busy machine.
    fn patience(&self) -> Duration {
        Duration::from_secs(20)
    }

    fn pause(&self) -> Duration {
        Duration::from_millis(5)
    }

    fn interrupted(&self) -> bool {
        false
    }
}

#[derive(Debug, Serialize)]
struct Transcript {
    steps: Vec<Step>,
    ok: bool,
}

/// Runs the story against binaries in `binaries`, prints it, writes the transcript; true if all of
/// it was seen.
///
/// # Errors
/// [`StoryError`]: the machine itself failed, not the guard.
pub fn demo(binaries: &Path, transcript: &Path, mut out: impl Write) -> Result<bool, StoryError> {
    let started = Instant::now();
    let folder = std::env::temp_dir().join(format!("trustwarden-demo-{}", std::process::id()));
    let machine = Machine::start(binaries, &folder)?;
    let rules = machine.root.join("crates/local/demo/access.yaml");
    let compiled = machine.compile_rules(&rules, "demo")?;
    let parameters = [("Mode", "enforce"), ("AlertEmail", INBOX)];
    let stack = machine.deploy(ACCOUNT, "trustwarden", &parameters, &compiled)?;
    let names: Vec<_> = stack
        .functions()
        .iter()
        .map(|f| f.binary.as_str())
        .collect();
    writeln!(
        out,
        "Trustwarden on this machine: template.yaml, deployed into an account that moto plays.\n"
    )?;
    writeln!(
        out,
        "  account    {ACCOUNT}, IAM enforced, {} resources",
        stack.resources().len()
    )?;
    writeln!(
        out,
        "  functions  {}, each with the credentials of its own role",
        names.join(", ")
    )?;
    writeln!(
        out,
        "  rules      crates/local/demo/access.yaml; mode enforce"
    )?;
    writeln!(
        out,
        "  inbox      {INBOX}\n  ready in   {:.1} s",
        started.elapsed().as_secs_f64()
    )?;

    let mut story = Story::new(&stack, CAST, &mut out);
    story.vendor_is_let_in()?;
    story.external_account_is_added()?;
    story.trust_for_everyone()?;
    story.key_that_may_not_be()?;
    story.root_without_mfa()?;
    story.judges_cannot_write()?;
    story.the_end()?;

    let steps = story.steps;
    let ok = steps.iter().all(|step| step.not_seen.is_empty());
    let names: Vec<_> = steps
        .iter()
        .map(|step| (step.name, step.not_seen.clone()))
        .collect();
    let text = serde_json::to_string_pretty(&Transcript { steps, ok }).map_err(io::Error::from)?;
    std::fs::write(transcript, text + "\n")?;
    for (name, not_seen) in names.iter().filter(|(_, not_seen)| !not_seen.is_empty()) {
        writeln!(out, "\nNOT SEEN in {name:?}: {}", not_seen.join("; "))?;
    }
    let seconds = started.elapsed().as_secs_f64();
    let verdict = if ok {
        "All of it was seen"
    } else {
        "Not all of it was seen"
    };
    writeln!(
        out,
        "\n{verdict}, in {seconds:.1} s. Transcript: {}",
        transcript.display()
    )?;
    if !ok {
        writeln!(out, "Logs of functions and account: {}", folder.display())?;
    } else {
        drop(machine);
        drop(std::fs::remove_dir_all(&folder));
    }
    Ok(ok)
}

impl<W: Write> Story<'_, Stack<'_>, W> {
    fn root_without_mfa(&mut self) -> Result<(), StoryError> {
        self.title("The root user signs in, without MFA")?;
        let record = cloudtrail::root_sign_in(ACCOUNT, true, false);
        self.watch(
            "root signs in without MFA",
            "signin:ConsoleLogin by root, MFAUsed No".to_owned(),
            &record,
            |_| Ok(json!({})),
            vec![
                expected("alert: root-without-mfa", |sight| {
                    alerted(sight, "detected", "root-without-mfa")
                }),
                mailed("it went out by e-mail", 1),
            ],
        )
    }

    fn judges_cannot_write(&mut self) -> Result<(), StoryError> {
        self.title("What if a detecting function were taken over? It tries to write to IAM")?;
        let started = Instant::now();
        let account = &self.site.machine.account;
        let mut not_seen = Vec::new();
        for binary in [
            "role-trust",
            "access-key",
            "root-activity",
            "role-permissions",
            "identity-provider",
            "resource-share",
        ] {
            let role = self.site.function(binary)?.role.clone();
            let request = json!({ "RoleName": CAST.role, "PolicyDocument": OPEN });
            let answer = account.call_as(&role, "iam", "update_assume_role_policy", &request);
            let denied = matches!(&answer, Err(error) if error.code() == Some("AccessDenied"));
            let words = if denied {
                "AccessDenied"
            } else {
                "WAS ALLOWED"
            };
            writeln!(
                self.out,
                "   iam:UpdateAssumeRolePolicy {}, as {binary}: {words}",
                CAST.role
            )?;
            if !denied {
                not_seen.push("a detecting function is denied");
            }
        }
        let iam_after = self.trust_of(CAST.role)?;
        self.steps.push(Step {
            name: "a detecting function tries to write to IAM",
            call: format!(
                "iam:UpdateAssumeRolePolicy {}, with each detecting function's role",
                CAST.role
            ),
            alerts: Vec::new(),
            iam_after,
            seconds: (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
            not_seen,
        });
        Ok(())
    }

    fn the_end(&mut self) -> Result<(), StoryError> {
        writeln!(self.out, "\nWhat IAM holds at the end")?;
        for role in [CAST.role, CAST.new_role] {
            writeln!(self.out, "\n   role {role}")?;
            for line in self.site.trust_of(role)?.lines() {
                writeln!(self.out, "   {line}")?;
            }
        }
        writeln!(
            self.out,
            "\n   user {}\n   {}",
            CAST.user,
            self.keys_of(CAST.user)?
        )?;
        let seen = self.site.seen()?;
        let ours = seen.lost.iter().map(|lost| lost.what.as_str());
        let lost: BTreeSet<&str> = ours.collect();
        if !lost.is_empty() {
            writeln!(self.out, "\n   Delivered nowhere: {lost:?}")?;
        }
        Ok(())
    }
}
