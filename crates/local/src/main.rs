//! `trustwarden-local demo`: the story that `make demo` tells.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

fn run() -> Result<bool, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words != ["demo"] {
        return Err("usage: trustwarden-local demo".into());
    }
    let program = std::env::current_exe()?;
    let binaries = program.parent().unwrap_or(Path::new("."));
    // target/debug/trustwarden-local writes target/demo.json.
    let transcript = binaries.parent().unwrap_or(binaries).join("demo.json");
    let ok = trustwarden_local::demo::demo(binaries, &transcript, io::stdout().lock())?;
    Ok(ok)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let mut text = format!("trustwarden-local: {error}");
            let mut cause = error.source();
            while let Some(inner) = cause {
                text.push_str(&format!(": {inner}"));
                cause = inner.source();
            }
            // Nothing is left to be told where even this cannot be.
            drop(writeln!(io::stderr(), "{text}"));
            ExitCode::from(2)
        }
    }
}
