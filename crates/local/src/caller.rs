//! AWS's API with the caller's own credentials, through boto3 (`python/caller.py`).

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::account::{AccountError, unwrapped};

/// The process. Dropping it closes its standard input, at which it ends.
#[derive(Debug)]
pub(crate) struct Caller {
    python: PathBuf,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    process: Child,
}

impl Caller {
    /// Starts it. `environment` is added to this process's own.
    ///
    /// # Errors
    /// [`AccountError::NotStarted`].
    pub(crate) fn start(root: &Path, environment: &[(&str, &str)]) -> Result<Self, AccountError> {
        let python = root.join(".venv/bin/python");
        let not_started = |source| AccountError::NotStarted {
            python: python.clone(),
            source,
        };
        let mut process = Command::new(&python)
            .arg(root.join("crates/local/python/caller.py"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(environment.iter().copied())
            // Ctrl-C in the terminal is for us: what was made is still to be removed then.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(not_started)?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(not_started(io::Error::other("it has no pipes")));
        };
        Ok(Self {
            python: python.clone(),
            pipes: Mutex::new((input, BufReader::new(output))),
            process,
        })
    }

    /// One call.
    ///
    /// # Errors
    /// [`AccountError`]; `Refused` with AWS's code.
    pub(crate) fn call(
        &self,
        service: &str,
        operation: &str,
        parameters: &Value,
    ) -> Result<Value, AccountError> {
        let question =
            json!({ "service": service, "operation": operation, "parameters": parameters });
        let answer = self
            .asked(&question)
            .map_err(|source| AccountError::NotStarted {
                python: self.python.clone(),
                source,
            })?;
        let value = serde_json::from_str(&answer).map_err(|source| AccountError::NotJson {
            path: operation.to_owned(),
            source,
        })?;
        unwrapped(value, operation)
    }

    fn asked(&self, question: &Value) -> io::Result<String> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let (input, output) = &mut *pipes;
        writeln!(input, "{question}")?;
        let mut answer = String::new();
        output.read_line(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        // It waits for a line or writes one; nothing of either is needed any more.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
