//! `trustwarden-local demo`: the story that `make demo` tells. `trustwarden-local smoke`: the same
//! in an account of AWS, as `make smoke` does.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use trustwarden_local::chain;
use trustwarden_local::demo::demo;
use trustwarden_local::smoke::{Options, Real, remove_smoke, smoke};

const USAGE: &str = "usage: trustwarden-local demo | smoke [remove | SECONDS]";

fn run() -> Result<bool, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let program = std::env::current_exe()?;
    let binaries = program.parent().unwrap_or(Path::new("."));
    let stop = Arc::new(AtomicBool::new(false));
    let options = |seconds| Options {
        root: Path::new("."),
        binaries,
        environment: &[],
        patience: Duration::from_secs(seconds),
        pause: Duration::from_secs(1),
        stop: &stop,
    };
    // CloudTrail hands an event on within a quarter of an hour, most within seconds.
    let seconds = match words.as_slice() {
        ["demo"] => {
            // target/debug/trustwarden-local writes target/demo.json.
            let transcript = binaries.parent().unwrap_or(binaries).join("demo.json");
            return Ok(demo(binaries, &transcript, io::stdout().lock())?);
        }
        ["smoke", "remove"] => return Ok(remove_smoke(&options(0), io::stdout().lock())?),
        ["smoke"] => 900,
        ["smoke", seconds] => seconds.parse().map_err(|_| USAGE)?,
        _ => return Err(USAGE.into()),
    };
    let interruptible = || {
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // The first ends the story, the second the removal as well.
            flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop))?;
            flag::register(signal, Arc::clone(&stop))?;
        }
        Ok(())
    };
    let (answers, out) = (&mut io::stdin().lock(), io::stdout().lock());
    Ok(smoke(
        &options(seconds),
        &Real,
        answers,
        interruptible,
        out,
    )?)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let text = format!("trustwarden-local: {}", chain(error.as_ref()));
            // Nothing is left to be told where even this cannot be.
            drop(writeln!(io::stderr(), "{text}"));
            ExitCode::from(2)
        }
    }
}
