//! The attacks that the demo and the smoke test play, and how what follows is watched.

use std::error::Error;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use crate::account::{AccountError, Mail};
use crate::cloudtrail::{self, Actor};
use crate::stack::{DeployError, StackError};

/// With which external id the rules admit Datadog.
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

/// EXTERNAL is an account that no rule covers.
const WITH_EXTERNAL: &str = r#"{
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
      "Principal": { "AWS": "arn:aws:iam::EXTERNAL:root" },
      "Action": "sts:AssumeRole"
    }
  ]
}"#;

/// Everyone.
pub(crate) const OPEN: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;

/// The story could not be told to its end.
#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    /// The stack does not stand.
    #[error("the stack does not stand")]
    Deploy(#[from] DeployError),
    /// A call failed that the story needs.
    #[error("a call failed that the story needs")]
    Stack(#[from] StackError),
    /// Text or transcript could not be written.
    #[error("the story cannot be written")]
    Write(#[from] io::Error),
    /// Somebody pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// This account is not one to try anything in.
    #[error("{0}")]
    Refused(String),
}

/// An error with its causes.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}

impl From<AccountError> for StoryError {
    fn from(error: AccountError) -> Self {
        Self::Stack(StackError::Account(error))
    }
}

/// Whom and what the story is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cast {
    /// The vendor's role.
    pub(crate) role: &'static str,
    /// The role that trusts everyone.
    pub(crate) new_role: &'static str,
    /// The user who may not have a key.
    pub(crate) user: &'static str,
    /// Who creates the vendor's role, and who does the rest.
    pub(crate) administrator: &'static str,
    pub(crate) intruder: &'static str,
    /// The account that no rule covers. IAM takes none that does not exist.
    pub(crate) external: &'static str,
}

/// Where the story takes place.
pub(crate) trait Site {
    /// The account's 12 digits.
    fn account(&self) -> &str;
    /// The guard's table.
    fn table(&self) -> Result<String, StackError>;
    /// Any call of AWS's API, spelled as boto3 does.
    fn call(
        &self,
        service: &str,
        operation: &str,
        parameters: &Value,
    ) -> Result<Value, AccountError>;
    /// Where nobody writes CloudTrail's records, they are put on the bus by this.
    fn put_record(&self, record: &Value) -> Result<(), AccountError>;
    /// The documents for machines so far, oldest first.
    fn alerts(&self) -> Result<Vec<Value>, AccountError>;
    /// E-mails so far, where there is somebody to read them.
    fn mails(&self) -> Result<Option<Vec<Mail>>, AccountError>;
    /// What one step may take before it counts as not seen.
    fn patience(&self) -> Duration;
    /// Between two looks.
    fn pause(&self) -> Duration;
    /// Whether the story is to end here.
    fn interrupted(&self) -> bool;
}

/// One step, as `target/demo.json` has it.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) call: String,
    pub(crate) alerts: Vec<Value>,
    pub(crate) iam_after: Value,
    pub(crate) seconds: f64,
    /// What was expected and did not come to be; empty when all went as it should.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_seen: Vec<&'static str>,
}

pub(crate) struct Story<'a, S, W> {
    pub(crate) site: &'a S,
    pub(crate) cast: Cast,
    pub(crate) out: W,
    pub(crate) steps: Vec<Step>,
    alerts_reported: usize,
    mails_reported: usize,
}

/// Something that must be seen: its words, when it was first seen to hold, and how to look.
pub(crate) struct Expected<'a> {
    words: &'static str,
    seen_after: Option<Duration>,
    /// Only where somebody reads mail.
    by_mail: bool,
    look: Box<dyn Fn(&Projection) -> bool + 'a>,
}

/// What one look at the account shows.
pub(crate) struct Projection {
    pub(crate) alerts: Vec<Value>,
    pub(crate) mails: Vec<Mail>,
    pub(crate) iam: Value,
}

pub(crate) fn expected<'a>(
    words: &'static str,
    look: impl Fn(&Projection) -> bool + 'a,
) -> Expected<'a> {
    Expected {
        words,
        seen_after: None,
        by_mail: false,
        look: Box::new(look),
    }
}

/// At least so many e-mails.
pub(crate) fn mailed(words: &'static str, least: usize) -> Expected<'static> {
    Expected {
        by_mail: true,
        ..expected(words, move |sight| sight.mails.len() >= least)
    }
}

pub(crate) fn field<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

pub(crate) fn alerted(sight: &Projection, stage: &str, code: &str) -> bool {
    sight.alerts.iter().any(|alert| {
        let findings = alert.get("findings").and_then(Value::as_array);
        field(alert, "/stage") == stage
            && (code.is_empty()
                || findings.is_some_and(|all| all.iter().any(|one| field(one, "/code") == code)))
    })
}

impl<'a, S: Site, W: Write> Story<'a, S, W> {
    pub(crate) fn new(site: &'a S, cast: Cast, out: W) -> Self {
        Self {
            site,
            cast,
            out,
            steps: Vec::new(),
            alerts_reported: 0,
            mails_reported: 0,
        }
    }

    pub(crate) fn title(&mut self, title: &str) -> io::Result<()> {
        let number = self.steps.len() + 1;
        writeln!(self.out, "\n{number}. {title}")
    }

    pub(crate) fn trust_of(&self, role: &str) -> Result<Value, AccountError> {
        let answer = self
            .site
            .call("iam", "get_role", &json!({ "RoleName": role }))?;
        let document = answer.pointer("/Role/AssumeRolePolicyDocument").cloned();
        Ok(json!({ role: document }))
    }

    pub(crate) fn keys_of(&self, user: &str) -> Result<Value, AccountError> {
        let answer = self
            .site
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
    pub(crate) fn watch(
        &mut self,
        name: &'static str,
        call: String,
        record: &Value,
        iam: impl Fn(&Self) -> Result<Value, AccountError>,
        mut expected: Vec<Expected<'_>>,
    ) -> Result<(), StoryError> {
        writeln!(self.out, "   {call}")?;
        let reads_mail = self.site.mails()?.is_some();
        expected.retain(|one| reads_mail || !one.by_mail);
        let called = Instant::now();
        self.site.put_record(record)?;
        let sight = loop {
            let sight = Projection {
                alerts: since(self.site.alerts()?, self.alerts_reported),
                mails: since(self.site.mails()?.unwrap_or_default(), self.mails_reported),
                iam: iam(self)?,
            };
            let elapsed = called.elapsed();
            for one in expected.iter_mut().filter(|one| one.seen_after.is_none()) {
                one.seen_after = (one.look)(&sight).then_some(elapsed);
            }
            if expected.iter().all(|one| one.seen_after.is_some()) || elapsed > self.site.patience()
            {
                break sight;
            }
            if self.site.interrupted() {
                return Err(StoryError::Interrupted);
            }
            std::thread::sleep(self.site.pause());
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

    pub(crate) fn vendor_is_let_in(&mut self) -> Result<(), StoryError> {
        let (cast, account) = (self.cast, self.site.account().to_owned());
        self.title("The platform team gives Datadog access, as the rules require")?;
        let request = json!({ "RoleName": cast.role, "AssumeRolePolicyDocument": LAWFUL });
        let made = self.site.call("iam", "create_role", &request)?;
        let role = made.get("Role").cloned().unwrap_or_default();
        let record =
            cloudtrail::create_role(&account, Actor::Administrator, cast.role, LAWFUL, &role);
        let role_id = field(&role, "/RoleId").to_owned();
        let table = self.site.table()?;
        let site = self.site;
        self.watch(
            "a registered vendor's role is created properly",
            format!("iam:CreateRole {}, by {}", cast.role, cast.administrator),
            &record,
            |story| story.trust_of(cast.role),
            vec![
                expected(
                    "approved: the document is kept as the role's baseline",
                    move |_| baseline_is_kept(site, &table, &role_id),
                ),
                expected("nobody was alerted", |sight| sight.alerts.is_empty()),
            ],
        )
    }

    pub(crate) fn external_account_is_added(&mut self) -> Result<(), StoryError> {
        let (cast, account) = (self.cast, self.site.account().to_owned());
        self.title("With a stolen key, someone adds an external account beside the vendor")?;
        let with_external = WITH_EXTERNAL.replace("EXTERNAL", cast.external);
        let request = json!({ "RoleName": cast.role, "PolicyDocument": with_external });
        self.site
            .call("iam", "update_assume_role_policy", &request)?;
        let record = cloudtrail::update_trust(&account, Actor::Intruder, cast.role, &with_external);
        let compliant: Value = serde_json::from_str(LAWFUL).unwrap_or_default();
        self.watch(
            "an external account is added to its trust policy",
            format!(
                "iam:UpdateAssumeRolePolicy {}, adds account {}, by {}",
                cast.role, cast.external, cast.intruder
            ),
            &record,
            |story| story.trust_of(cast.role),
            vec![
                expected("alert: unknown-third-party", |sight| {
                    alerted(sight, "detected", "unknown-third-party")
                }),
                expected(
                    "IAM holds the old policy again, the vendor still in it",
                    move |sight| sight.iam.get(cast.role) == Some(&compliant),
                ),
                expected("the outcome is reported", |sight| {
                    alerted(sight, "outcome", "")
                }),
                mailed("both went out by e-mail", 2),
            ],
        )
    }

    pub(crate) fn trust_for_everyone(&mut self) -> Result<(), StoryError> {
        let (cast, account) = (self.cast, self.site.account().to_owned());
        self.title("The same key creates a role that trusts everyone")?;
        let request = json!({ "RoleName": cast.new_role, "AssumeRolePolicyDocument": OPEN });
        let made = self.site.call("iam", "create_role", &request)?;
        let role = made.get("Role").cloned().unwrap_or_default();
        let record = cloudtrail::create_role(&account, Actor::Intruder, cast.new_role, OPEN, &role);
        self.watch(
            "a new role that trusts everyone",
            format!(
                "iam:CreateRole {}, trusts *, by {}",
                cast.new_role, cast.intruder
            ),
            &record,
            |story| story.trust_of(cast.new_role),
            vec![
                expected("alert: public-trust", |sight| {
                    alerted(sight, "detected", "public-trust")
                }),
                expected("nobody can assume it any more", |sight| {
                    sight.iam.get(cast.new_role).is_some_and(is_closed)
                }),
                expected("the outcome is reported", |sight| {
                    alerted(sight, "outcome", "")
                }),
                mailed("both went out by e-mail", 2),
            ],
        )
    }

    pub(crate) fn key_that_may_not_be(&mut self) -> Result<(), StoryError> {
        let (cast, account) = (self.cast, self.site.account().to_owned());
        self.title("An access key for a user who may not have one")?;
        self.site
            .call("iam", "create_user", &json!({ "UserName": cast.user }))?;
        let made = self.site.call(
            "iam",
            "create_access_key",
            &json!({ "UserName": cast.user }),
        )?;
        let key = field(&made, "/AccessKey/AccessKeyId").to_owned();
        let record = cloudtrail::create_access_key(&account, Actor::Intruder, cast.user, &key);
        let off = json!({ (cast.user): { key.as_str(): "Inactive" } });
        self.watch(
            "an access key for a user who may not have one",
            format!(
                "iam:CreateAccessKey for {}, by {}",
                cast.user, cast.intruder
            ),
            &record,
            |story| story.keys_of(cast.user),
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

/// Whether the guard's table holds this role's approved document.
fn baseline_is_kept(site: &impl Site, table: &str, role_id: &str) -> bool {
    let mut request = json!({ "TableName": table });
    loop {
        let Ok(mut page) = site.call("dynamodb", "scan", &request) else {
            return false;
        };
        let items = page.get("Items").and_then(Value::as_array);
        let kept = |item: &Value| {
            let text = item.to_string();
            text.contains(role_id) && text.contains("464622532012")
        };
        if items.is_some_and(|items| items.iter().any(kept)) {
            return true;
        }
        let Some(next) = page.get_mut("LastEvaluatedKey").map(Value::take) else {
            return false;
        };
        if let Some(request) = request.as_object_mut() {
            request.insert("ExclusiveStartKey".to_owned(), next);
        }
    }
}

fn since<T>(mut all: Vec<T>, reported: usize) -> Vec<T> {
    all.split_off(reported.min(all.len()))
}
