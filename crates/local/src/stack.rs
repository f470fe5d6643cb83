//! A deployed stack: `template.yaml` in the account, its functions' binaries under Lambda.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::account::{Account, AccountError, Seen};
use crate::lambda::{Ending, Function, InvokeError, Lambda};

/// The queue on the alert topic that stands for whoever reads alerts by program.
const INBOX: &str = "inbox";

/// The same on the topic of what changes the guard.
const TAMPER_INBOX: &str = "tamper-inbox";

/// This machine: where the project lies, its binaries, and Lambda and the account running.
#[derive(Debug)]
pub struct Machine {
    /// The project's folder.
    pub root: PathBuf,
    /// Where cargo put the binaries.
    pub binaries: PathBuf,
    /// Logs, compiled rules.
    pub folder: PathBuf,
    /// Dropped before Lambda: nothing is invoked after Lambda is gone.
    pub account: Account,
    /// The functions.
    pub lambda: Lambda,
}

/// The machine could not be set up, or the stack not be deployed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// A folder or port could not be had.
    #[error("cannot set up {}", path.display())]
    Machine {
        /// What was to be set up.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The account did not start, or refused the template.
    #[error("the stack cannot be deployed")]
    Account(#[from] AccountError),
    /// `trustwarden rules compile` said no.
    #[error("the rules do not compile: {said}")]
    Rules {
        /// Its words.
        said: String,
    },
}

impl Machine {
    /// Starts Lambda and the account. `binaries` is cargo's folder, such as `target/debug`;
    /// `folder` is made and takes logs.
    ///
    /// # Errors
    /// [`DeployError`].
    pub fn start(binaries: &Path, folder: &Path) -> Result<Self, DeployError> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let broken = |path: &Path| {
            let path = path.to_owned();
            |source| DeployError::Machine { path, source }
        };
        let root = root.canonicalize().map_err(broken(&root))?;
        std::fs::create_dir_all(folder).map_err(broken(folder))?;
        let lambda = Lambda::start(&folder.join("functions")).map_err(broken(folder))?;
        let account = Account::start(&root, &lambda.url(), &folder.join("account.log"))?;
        Ok(Self {
            root,
            binaries: binaries.to_owned(),
            folder: folder.to_owned(),
            account,
            lambda,
        })
    }

    /// Compiles a rules file as `sam build` does, and returns where the outcome lies.
    ///
    /// # Errors
    /// [`DeployError::Rules`], with what `trustwarden` said.
    pub fn compile_rules(&self, rules: &Path, name: &str) -> Result<PathBuf, DeployError> {
        let compiled = self.folder.join(format!("rules-{name}.json"));
        let program = self.binaries.join("trustwarden");
        let output = std::process::Command::new(&program)
            .args(["rules", "compile"])
            .arg(rules)
            .arg("--output")
            .arg(&compiled)
            .output()
            .map_err(|source| DeployError::Machine {
                path: program,
                source,
            })?;
        if output.status.success() {
            return Ok(compiled);
        }
        Err(DeployError::Rules {
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Deploys `template.yaml` under a name into an account, and puts its functions to work with
    /// the environment and the role's credentials that the stack gives each of them. One thing
    /// differs from a deployed function: no layer is mounted at /opt, so `TRUSTWARDEN_RULES`
    /// points to where the rules lie.
    ///
    /// # Errors
    /// [`DeployError`].
    pub fn deploy(
        &self,
        account: &str,
        name: &str,
        parameters: &[(&str, &str)],
        rules: &Path,
    ) -> Result<Stack<'_>, DeployError> {
        self.deploy_file("template.yaml", account, name, parameters, rules)
    }

    /// The same for another template of the project, such as `template-region.yaml`.
    ///
    /// # Errors
    /// [`DeployError`].
    pub fn deploy_file(
        &self,
        template: &str,
        account: &str,
        name: &str,
        parameters: &[(&str, &str)],
        rules: &Path,
    ) -> Result<Stack<'_>, DeployError> {
        let template = self.root.join(template);
        let parameters: BTreeMap<&str, &str> = parameters.iter().copied().collect();
        let question = json!({
            "account": account, "stack": name, "template": template, "parameters": parameters,
        });
        let made: Made = self.account.ask_for("/deploy", &question)?;
        let stack = Stack {
            machine: self,
            account: account.to_owned(),
            made,
        };
        for function in &stack.made.functions {
            stack.put_to_work(function, rules)?;
        }
        stack.subscribe_inbox("AlertTopic", INBOX)?;
        stack.subscribe_inbox("TamperTopic", TAMPER_INBOX)?;
        Ok(stack)
    }
}

/// One function of the template.
#[derive(Debug, Clone, Deserialize)]
pub struct MadeFunction {
    /// Its logical id in the template, such as `RoleTrust`.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its name in Lambda.
    pub function_name: String,
    /// The binary that `template.yaml` builds it from.
    pub binary: String,
    /// Its role's ARN.
    pub role: String,
    /// The environment that the template sets.
    pub environment: BTreeMap<String, String>,
    /// Seconds.
    pub timeout: u64,
    /// Megabytes.
    pub memory: u64,
}

/// One resource of the template, its properties resolved.
#[derive(Debug, Clone, Deserialize)]
pub struct MadeResource {
    /// `AWS::SQS::Queue` …
    #[serde(rename = "type")]
    pub kind: String,
    /// What `Ref` gives.
    pub id: Option<String>,
    /// Its ARN, where it has one.
    pub arn: Option<String>,
    /// As CloudFormation would resolve them.
    pub properties: Value,
}

#[derive(Debug, Deserialize)]
struct Made {
    outputs: BTreeMap<String, String>,
    functions: Vec<MadeFunction>,
    resources: BTreeMap<String, MadeResource>,
}

/// A deployed stack.
#[derive(Debug)]
pub struct Stack<'a> {
    /// Where it runs.
    pub machine: &'a Machine,
    /// The account's 12 digits.
    pub account: String,
    made: Made,
}

/// Something asked of a stack came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The account said no.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// A function could not be invoked.
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    /// The template has no such thing.
    #[error("the template has no {0}")]
    NoSuch(String),
}

impl Stack<'_> {
    /// A queue on a topic, as a machine would subscribe one.
    fn subscribe_inbox(&self, topic: &str, inbox: &str) -> Result<(), AccountError> {
        let Some(topic) = self.made.outputs.get(topic) else {
            return Ok(());
        };
        self.call("sqs", "create_queue", &json!({ "QueueName": inbox }))?;
        let queue = format!("arn:aws:sqs:us-east-1:{}:{inbox}", self.account);
        let subscription = json!({
            "TopicArn": topic, "Protocol": "sqs", "Endpoint": queue,
            "Attributes": { "RawMessageDelivery": "true" },
        });
        self.call("sns", "subscribe", &subscription)?;
        Ok(())
    }

    fn put_to_work(&self, made: &MadeFunction, rules: &Path) -> Result<(), DeployError> {
        let session = self
            .machine
            .account
            .session(&made.role, &made.function_name)?;
        let mut environment = made.environment.clone();
        let endpoint = self.machine.account.endpoint().to_owned();
        let rules = rules.to_string_lossy().into_owned();
        environment.extend([
            ("AWS_ENDPOINT_URL".to_owned(), endpoint),
            ("AWS_REGION".to_owned(), "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID".to_owned(), session.access_key_id),
            (
                "AWS_SECRET_ACCESS_KEY".to_owned(),
                session.secret_access_key,
            ),
            ("AWS_SESSION_TOKEN".to_owned(), session.session_token),
            ("TRUSTWARDEN_RULES".to_owned(), rules),
        ]);
        self.machine.lambda.add(Function {
            arn: made.arn.clone(),
            name: made.function_name.clone(),
            program: self.machine.binaries.join(&made.binary),
            environment,
            timeout: Duration::from_secs(made.timeout),
            memory: made.memory,
        });
        Ok(())
    }

    /// A function, by its binary's name, such as `role-trust`.
    ///
    /// # Errors
    /// [`StackError::NoSuch`].
    pub fn function(&self, binary: &str) -> Result<&MadeFunction, StackError> {
        let mut functions = self.made.functions.iter();
        functions
            .find(|function| function.binary == binary)
            .ok_or_else(|| StackError::NoSuch(binary.to_owned()))
    }

    /// All functions.
    pub fn functions(&self) -> &[MadeFunction] {
        &self.made.functions
    }

    /// All resources whose condition holds, by logical id.
    pub fn resources(&self) -> &BTreeMap<String, MadeResource> {
        &self.made.resources
    }

    /// An output of the stack.
    ///
    /// # Errors
    /// [`StackError::NoSuch`].
    pub fn output(&self, name: &str) -> Result<&str, StackError> {
        let output = self.made.outputs.get(name).map(String::as_str);
        output.ok_or_else(|| StackError::NoSuch(name.to_owned()))
    }

    /// What `Ref` gives for a resource.
    ///
    /// # Errors
    /// [`StackError::NoSuch`].
    pub fn id_of(&self, name: &str) -> Result<&str, StackError> {
        let resource = self.made.resources.get(name);
        resource
            .and_then(|resource| resource.id.as_deref())
            .ok_or_else(|| StackError::NoSuch(name.to_owned()))
    }

    /// Any call of AWS's API in this account, as an operator whom no policy stops.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn call(
        &self,
        service: &str,
        operation: &str,
        parameters: &Value,
    ) -> Result<Value, AccountError> {
        let account = &self.machine.account;
        account.call(&self.account, service, operation, parameters)
    }

    /// Invokes a function directly, past EventBridge, and waits.
    ///
    /// # Errors
    /// [`StackError`].
    pub fn invoke(&self, binary: &str, payload: &Value) -> Result<Ending, StackError> {
        let arn = &self.function(binary)?.arn;
        Ok(self.machine.lambda.invoke(arn, payload)?)
    }

    /// Hands a CloudTrail record to the account's event bus, as CloudTrail does: the rules decide
    /// where it goes.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn put_record(&self, record: &Value) -> Result<(), AccountError> {
        let (source, detail_type) = envelope_of(record);
        let entry =
            json!({ "Source": source, "DetailType": detail_type, "Detail": record.to_string() });
        self.call("events", "put_events", &json!({ "Entries": [entry] }))?;
        Ok(())
    }

    /// The ARNs that the account's rules would hand an event to; nothing is sent.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn targets_of(&self, event: &Value) -> Result<Vec<String>, AccountError> {
        let question = json!({ "account": self.account, "event": event });
        self.machine.account.ask_for("/matches", &question)
    }

    /// The binaries among them.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn matches(&self, event: &Value) -> Result<Vec<&str>, AccountError> {
        let arns = self.targets_of(event)?;
        let functions = self.made.functions.iter();
        let matching = functions.filter(|function| arns.contains(&function.arn));
        Ok(matching.map(|function| function.binary.as_str()).collect())
    }

    /// Waits until no invocation runs and no order can be taken; says whether that came to be.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn wait_until_quiet(&self, atmost: Duration) -> Result<bool, AccountError> {
        let question = json!({ "account": self.account, "seconds": atmost.as_secs_f64() });
        let answer = self.machine.account.ask("/quiet", &question)?;
        Ok(answer.get("quiet").and_then(Value::as_bool) == Some(true))
    }

    /// How many orders are in the queue, being worked on or waiting for another look.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn waiting_orders(&self) -> Result<u64, AccountError> {
        let question = json!({ "account": self.account, "seconds": 0 });
        let answer = self.machine.account.ask("/quiet", &question)?;
        Ok(answer
            .get("waiting")
            .and_then(Value::as_u64)
            .unwrap_or_default())
    }

    /// Ends all waiting for another look now; returns how many orders waited.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn hasten(&self) -> Result<u64, AccountError> {
        let question = json!({ "account": self.account });
        let answer = self.machine.account.ask("/hasten", &question)?;
        Ok(answer
            .get("hastened")
            .and_then(Value::as_u64)
            .unwrap_or_default())
    }

    /// Kills a function's process after the next such call of its role took effect, before the
    /// function hears of it. `action` is `service:Operation` as the API has it.
    ///
    /// # Errors
    /// [`StackError`].
    pub fn crash_after(&self, binary: &str, action: &str) -> Result<(), StackError> {
        let function = self.function(binary)?;
        let question = json!({
            "account": self.account, "role": function.role, "action": action, "function": function.arn,
        });
        self.machine.account.ask("/crash", &question)?;
        Ok(())
    }

    /// Deletes a principal that trust policies name: IAM shows its unique id where it stood, which
    /// is the answer, and takes neither its name nor that id any more.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn bury(&self, principal: &str) -> Result<String, AccountError> {
        let question = json!({ "account": self.account, "principal": principal });
        self.machine.account.ask_for("/bury", &question)
    }

    /// Makes the account's roles, functions and stacks so many seconds older.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn age_roles(&self, seconds: i64) -> Result<(), AccountError> {
        let question = json!({ "account": self.account, "seconds": seconds });
        self.machine.account.ask("/age", &question).map(drop)
    }

    /// E-mails, refusals and losses of this account so far.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn seen(&self) -> Result<Seen, AccountError> {
        let question = json!({ "account": self.account });
        self.machine.account.ask_for("/seen", &question)
    }

    /// The trust policy that IAM holds for a role, byte for byte.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn trust_of(&self, role: &str) -> Result<String, AccountError> {
        let question = json!({ "account": self.account, "role": role });
        self.machine.account.ask_for("/trust", &question)
    }

    /// The bodies of all messages in a queue, by name or URL; none is received by it.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn peek(&self, queue: &str) -> Result<Vec<String>, AccountError> {
        let question = json!({ "account": self.account, "queue": queue });
        self.machine.account.ask_for("/peek", &question)
    }

    /// The documents for machines that the alert topic carried, oldest first.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn alerts(&self) -> Result<Vec<Value>, AccountError> {
        self.read_inbox(INBOX)
    }

    /// Alerts about changes of the guard so far, oldest first.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn tampering_alerts(&self) -> Result<Vec<Value>, AccountError> {
        self.read_inbox(TAMPER_INBOX)
    }

    fn read_inbox(&self, inbox: &str) -> Result<Vec<Value>, AccountError> {
        let bodies = self.peek(inbox)?;
        let parsed = bodies.iter().map(|body| serde_json::from_str(body));
        let mut messages: Vec<Value> =
            parsed
                .collect::<Result<_, _>>()
                .map_err(|source| AccountError::NotJson {
                    path: inbox.to_owned(),
                    source,
                })?;
        // Who asks SNS again after a slow answer publishes once more. The guard itself never says the
        // same in the same nanosecond twice.
        let mut seen = HashSet::new();
        messages.retain(|message| seen.insert(message.to_string()));
        Ok(messages)
    }

    /// What a function has logged.
    ///
    /// # Errors
    /// [`StackError::NoSuch`].
    pub fn log(&self, binary: &str) -> Result<String, StackError> {
        Ok(self.machine.lambda.log(&self.function(binary)?.arn))
    }

    /// How often a function was invoked.
    ///
    /// # Errors
    /// [`StackError::NoSuch`].
    pub fn invocations(&self, binary: &str) -> Result<u64, StackError> {
        let arn = &self.function(binary)?.arn;
        Ok(self.machine.lambda.invocations(arn))
    }
}

/// The `source` and `detail-type` that EventBridge gives a CloudTrail record.
pub fn envelope_of(record: &Value) -> (String, &'static str) {
    let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
    let service = text("eventSource").split('.').next().unwrap_or_default();
    let detail_type = match text("eventType") {
        kind if kind.eq_ignore_ascii_case("AwsConsoleSignIn") => {
            "AWS Console Sign In via CloudTrail"
        }
        kind if kind.eq_ignore_ascii_case("AwsConsoleAction") => {
            "AWS Console Action via CloudTrail"
        }
        kind if kind.eq_ignore_ascii_case("AwsServiceEvent") => "AWS Service Event via CloudTrail",
        _ => "AWS API Call via CloudTrail",
    };
    (format!("aws.{service}"), detail_type)
}

/// A record in the envelope in which EventBridge hands it to a function.
pub fn event_of(record: &Value) -> Value {
    let (source, detail_type) = envelope_of(record);
    let field = |name: &str| record.get(name).cloned().unwrap_or_default();
    json!({
        "version": "0",
        "id": field("eventID"),
        "detail-type": detail_type,
        "source": source,
        "account": field("recipientAccountId"),
        "time": field("eventTime"),
        "region": field("awsRegion"),
        "resources": [],
        "detail": record,
    })
}
