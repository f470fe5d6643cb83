//! The AWS account: moto and what stands around it (`python/account.py`), in a process of its own
//! that ends when this side lets go of it.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::http;

/// The longest single call: a deploy on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The account does not answer as it should.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Its process did not start.
    #[error("{} does not start the account; make setup prepares it", python.display())]
    NotStarted {
        /// The interpreter.
        python: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It started and said something else than where it is.
    #[error("the account did not say where it is; its log is {}", log.display())]
    Silent {
        /// Where its errors went.
        log: PathBuf,
    },
    /// The control port broke off.
    #[error("the account does not answer on {path}")]
    Unreachable {
        /// The route.
        path: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It answered with something else than JSON.
    #[error("the account's answer on {path} is no JSON")]
    NotJson {
        /// The route.
        path: String,
        /// Where it stops being JSON.
        #[source]
        source: serde_json::Error,
    },
    /// AWS's own error, or the account's about itself.
    #[error("{operation}: {code}: {message}")]
    Refused {
        /// What was asked.
        operation: String,
        /// AWS's code, such as `AccessDenied`.
        code: String,
        /// AWS's words.
        message: String,
    },
}

impl AccountError {
    /// AWS's error code, where it was AWS that refused.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}

/// Where the process serves.
#[derive(Debug, Deserialize)]
struct Addresses {
    endpoint: String,
    control: String,
}

/// Credentials of a role's session.
#[derive(Debug, Clone, Deserialize)]
pub struct Session {
    /// `ASIA…`.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
    /// The token.
    pub session_token: String,
}

/// One e-mail.
#[derive(Debug, Clone, Deserialize)]
pub struct Mail {
    /// The subscriber.
    pub to: String,
    /// The subject.
    pub subject: Option<String>,
    /// The text.
    pub text: String,
    /// Seconds since the epoch.
    pub at: f64,
}

/// A call that IAM refused.
#[derive(Debug, Clone, Deserialize)]
pub struct Refusal {
    /// The role's ARN.
    pub principal: String,
    /// `iam:UpdateAssumeRolePolicy` …
    pub action: String,
    /// The resource's ARN, or `*`.
    pub resource: String,
}

/// Something that was delivered nowhere.
#[derive(Debug, Clone, Deserialize)]
pub struct Lost {
    /// What, and why.
    pub what: String,
}

/// What the account saw so far.
#[derive(Debug, Clone, Deserialize)]
pub struct Seen {
    /// E-mails, oldest first.
    pub mails: Vec<Mail>,
    /// Refused calls, oldest first.
    pub refusals: Vec<Refusal>,
    /// What was delivered nowhere: each is a hole in the template.
    pub lost: Vec<Lost>,
}

/// The process. Dropping it closes its standard input, at which it ends.
#[derive(Debug)]
pub struct Account {
    addresses: Addresses,
    input: Option<ChildStdin>,
    process: Child,
}

impl Account {
    /// Starts the account with the interpreter of the project's virtual environment; `lambda` is
    /// where functions are invoked, `log` takes what the process has to say about itself.
    ///
    /// # Errors
    /// [`AccountError::NotStarted`], [`AccountError::Silent`].
    pub fn start(root: &Path, lambda: &str, log: &Path) -> Result<Self, AccountError> {
        let python = root.join(".venv/bin/python");
        let not_started = |source| AccountError::NotStarted {
            python: python.clone(),
            source,
        };
        let errors = File::create(log).map_err(not_started)?;
        let mut process = Command::new(&python)
            .arg(root.join("crates/local/python/account.py"))
            .arg(lambda)
            // The sources are read from the work tree: leave no compiled copies there.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .map_err(not_started)?;
        let mut line = String::new();
        let output = process.stdout.take();
        let read = output.map(|output| BufReader::new(output).read_line(&mut line));
        let addresses = match read {
            Some(Ok(_)) => serde_json::from_str(&line).ok(),
            _ => None,
        };
        let Some(addresses) = addresses else {
            drop(process.kill());
            drop(process.wait());
            return Err(AccountError::Silent {
                log: log.to_owned(),
            });
        };
        Ok(Self {
            addresses,
            input: process.stdin.take(),
            process,
        })
    }

    /// `AWS_ENDPOINT_URL` for everything that runs in the account.
    pub fn endpoint(&self) -> &str {
        &self.addresses.endpoint
    }

    /// Asks the control port.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn ask(&self, path: &str, question: &Value) -> Result<Value, AccountError> {
        let url = format!("{}{path}", self.addresses.control);
        let answer =
            http::post(&url, question.to_string().as_bytes(), PATIENCE).map_err(|source| {
                AccountError::Unreachable {
                    path: path.to_owned(),
                    source,
                }
            })?;
        let not_json = |source| AccountError::NotJson {
            path: path.to_owned(),
            source,
        };
        let value: Value = serde_json::from_slice(&answer.body).map_err(not_json)?;
        let operation = question.get("operation").and_then(Value::as_str);
        unwrapped(value, operation.unwrap_or(path))
    }

    /// The same, as a type.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn ask_for<T: for<'a> Deserialize<'a>>(
        &self,
        path: &str,
        question: &Value,
    ) -> Result<T, AccountError> {
        let answer = self.ask(path, question)?;
        serde_json::from_value(answer).map_err(|source| AccountError::NotJson {
            path: path.to_owned(),
            source,
        })
    }

    /// Any call of AWS's API, spelled as boto3 does, as an operator whom no policy stops.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn call(
        &self,
        account: &str,
        service: &str,
        operation: &str,
        parameters: &Value,
    ) -> Result<Value, AccountError> {
        let question = json!({
            "account": account, "service": service, "operation": operation, "parameters": parameters,
        });
        self.ask("/call", &question)
    }

    /// The same as a role of the account, with what that role may do.
    ///
    /// # Errors
    /// [`AccountError`]; `AccessDenied` where the role may not.
    pub fn call_as(
        &self,
        role: &str,
        service: &str,
        operation: &str,
        parameters: &Value,
    ) -> Result<Value, AccountError> {
        let account = role.split(':').nth(4).unwrap_or_default();
        let question = json!({
            "account": account, "service": service, "operation": operation, "parameters": parameters,
            "role": role,
        });
        self.ask("/call", &question)
    }

    /// Credentials of a role, by ARN.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn session(&self, role: &str, name: &str) -> Result<Session, AccountError> {
        let account = role.split(':').nth(4).unwrap_or_default();
        let question = json!({ "account": account, "role": role, "name": name });
        self.ask_for("/session", &question)
    }
}

/// What stands in `{"ok"}`, or the error that AWS or the account names.
pub(crate) fn unwrapped(mut value: Value, operation: &str) -> Result<Value, AccountError> {
    if let Some(error) = value.get("error") {
        return Err(AccountError::Refused {
            operation: operation.to_owned(),
            code: field(error, "code"),
            message: field(error, "message"),
        });
    }
    Ok(value.get_mut("ok").map(Value::take).unwrap_or(value))
}

fn field(value: &Value, name: &str) -> String {
    let text = value.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

impl Drop for Account {
    fn drop(&mut self) {
        drop(self.input.take());
        drop(self.process.wait());
    }
}
