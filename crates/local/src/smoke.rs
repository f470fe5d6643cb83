//! `make smoke`: the demo's attacks in an AWS account that is there to be tried in, on roles and a
//! user of its own. What was made is removed at the end, whatever the end is.

use std::cell::{OnceCell, RefCell};
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::account::{AccountError, Mail};
use crate::caller::Caller;
use crate::removal::{CAST, QUEUE, STACK, bucket_of, left, remove, resource_of};
use crate::stack::StackError;
use crate::story::{Site, Step, Story, StoryError, chain, field};

/// What each step came to on the local stack; a test holds it true.
const LOCAL: &str = include_str!("../demo/smoke.json");

/// How a smoke test runs.
#[derive(Debug)]
pub struct Options<'a> {
    /// The project's folder.
    pub root: &'a Path,
    /// Where `trustwarden` is.
    pub binaries: &'a Path,
    /// Added to the environment of everything that calls AWS.
    pub environment: &'a [(&'a str, &'a str)],
    /// What one step may take before it counts as not seen.
    pub patience: Duration,
    /// Between two looks.
    pub pause: Duration,
    /// Set by whoever wants it to end.
    pub stop: &'a AtomicBool,
}

/// What an account on this machine does otherwise than a real one.
pub trait Ground {
    /// Builds and deploys the stack under this name, its code by this bucket.
    ///
    /// # Errors
    /// [`StoryError`].
    fn deploy(&self, options: &Options<'_>, stack: &str, bucket: &str) -> Result<(), StoryError>;

    /// Puts a record on the bus where no CloudTrail does.
    ///
    /// # Errors
    /// [`AccountError`].
    fn put_record(&self, record: &Value) -> Result<(), AccountError>;
}

/// A real account: `make build`, `sam deploy`, and CloudTrail.
#[derive(Debug)]
pub struct Real;

impl Ground for Real {
    fn deploy(&self, options: &Options<'_>, stack: &str, bucket: &str) -> Result<(), StoryError> {
        let rules = "RULES=crates/local/demo/access.yaml";
        run(options, "make", &["--no-print-directory", "build", rules])?;
        let words = [
            "deploy",
            // Not what samconfig.toml says: that brings a bucket that stays.
            "--config-env",
            "smoke",
            "--stack-name",
            stack,
            "--s3-bucket",
            bucket,
            "--capabilities",
            "CAPABILITY_IAM",
            "--no-progressbar",
            // What failed is removed here, with the table that CloudFormation would keep.
            "--on-failure",
            "DO_NOTHING",
            "--parameter-overrides",
            "Mode=enforce",
            "LogRetentionDays=1",
        ];
        run(options, "sam", &words)
    }

    fn put_record(&self, _: &Value) -> Result<(), AccountError> {
        Ok(())
    }
}

fn run(options: &Options<'_>, program: &str, words: &[&str]) -> Result<(), StoryError> {
    let mut command = Command::new(program);
    command.args(words).current_dir(options.root);
    let status = ended(command.spawn()?, options.stop)?;
    if status.success() {
        return Ok(());
    }
    let failed = format!("{program} {} failed: {status}", words.join(" "));
    Err(StoryError::Refused(failed))
}

fn ended(mut child: Child, stop: &AtomicBool) -> Result<ExitStatus, StoryError> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if stop.load(Ordering::Relaxed) {
            child.kill()?;
            child.wait()?;
            return Err(StoryError::Interrupted);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

struct Sandbox<'a> {
    caller: &'a Caller,
    ground: &'a dyn Ground,
    options: &'a Options<'a>,
    account: String,
    /// The queue's address, once it is there.
    queue: OnceCell<String>,
    heard: RefCell<Vec<Value>>,
}

impl Site for Sandbox<'_> {
    fn account(&self) -> &str {
        &self.account
    }

    fn table(&self) -> Result<String, StackError> {
        let table = resource_of(self.caller, "Table")?;
        table.ok_or_else(|| StackError::NoSuch("Table".to_owned()))
    }

    fn call(
        &self,
        service: &str,
        operation: &str,
        parameters: &Value,
    ) -> Result<Value, AccountError> {
        self.caller.call(service, operation, parameters)
    }

    fn put_record(&self, record: &Value) -> Result<(), AccountError> {
        self.ground.put_record(record)
    }

    /// Of our roles and our user alone: others may change theirs meanwhile.
    fn alerts(&self) -> Result<Vec<Value>, AccountError> {
        let queue = self.queue.get();
        let request = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10 });
        let received = self.call("sqs", "receive_message", &request)?;
        let messages = received.get("Messages").and_then(Value::as_array);
        let mut heard = self.heard.borrow_mut();
        for message in messages.into_iter().flatten() {
            let alert: Value = serde_json::from_str(field(message, "/Body")).unwrap_or_default();
            let subject = field(&alert, "/subject");
            let name = subject.split_once('/').map(|(_, name)| name);
            if name.is_some_and(|name| [CAST.role, CAST.new_role, CAST.user].contains(&name)) {
                heard.push(alert);
            }
            let receipt = message.get("ReceiptHandle");
            let request = json!({ "QueueUrl": queue, "ReceiptHandle": receipt });
            self.call("sqs", "delete_message", &request)?;
        }
        Ok(heard.clone())
    }

    fn mails(&self) -> Result<Option<Vec<Mail>>, AccountError> {
        Ok(None)
    }

    fn patience(&self) -> Duration {
        self.options.patience
    }

    fn pause(&self) -> Duration {
        self.options.pause
    }

    fn interrupted(&self) -> bool {
        self.options.stop.load(Ordering::Relaxed)
    }
}

/// Asks, plays, removes; true if all of it went as on the local stack and nothing is left.
/// `interruptible` is called once there is something to remove.
///
/// # Errors
/// [`StoryError`]: nothing was begun, or the story broke off. What was made is removed in any case.
pub fn smoke(
    options: &Options<'_>,
    ground: &dyn Ground,
    answers: &mut impl BufRead,
    interruptible: impl FnOnce() -> io::Result<()>,
    mut out: impl Write,
) -> Result<bool, StoryError> {
    let caller = Caller::start(options.root, options.environment)?;
    let identity = caller.call("sts", "get_caller_identity", &json!({}))?;
    let account = field(&identity, "/Account").to_owned();
    refuse(&caller, &account)?;
    writeln!(
        out,
        "This deploys Trustwarden with Mode=enforce into account {account}, as {}, and attacks it there:\n\
         \n\
         - stack {STACK}, with a bucket and a queue of its own;\n\
         - role {}: trusts an external account until the guard reverts it;\n\
         - role {}: trusts everyone until the guard closes it;\n\
         - user {} with an access key.\n\
         \n\
         The roles and the user have no permissions. Until it ends, the guard also remediates what others \
         change in this account. All of it is removed at the end.\n",
        field(&identity, "/Arn"),
        CAST.role,
        CAST.new_role,
        CAST.user,
    )?;
    write!(out, "Type the account's number to go on: ")?;
    out.flush()?;
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    if answer.trim() != account {
        return Err(StoryError::Refused("nothing was done".to_owned()));
    }
    interruptible()?;
    let site = Sandbox {
        caller: &caller,
        ground,
        options,
        account,
        queue: OnceCell::new(),
        heard: RefCell::default(),
    };
    let played = play(&site, &mut out);
    if let Err(error) = &played {
        // A terminal that is gone takes no words; what was made is removed all the same.
        drop(writeln!(out, "\nNot played to its end: {}", chain(error)));
    }
    let removed = remove(&caller, &site.account, options.pause, &mut out);
    Ok(played? && removed)
}

/// Removes what an earlier smoke test left; true if nothing is left.
///
/// # Errors
/// [`StoryError`]: the account does not answer.
pub fn remove_smoke(options: &Options<'_>, mut out: impl Write) -> Result<bool, StoryError> {
    let caller = Caller::start(options.root, options.environment)?;
    let identity = caller.call("sts", "get_caller_identity", &json!({}))?;
    let account = field(&identity, "/Account");
    Ok(remove(&caller, account, options.pause, &mut out))
}

/// Not where the guard is at work already, nor where nothing can be seen.
fn refuse(caller: &Caller, account: &str) -> Result<(), StoryError> {
    let mut request = json!({});
    loop {
        let page = caller.call("cloudformation", "describe_stacks", &request)?;
        let stacks = page.get("Stacks").and_then(Value::as_array);
        let ours = |stack: &&Value| field(stack, "/Description").starts_with("Trustwarden");
        if let Some(stack) = stacks.and_then(|stacks| stacks.iter().find(ours)) {
            let name = field(stack, "/StackName");
            let what = format!("account {account} has Trustwarden already: stack {name}");
            return Err(StoryError::Refused(match name {
                STACK => {
                    format!("{what}, of an earlier smoke test; remove it: make smoke REMOVE=yes")
                }
                _ => what,
            }));
        }
        match page.get("NextToken") {
            Some(next) => request = json!({ "NextToken": next }),
            None => break,
        }
    }
    if let Some(what) = left(caller, account)? {
        let text =
            format!("{what} of an earlier smoke test is there; remove it: make smoke REMOVE=yes");
        return Err(StoryError::Refused(text));
    }
    let trails = caller.call("cloudtrail", "describe_trails", &json!({}))?;
    let trails = trails.get("trailList").and_then(Value::as_array);
    if trails.is_none_or(Vec::is_empty) {
        let text = format!("account {account} has no trail in this region: no event would arrive");
        return Err(StoryError::Refused(text));
    }
    Ok(())
}

fn play(site: &Sandbox<'_>, out: &mut impl Write) -> Result<bool, StoryError> {
    let started = Instant::now();
    let bucket = bucket_of(&site.account);
    site.call("s3", "create_bucket", &json!({ "Bucket": bucket }))?;
    site.ground.deploy(site.options, STACK, &bucket)?;
    subscribe(site)?;
    writeln!(
        out,
        "\nDeployed in {:.0} s.",
        started.elapsed().as_secs_f64()
    )?;
    let mut story = Story::new(site, CAST, &mut *out);
    story.vendor_is_let_in()?;
    story.external_account_is_added()?;
    story.trust_for_everyone()?;
    story.key_that_may_not_be()?;
    let steps = story.steps;
    let local: Map<String, Value> = serde_json::from_str(LOCAL).map_err(io::Error::from)?;
    let same = differences(&summary(&steps), &local, out)?;
    let status = status(site, out)?;
    Ok(same && status && steps.iter().all(|step| step.not_seen.is_empty()))
}

/// The queue hears all three topics, as people do.
fn subscribe(site: &Sandbox<'_>) -> Result<(), StoryError> {
    let name = format!("{QUEUE}{}", Timestamp::now().as_second());
    let made = site.call("sqs", "create_queue", &json!({ "QueueName": name }))?;
    let url = site
        .queue
        .get_or_init(|| field(&made, "/QueueUrl").to_owned());
    let wanted = json!({ "QueueUrl": url, "AttributeNames": ["QueueArn"] });
    let attributes = site.call("sqs", "get_queue_attributes", &wanted)?;
    let arn = field(&attributes, "/Attributes/QueueArn");
    let mut topics = Vec::new();
    for topic in ["AlertTopic", "OperationsTopic", "TamperTopic"] {
        topics.extend(resource_of(site.caller, topic)?);
    }
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" }, "Action": "sqs:SendMessage",
        "Resource": arn, "Condition": { "ArnEquals": { "aws:SourceArn": topics } },
    }]});
    let request = json!({ "QueueUrl": url, "Attributes": { "Policy": policy.to_string() } });
    site.call("sqs", "set_queue_attributes", &request)?;
    for topic in topics {
        let request = json!({
            "TopicArn": topic, "Protocol": "sqs", "Endpoint": arn,
            "Attributes": { "RawMessageDelivery": "true" },
        });
        site.call("sns", "subscribe", &request)?;
    }
    Ok(())
}

/// What each step came to, without what differs from run to run: moments, ids, keys.
fn summary(steps: &[Step]) -> Map<String, Value> {
    let mut all = Map::new();
    for step in steps {
        let mut lines: Vec<String> = step.alerts.iter().map(alert_line).collect();
        let iam = step.iam_after.as_object().into_iter().flatten();
        lines.extend(iam.map(|(name, value)| match value.get("Statement") {
            Some(_) => format!("{name}: {value}"),
            // A user's keys, whose ids are never the same.
            None => {
                let keys = value.as_object().into_iter().flatten();
                let states: Vec<&Value> = keys.map(|(_, state)| state).collect();
                format!("{name}: {}", json!(states))
            }
        }));
        lines.sort_unstable();
        lines.dedup();
        all.insert(step.name.to_owned(), json!(lines));
    }
    all
}

fn alert_line(alert: &Value) -> String {
    let findings = alert.get("findings").and_then(Value::as_array);
    let codes = findings.into_iter().flatten();
    let codes: Vec<&str> = codes.map(|found| field(found, "/code")).collect();
    format!(
        "{} {} {} {}",
        field(alert, "/stage"),
        field(alert, "/severity"),
        codes.join(","),
        field(alert, "/outcome/kind")
    )
}

/// Prints what differs; true if nothing does.
fn differences(
    here: &Map<String, Value>,
    local: &Map<String, Value>,
    out: &mut impl Write,
) -> io::Result<bool> {
    let lines = |of: &Map<String, Value>, step: &str| -> Vec<String> {
        let lines = of.get(step).and_then(Value::as_array).into_iter().flatten();
        lines.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut same = true;
    writeln!(out, "\nWhat differed from the local stack")?;
    for step in here.keys() {
        let (here, there) = (lines(here, step), lines(local, step));
        for line in here.iter().filter(|line| !there.contains(line)) {
            same = false;
            writeln!(out, "   {step}: only here: {line}")?;
        }
        for line in there.iter().filter(|line| !here.contains(line)) {
            same = false;
            writeln!(out, "   {step}: not here: {line}")?;
        }
    }
    if same {
        writeln!(out, "   nothing")?;
    }
    Ok(same)
}

fn status(site: &Sandbox<'_>, out: &mut impl Write) -> Result<bool, StoryError> {
    let program: PathBuf = site.options.binaries.join("trustwarden");
    let output = Command::new(program)
        .args(["status", "--stack", STACK])
        .envs(site.options.environment.iter().copied())
        .output()?;
    writeln!(out, "\ntrustwarden status: {}", output.status)?;
    for text in [&output.stdout, &output.stderr] {
        for line in String::from_utf8_lossy(text).lines() {
            writeln!(out, "   {line}")?;
        }
    }
    // Other regions are left as they are: what they lack does not count.
    let said = String::from_utf8_lossy(&output.stdout);
    let wrong = said.lines().filter(|line| line.starts_with("WRONG"));
    let mut here = wrong.filter(|line| !line.starts_with("WRONG region "));
    Ok(output.status.success() || output.status.code() == Some(1) && here.next().is_none())
}
