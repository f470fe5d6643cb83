//! The main job on one machine, as a story: what happened, what the e-mail said, what IAM holds.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use crate::account::{AccountError, Mail};
use crate::cloudtrail::{self, Actor};
use crate::stack::{DeployError, Machine, Stack, StackError};

/// What one step may take on a busy machine before it counts as not seen.
const PATIENCE: Duration = Duration::from_secs(20);

const ACCOUNT: &str = "111122223333";
const INBOX: &str = "oncall@example.com";
const ROLE: &str = "DatadogIntegration";
const NEW_ROLE: &str = "temporary-debug";
const USER: &str = "reporting";

const LAWFUL: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Datadog",
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::464622532012:root" },
      "Action": "sts:AssumeRole",
      "Condition": { "StringEquals": { "sts:ExternalId": "5b0c9f3de1a84c7b9d26f0a4c8e7135a" } }
    }
  ]
}"#;

const WITH_STRANGER: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Datadog",
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::464622532012:root" },
      "Action": "sts:AssumeRole",
      "Condition": { "StringEquals": { "sts:ExternalId": "5b0c9f3de1a84c7b9d26f0a4c8e7135a" } }
    },
    {
      "Sid": "Support",
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::666677778888:root" },
      "Action": "sts:AssumeRole"
    }
  ]
}"#;

const OPEN: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;

/// The story could not be told to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The stack does not stand.
    #[error("the stack does not stand")]
    Deploy(#[from] DeployError),
    /// A call failed that the story needs.
    #[error("a call failed that the story needs")]
    Stack(#[from] StackError),
    /// Text or transcript could not be written.
    #[error("the story cannot be written")]
    Write(#[from] io::Error),
}

impl From<AccountError> for DemoError {
    fn from(error: AccountError) -> Self {
        Self::Stack(StackError::Account(error))
    }
}

/// One step, as `target/demo.json` has it.
#[derive(Debug, Serialize)]
struct Step {
    name: &'static str,
    call: String,
    alerts: Vec<Value>,
    iam_after: Value,
    seconds: f64,
    /// What was expected and did not come to be; empty when all went as it should.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_seen: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Transcript {
    steps: Vec<Step>,
    ok: bool,
}

struct Story<'a, W> {
    stack: &'a Stack<'a>,
    out: W,
    steps: Vec<Step>,
    alerts_reported: usize,
    mails_reported: usize,
}

/// Something that must be seen: its words, when it was first seen to hold, and how to look.
struct Expected<'a> {
    words: &'static str,
    seen_after: Option<Duration>,
    look: Box<dyn Fn(&Projection) -> bool + 'a>,
}

/// What one look at the account shows.
struct Projection {
    alerts: Vec<Value>,
    mails: Vec<Mail>,
    iam: Value,
}

fn expected<'a>(words: &'static str, look: impl Fn(&Projection) -> bool + 'a) -> Expected<'a> {
    Expected {
        words,
        seen_after: None,
        look: Box::new(look),
    }
}

fn field<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn alerted(sight: &Projection, stage: &str, code: &str) -> bool {
    sight.alerts.iter().any(|alert| {
        let findings = alert.get("findings").and_then(Value::as_array);
        field(alert, "/stage") == stage
            && (code.is_empty()
                || findings.is_some_and(|all| all.iter().any(|one| field(one, "/code") == code)))
    })
}

/// Runs the story against binaries in `binaries`, prints it, writes the transcript; true if all of
/// it was seen.
///
/// # Errors
/// [`DemoError`]: the machine itself failed, not the guard.
pub fn demo(binaries: &Path, transcript: &Path, mut out: impl Write) -> Result<bool, DemoError> {
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

    let mut story = Story {
        stack: &stack,
        out: &mut out,
        steps: Vec::new(),
        alerts_reported: 0,
        mails_reported: 0,
    };
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

impl<W: Write> Story<'_, W> {
    fn title(&mut self, title: &str) -> io::Result<()> {
        let number = self.steps.len() + 1;
        writeln!(self.out, "\n{number}. {title}")
    }

    fn trust_of(&self, role: &str) -> Result<Value, AccountError> {
        let answer = self
            .stack
            .call("iam", "get_role", &json!({ "RoleName": role }))?;
        let document = answer.pointer("/Role/AssumeRolePolicyDocument").cloned();
        Ok(json!({ role: document }))
    }

    fn keys_of(&self, user: &str) -> Result<Value, AccountError> {
        let answer = self
            .stack
            .call("iam", "list_access_keys", &json!({ "UserName": user }))?;
        let keys = answer
            .get("AccessKeyMetadata")
            .and_then(Value::as_array)
            .cloned();
        let keys = keys.unwrap_or_default();
        let status: serde_json::Map<_, _> = keys
            .iter()
            .map(|key| {
                (
                    field(key, "/AccessKeyId").to_owned(),
                    json!(field(key, "/Status")),
                )
            })
            .collect();
        Ok(json!({ user: status }))
    }

    /// Puts the record on the bus, and looks until all that is expected has been seen, or too long.
    fn watch(
        &mut self,
        name: &'static str,
        call: String,
        record: &Value,
        iam: impl Fn(&Self) -> Result<Value, AccountError>,
        mut expected: Vec<Expected<'_>>,
    ) -> Result<(), DemoError> {
        writeln!(self.out, "   {call}")?;
        let called = Instant::now();
        self.stack.put_record(record)?;
        let sight = loop {
            let sight = Projection {
                alerts: self.stack.alerts()?.split_off(self.alerts_reported),
                mails: self.stack.seen()?.mails.split_off(self.mails_reported),
                iam: iam(self)?,
            };
            let elapsed = called.elapsed();
            for one in expected.iter_mut().filter(|one| one.seen_after.is_none()) {
                one.seen_after = (one.look)(&sight).then_some(elapsed);
            }
            if expected.iter().all(|one| one.seen_after.is_some()) || elapsed > PATIENCE {
                break sight;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let seconds = called.elapsed().as_secs_f64();
        expected.sort_by_key(|one| one.seen_after.unwrap_or(Duration::MAX));
        for one in &expected {
            match one.seen_after {
                Some(after) => {
                    writeln!(self.out, "   {:6.2} s  {}", after.as_secs_f64(), one.words)?
                }
                None => writeln!(self.out, "        !    not seen: {}", one.words)?,
            }
        }
        for mail in &sight.mails {
            self.print_mail(mail)?;
        }
        self.alerts_reported += sight.alerts.len();
        self.mails_reported += sight.mails.len();
        let missing = expected.iter().filter(|one| one.seen_after.is_none());
        let not_seen = missing.map(|one| one.words).collect();
        self.steps.push(Step {
            name,
            call,
            alerts: sight.alerts,
            iam_after: sight.iam,
            seconds: (seconds * 1000.0).round() / 1000.0,
            not_seen,
        });
        Ok(())
    }

    fn print_mail(&mut self, mail: &Mail) -> io::Result<()> {
        let subject = mail.subject.as_deref().unwrap_or("(no subject)");
        writeln!(
            self.out,
            "\n   ┌ To: {}\n   │ Subject: {subject}\n   │",
            mail.to
        )?;
        for line in mail.text.lines() {
            writeln!(self.out, "{}", format!("   │ {line}").trim_end())?;
        }
        writeln!(self.out, "   └")
    }

    fn vendor_is_let_in(&mut self) -> Result<(), DemoError> {
        self.title("The platform team gives Datadog access, as the rules require")?;
        let request = json!({ "RoleName": ROLE, "AssumeRolePolicyDocument": LAWFUL });
        let made = self.stack.call("iam", "create_role", &request)?;
        let role = made.get("Role").cloned().unwrap_or_default();
        let record = cloudtrail::create_role(ACCOUNT, Actor::Administrator, ROLE, LAWFUL, &role);
        let role_id = field(&role, "/RoleId").to_owned();
        let table = self.stack.output("Table")?.to_owned();
        let stack = self.stack;
        self.watch(
            "a registered vendor's role is created properly",
            format!("iam:CreateRole {ROLE}, by grace of the platform team"),
            &record,
            |story| story.trust_of(ROLE),
            vec![
                expected(
                    "approved: the document is kept as the role's baseline",
                    move |_| {
                        let items = stack.call("dynamodb", "scan", &json!({ "TableName": table }));
                        items.is_ok_and(|items| {
                            let text = items.to_string();
                            text.contains(&role_id) && text.contains("464622532012")
                        })
                    },
                ),
                expected("nobody was alerted", |sight| sight.alerts.is_empty()),
            ],
        )
    }

    fn external_account_is_added(&mut self) -> Result<(), DemoError> {
        self.title("With a stolen key, someone adds an external account beside the vendor")?;
        let request = json!({ "RoleName": ROLE, "PolicyDocument": WITH_STRANGER });
        self.stack
            .call("iam", "update_assume_role_policy", &request)?;
        let record = cloudtrail::update_trust(ACCOUNT, Actor::Intruder, ROLE, WITH_STRANGER);
        let compliant: Value = serde_json::from_str(LAWFUL).unwrap_or_default();
        self.watch(
            "an external account is added to its trust policy",
            format!("iam:UpdateAssumeRolePolicy {ROLE}, adds account 666677778888, by ci-legacy"),
            &record,
            |story| story.trust_of(ROLE),
            vec![
                expected("alert: unknown-third-party", |sight| {
                    alerted(sight, "detected", "unknown-third-party")
                }),
                expected(
                    "IAM holds the old policy again, the vendor still in it",
                    move |sight| sight.iam.get(ROLE) == Some(&compliant),
                ),
                expected("the outcome is reported", |sight| {
                    alerted(sight, "outcome", "")
                }),
                expected("both went out by e-mail", |sight| sight.mails.len() >= 2),
            ],
        )
    }

    fn trust_for_everyone(&mut self) -> Result<(), DemoError> {
        self.title("The same key creates a role that trusts everyone")?;
        let request = json!({ "RoleName": NEW_ROLE, "AssumeRolePolicyDocument": OPEN });
        let made = self.stack.call("iam", "create_role", &request)?;
        let role = made.get("Role").cloned().unwrap_or_default();
        let record = cloudtrail::create_role(ACCOUNT, Actor::Intruder, NEW_ROLE, OPEN, &role);
        self.watch(
            "a new role that trusts everyone",
            format!("iam:CreateRole {NEW_ROLE}, trusts *, by ci-legacy"),
            &record,
            |story| story.trust_of(NEW_ROLE),
            vec![
                expected("alert: public-trust", |sight| {
                    alerted(sight, "detected", "public-trust")
                }),
                expected("nobody can assume it any more", |sight| {
                    sight.iam.get(NEW_ROLE).is_some_and(is_closed)
                }),
                expected("the outcome is reported", |sight| {
                    alerted(sight, "outcome", "")
                }),
                expected("both went out by e-mail", |sight| sight.mails.len() >= 2),
            ],
        )
    }

    fn key_that_may_not_be(&mut self) -> Result<(), DemoError> {
        self.title("An access key for a user who may not have one")?;
        self.stack
            .call("iam", "create_user", &json!({ "UserName": USER }))?;
        let made = self
            .stack
            .call("iam", "create_access_key", &json!({ "UserName": USER }))?;
        let key = field(&made, "/AccessKey/AccessKeyId").to_owned();
        let record = cloudtrail::create_access_key(ACCOUNT, Actor::Intruder, USER, &key);
        let off = json!({ USER: { key.as_str(): "Inactive" } });
        self.watch(
            "an access key for a user who may not have one",
            format!("iam:CreateAccessKey for {USER}, by ci-legacy"),
            &record,
            |story| story.keys_of(USER),
            vec![
                expected("alert: access-key-created", |sight| {
                    alerted(sight, "detected", "access-key-created")
                }),
                expected("the key is deactivated", move |sight| sight.iam == off),
                expected("the outcome is reported", |sight| {
                    alerted(sight, "outcome", "")
                }),
            ],
        )
    }

    fn root_without_mfa(&mut self) -> Result<(), DemoError> {
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
                expected("it went out by e-mail", |sight| !sight.mails.is_empty()),
            ],
        )
    }

    fn judges_cannot_write(&mut self) -> Result<(), DemoError> {
        self.title("What if a detecting function were taken over? It tries to write to IAM")?;
        let started = Instant::now();
        let account = &self.stack.machine.account;
        let mut not_seen = Vec::new();
        for binary in [
            "role-trust",
            "access-key",
            "root-activity",
            "role-permissions",
        ] {
            let role = self.stack.function(binary)?.role.clone();
            let request = json!({ "RoleName": ROLE, "PolicyDocument": OPEN });
            let answer = account.call_as(&role, "iam", "update_assume_role_policy", &request);
            let denied = matches!(&answer, Err(error) if error.code() == Some("AccessDenied"));
            let words = if denied {
                "AccessDenied"
            } else {
                "WAS ALLOWED"
            };
            writeln!(
                self.out,
                "   iam:UpdateAssumeRolePolicy {ROLE}, as {binary}: {words}"
            )?;
            if !denied {
                not_seen.push("a detecting function is denied");
            }
        }
        let iam_after = self.trust_of(ROLE)?;
        self.steps.push(Step {
            name: "a detecting function tries to write to IAM",
            call: format!("iam:UpdateAssumeRolePolicy {ROLE}, with each detecting function's role"),
            alerts: Vec::new(),
            iam_after,
            seconds: (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
            not_seen,
        });
        Ok(())
    }

    fn the_end(&mut self) -> Result<(), DemoError> {
        writeln!(self.out, "\nWhat IAM holds at the end")?;
        for role in [ROLE, NEW_ROLE] {
            writeln!(self.out, "\n   role {role}")?;
            for line in self.stack.trust_of(role)?.lines() {
                writeln!(self.out, "   {line}")?;
            }
        }
        writeln!(self.out, "\n   user {USER}\n   {}", self.keys_of(USER)?)?;
        let seen = self.stack.seen()?;
        let ours = seen.lost.iter().map(|lost| lost.what.as_str());
        let lost: BTreeSet<&str> = ours.collect();
        if !lost.is_empty() {
            writeln!(self.out, "\n   Delivered nowhere: {lost:?}")?;
        }
        Ok(())
    }
}

/// No statement allows anyone, or one denies everyone.
fn is_closed(document: &Value) -> bool {
    let statements = document.get("Statement").and_then(Value::as_array);
    let Some(statements) = statements else {
        return false;
    };
    let everyone = json!({ "AWS": "*" });
    let effect = |statement: &Value| field(statement, "/Effect").to_owned();
    !statements
        .iter()
        .any(|statement| effect(statement) == "Allow")
        || statements.iter().any(|statement| {
            effect(statement) == "Deny"
                && statement.get("Principal") == Some(&everyone)
                && statement.get("Condition").is_none()
        })
}
