//! Lambda on this machine: the functions' real binaries under a Runtime API of their own.
//!
//! Every process gets its own port (`AWS_LAMBDA_RUNTIME_API`), asks it for work, and answers there,
//! many times in its life. A second invocation while the first runs starts a second process, as
//! Lambda does. What ends badly ends as it does there: an init that fails, a panic that the runtime
//! reports, a process that dies, a time-out.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::http::{Request, Response, Server, percent_decoded};

/// Lambda allows ten seconds for init; a debug build on a busy machine gets more.
const INIT: Duration = Duration::from_secs(30);

/// A function, as the stack made it.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its ARN, by which it is invoked.
    pub arn: String,
    /// Its name, for its environment and its log.
    pub name: String,
    /// The binary.
    pub program: PathBuf,
    /// All that is in its environment, but for what Lambda adds.
    pub environment: BTreeMap<String, String>,
    /// What one invocation may take.
    pub timeout: Duration,
    /// Megabytes, told to the function; not enforced.
    pub memory: u64,
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The function's answer.
    Answer(Value),
    /// The function said that it failed: `{"errorType","errorMessage"}`.
    Failed(Value),
    /// The process did not get as far as asking for work; what it said of it.
    NotStarted(String),
    /// The process ended in the middle.
    Died(String),
    /// It took too long, and was ended.
    TimedOut,
}

impl Ending {
    /// The answer; `None` for every other ending.
    pub fn answer(&self) -> Option<&Value> {
        match self {
            Self::Answer(value) => Some(value),
            _ => None,
        }
    }
}

/// An invocation could not even be tried.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// No such function here.
    #[error("no function {0} on this machine")]
    Unknown(String),
    /// Its binary does not start.
    #[error("{} does not start; build it first: cargo build --workspace", program.display())]
    NotBuilt {
        /// The binary.
        program: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

#[derive(Debug, Default)]
struct Progress {
    /// The runtime asked for work at least once.
    started: bool,
    /// What init reported instead.
    init_error: Option<String>,
    /// Work that the runtime has not taken yet: request id, body, deadline in ms since the epoch.
    work: Option<(String, Vec<u8>, u128)>,
    /// The id of what runs.
    running: Option<String>,
    /// What the runtime said of it.
    ending: Option<Ending>,
    /// The process is gone: no more work.
    closed: bool,
}

#[derive(Debug)]
struct Desk {
    progress: Mutex<Progress>,
    changed: Condvar,
    arn: String,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Response {
        let mut progress = self.lock();
        progress.started = true;
        self.changed.notify_all();
        loop {
            if progress.closed {
                return Response::new(410, "");
            }
            if let Some((id, body, deadline)) = progress.work.take() {
                progress.running = Some(id.clone());
                return Response::new(200, body)
                    .header("Content-Type", "application/json")
                    .header("Lambda-Runtime-Aws-Request-Id", id)
                    .header("Lambda-Runtime-Deadline-Ms", deadline.to_string())
                    .header("Lambda-Runtime-Invoked-Function-Arn", self.arn.as_str())
                    .header(
                        "Lambda-Runtime-Trace-Id",
                        "Root=1-00000000-000000000000000000000000;Sampled=0",
                    );
            }
            progress = self
                .changed
                .wait(progress)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn end(&self, id: &str, ending: Ending) -> Response {
        let mut progress = self.lock();
        if progress.running.as_deref() != Some(id) {
            return Response::new(400, "no such invocation");
        }
        progress.running = None;
        progress.ending = Some(ending);
        self.changed.notify_all();
        Response::new(202, "")
    }

    fn serve(&self, request: &Request) -> Response {
        let value = || {
            serde_json::from_slice(&request.body).unwrap_or_else(|_| {
                Value::String(String::from_utf8_lossy(&request.body).into_owned())
            })
        };
        let path = request.path.strip_prefix("/2018-06-01/runtime/");
        let parts: Vec<&str> = path.unwrap_or_default().split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["invocation", "next"]) => self.next(),
            ("POST", ["invocation", id, "response"]) => self.end(id, Ending::Answer(value())),
            ("POST", ["invocation", id, "error"]) => self.end(id, Ending::Failed(value())),
            ("POST", ["init", "error"]) => {
                self.lock().init_error = Some(String::from_utf8_lossy(&request.body).into_owned());
                self.changed.notify_all();
                Response::new(202, "")
            }
            _ => Response::new(404, "not a route of the Runtime API"),
        }
    }
}

/// One process of a function.
#[derive(Debug)]
struct Process {
    child: Mutex<Child>,
    desk: Arc<Desk>,
    log: PathBuf,
    // Dropped with the process: its port closes.
    _server: Server,
}

impl Process {
    fn start(function: &Function, folder: &Path, number: u64) -> Result<Self, InvokeError> {
        let not_built = |source| InvokeError::NotBuilt {
            program: function.program.clone(),
            source,
        };
        let desk = Arc::new(Desk {
            progress: Mutex::default(),
            changed: Condvar::new(),
            arn: function.arn.clone(),
        });
        let for_server = Arc::clone(&desk);
        let server = Server::start(move |request| for_server.serve(&request)).map_err(not_built)?;
        let log = folder.join(format!("{}-{number}.log", function.name));
        let output = File::create(&log).map_err(not_built)?;
        let errors = output.try_clone().map_err(not_built)?;
        let child = Command::new(&function.program)
            .env_clear()
            .envs(&function.environment)
            .env("AWS_LAMBDA_RUNTIME_API", server.authority())
            .env("AWS_LAMBDA_FUNCTION_NAME", &function.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env(
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                function.memory.to_string(),
            )
            .env(
                "AWS_LAMBDA_LOG_GROUP_NAME",
                format!("/trustwarden/{}", function.name),
            )
            .env("AWS_LAMBDA_LOG_STREAM_NAME", format!("process-{number}"))
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_LAMBDA_LOG_LEVEL", "INFO")
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("_HANDLER", "bootstrap")
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(not_built)?;
        Ok(Self {
            child: Mutex::new(child),
            desk,
            log,
            _server: server,
        })
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alive(&self) -> bool {
        matches!(self.child().try_wait(), Ok(None))
    }

    fn kill(&self) {
        let mut child = self.child();
        // Both fail only where the process has already ended, which is what is wanted.
        drop(child.kill());
        drop(child.wait());
        drop(child);
        self.desk.lock().closed = true;
        self.desk.changed.notify_all();
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn run(&self, id: &str, body: &[u8], timeout: Duration) -> Ending {
        let mut deadline = Instant::now() + INIT;
        let mut handed_over = false;
        let mut progress = self.desk.lock();
        loop {
            if progress.started && !handed_over {
                handed_over = true;
                deadline = Instant::now() + timeout;
                let now = SystemTime::now().duration_since(UNIX_EPOCH);
                let ends = (now.unwrap_or_default() + timeout).as_millis();
                progress.work = Some((id.to_owned(), body.to_vec(), ends));
                self.desk.changed.notify_all();
            }
            if let Some(ending) = progress.ending.take() {
                return ending;
            }
            let init_error = progress.init_error.take();
            drop(progress);
            if let Some(error) = init_error {
                self.kill();
                return Ending::NotStarted(error);
            }
            if !self.alive() {
                // It may have answered with its last breath.
                let mut progress = self.desk.lock();
                progress.closed = true;
                return match (progress.ending.take(), progress.init_error.take()) {
                    (Some(ending), _) => ending,
                    (None, Some(error)) => Ending::NotStarted(error),
                    (None, None) if handed_over => Ending::Died(self.said()),
                    (None, None) => Ending::NotStarted(self.said()),
                };
            }
            if Instant::now() >= deadline {
                self.kill();
                return match handed_over {
                    true => Ending::TimedOut,
                    false => Ending::NotStarted(self.said()),
                };
            }
            progress = self.desk.lock();
            if progress.ending.is_none() && (handed_over || !progress.started) {
                let pause = Duration::from_millis(20);
                let waited = self.desk.changed.wait_timeout(progress, pause);
                progress = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

#[derive(Debug, Default)]
struct Pool {
    functions: BTreeMap<String, Function>,
    idle: BTreeMap<String, Vec<Arc<Process>>>,
    busy: BTreeMap<String, Vec<Arc<Process>>>,
    logs: BTreeMap<String, Vec<PathBuf>>,
    invocations: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Shared {
    pool: Mutex<Pool>,
    folder: PathBuf,
    numbers: AtomicU64,
}

/// The functions of this machine, and the port at which they are invoked.
#[derive(Debug)]
pub struct Lambda {
    shared: Arc<Shared>,
    server: Server,
}

impl Lambda {
    /// Serves `POST /2015-03-31/functions/ARN/invocations` (synchronous) and `POST /kill/ARN`;
    /// the functions' logs go into `folder`.
    ///
    /// # Errors
    /// No port could be had, or the folder not made.
    pub fn start(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let shared = Arc::new(Shared {
            pool: Mutex::default(),
            folder: folder.to_owned(),
            numbers: AtomicU64::new(0),
        });
        let for_server = Arc::clone(&shared);
        let server = Server::start(move |request| for_server.serve(&request))?;
        Ok(Self { shared, server })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.authority())
    }

    /// Adds a function, or puts a new one in its place: processes of the old one are ended.
    pub fn add(&self, function: Function) {
        let old = {
            let mut pool = self.shared.lock();
            let old = pool.idle.remove(&function.arn);
            pool.functions.insert(function.arn.clone(), function);
            old
        };
        drop(old);
    }

    /// A function as it is now.
    pub fn function(&self, arn: &str) -> Option<Function> {
        self.shared.lock().functions.get(arn).cloned()
    }

    /// Invokes, and waits for the end.
    ///
    /// # Errors
    /// [`InvokeError`]: there was nothing to invoke.
    pub fn invoke(&self, arn: &str, payload: &Value) -> Result<Ending, InvokeError> {
        self.shared.invoke(arn, payload.to_string().as_bytes())
    }

    /// Ends the function's processes where they stand.
    pub fn kill(&self, arn: &str) {
        self.shared.kill(arn);
    }

    /// How often the function was invoked.
    pub fn invocations(&self, arn: &str) -> u64 {
        let pool = self.shared.lock();
        pool.invocations.get(arn).copied().unwrap_or_default()
    }

    /// All that the function's processes have written, first to last.
    pub fn log(&self, arn: &str) -> String {
        let paths = self.shared.lock().logs.get(arn).cloned();
        let texts = paths.unwrap_or_default().into_iter();
        texts
            .map(|path| std::fs::read_to_string(path).unwrap_or_default())
            .collect()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn process(&self, arn: &str) -> Result<(Arc<Process>, Duration), InvokeError> {
        let mut pool = self.lock();
        let function = pool
            .functions
            .get(arn)
            .cloned()
            .ok_or_else(|| InvokeError::Unknown(arn.to_owned()))?;
        *pool.invocations.entry(arn.to_owned()).or_default() += 1;
        while let Some(process) = pool.idle.get_mut(arn).and_then(Vec::pop) {
            if process.alive() {
                let busy = pool.busy.entry(arn.to_owned()).or_default();
                busy.push(Arc::clone(&process));
                return Ok((process, function.timeout));
            }
        }
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let process = Arc::new(Process::start(&function, &self.folder, number)?);
        let logs = pool.logs.entry(arn.to_owned()).or_default();
        logs.push(process.log.clone());
        let busy = pool.busy.entry(arn.to_owned()).or_default();
        busy.push(Arc::clone(&process));
        Ok((process, function.timeout))
    }

    fn invoke(&self, arn: &str, payload: &[u8]) -> Result<Ending, InvokeError> {
        let (process, timeout) = self.process(arn)?;
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let ending = process.run(&id, payload, timeout);
        let mut pool = self.lock();
        if let Some(busy) = pool.busy.get_mut(arn) {
            busy.retain(|other| !Arc::ptr_eq(other, &process));
        }
        if matches!(ending, Ending::Answer(_) | Ending::Failed(_)) && process.alive() {
            pool.idle.entry(arn.to_owned()).or_default().push(process);
        }
        Ok(ending)
    }

    fn kill(&self, arn: &str) {
        let processes: Vec<_> = {
            let mut pool = self.lock();
            let idle = pool.idle.remove(arn).unwrap_or_default();
            let busy = pool.busy.get(arn).cloned().unwrap_or_default();
            idle.into_iter().chain(busy).collect()
        };
        for process in processes {
            process.kill();
        }
    }

    fn serve(&self, request: &Request) -> Response {
        if let Some(arn) = request.path.strip_prefix("/kill/") {
            self.kill(&percent_decoded(arn));
            return Response::new(200, "{}");
        }
        let arn = request
            .path
            .strip_prefix("/2015-03-31/functions/")
            .and_then(|rest| rest.strip_suffix("/invocations"));
        let Some(arn) = arn else {
            return Response::new(404, "not a route of Lambda");
        };
        let unhandled = |kind: &str, said: &str| {
            let body = json!({ "errorType": kind, "errorMessage": said }).to_string();
            Response::new(200, body).header("X-Amz-Function-Error", "Unhandled")
        };
        match self.invoke(&percent_decoded(arn), &request.body) {
            Ok(Ending::Answer(value)) => Response::new(200, value.to_string()),
            Ok(Ending::Failed(value)) => {
                Response::new(200, value.to_string()).header("X-Amz-Function-Error", "Unhandled")
            }
            Ok(Ending::NotStarted(said)) => unhandled("Runtime.InitError", &said),
            Ok(Ending::Died(said)) => unhandled("Runtime.ExitError", &said),
            Ok(Ending::TimedOut) => unhandled("Sandbox.Timedout", "the invocation timed out"),
            Err(error) => Response::new(404, error.to_string()),
        }
    }
}
