//! `mutations [--seeds N] [--only NAME]`: puts each fault of
//! [`trustwarden_histories::mutations`] into a copy of the guard, builds the simulator with it and
//! lets it run until a history catches the fault. Fails if one survives, or finds no text to
//! change, or does not compile.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::time::Instant;

use trustwarden_histories::mutations::{ALL, Mutation, mutated};

struct Arguments {
    seeds: u64,
    only: Option<String>,
}

fn arguments() -> Option<Arguments> {
    let mut found = Arguments {
        seeds: 10_000,
        only: None,
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        match name.as_str() {
            "--seeds" => found.seeds = given.next()?.parse().ok()?,
            "--only" => found.only = Some(given.next()?),
            _ => return None,
        }
    }
    Some(found)
}

fn main() -> ExitCode {
    let said = match arguments() {
        None => Err(io::Error::other("mutations [--seeds N] [--only NAME]")),
        Some(given) => run(&given),
    };
    let (code, words) = match said {
        Ok(0) => return ExitCode::SUCCESS,
        Ok(survived) => (1, format!("{survived} mutations survived")),
        Err(error) => (2, error.to_string()),
    };
    // Nobody may be listening.
    let _ = writeln!(io::stderr(), "mutations: {words}");
    ExitCode::from(code)
}

/// Where the copy lies, and where it is built.
struct Scratch {
    tree: PathBuf,
    target: PathBuf,
}

/// How many survived.
fn run(given: &Arguments) -> io::Result<usize> {
    let chosen = || {
        let only = given.only.as_deref();
        ALL.iter()
            .filter(move |mutation| only.is_none_or(|name| name == mutation.name))
    };
    if chosen().next().is_none() {
        return Err(io::Error::other("there is no mutation of that name"));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let scratch = Scratch {
        tree: root.join("target/mutations/tree"),
        target: root.join("target/mutations/target"),
    };
    copy(&root, &scratch.tree)?;
    let mut out = io::stdout().lock();
    let histories = scratch.build()?;
    // A history that fails anyway would seem to catch everything.
    let sound = watch(&histories, given.seeds)?;
    if !sound.status.success() {
        return Err(io::Error::other(format!(
            "the handlers fail as they are: {}",
            first_line(&sound)
        )));
    }
    writeln!(out, "{:<42} {:>7}  how it shows", "mutation", "seconds")?;
    let mut survived = 0;
    for mutation in chosen() {
        let begun = Instant::now();
        let originals = scratch.put_in(mutation)?;
        let built = scratch.build();
        let watched = built.and_then(|histories| watch(&histories, given.seeds));
        for (path, text) in originals {
            fs::write(path, text)?;
        }
        let watched =
            watched.map_err(|error| io::Error::other(format!("{}: {error}", mutation.name)))?;
        let how = if watched.status.success() {
            survived += 1;
            format!("SURVIVED {} seeds; breaks {}", given.seeds, mutation.breaks)
        } else {
            first_line(&watched).chars().take(110).collect()
        };
        let seconds = begun.elapsed().as_secs();
        writeln!(out, "{:<42} {seconds:>7}  {how}", mutation.name)?;
        out.flush()?;
    }
    let count = chosen().count();
    writeln!(out, "{} of {count} mutations caught", count - survived)?;
    Ok(survived)
}

impl Scratch {
    /// Makes the edits of a mutation, and gives back what stood there.
    fn put_in(&self, mutation: &Mutation) -> io::Result<Vec<(PathBuf, String)>> {
        let files: BTreeSet<&str> = mutation.edits.iter().map(|edit| edit.0).collect();
        let mut originals = Vec::new();
        let mut changed = Vec::new();
        for file in files {
            let path = self.tree.join("crates/guard/src").join(file);
            let text = fs::read_to_string(&path)?;
            changed.push(mutated(mutation, file, &text).map_err(io::Error::other)?);
            originals.push((path, text));
        }
        for ((path, _), text) in originals.iter().zip(changed) {
            fs::write(path, text)?;
        }
        Ok(originals)
    }

    /// Builds the simulator: quickly rather than for speed, most faults show within some hundred
    /// histories.
    fn build(&self) -> io::Result<PathBuf> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--offline", "--profile", "histories"])
            .args(["--package", "trustwarden-histories", "--bin", "histories"])
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "1")
            .env("CARGO_PROFILE_HISTORIES_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_HISTORIES_LTO", "off")
            .env("CARGO_PROFILE_HISTORIES_CODEGEN_UNITS", "64")
            .output()?;
        if built.status.success() {
            Ok(self.target.join("histories/histories"))
        } else {
            let said = String::from_utf8_lossy(&built.stderr);
            Err(io::Error::other(format!(
                "cargo build ended with {}:\n{said}",
                built.status
            )))
        }
    }
}

fn watch(histories: &Path, seeds: u64) -> io::Result<Output> {
    Command::new(histories)
        .args(["--seeds", &seeds.to_string(), "--any-rarity", "--first"])
        .output()
}

fn first_line(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines().next().unwrap_or("it broke down").to_owned()
}

/// Copies what the simulator is built from; a file that has not changed keeps its time, so that it
/// is not compiled again.
fn copy(root: &Path, tree: &Path) -> io::Result<()> {
    copy_folder(&root.join("crates"), &tree.join("crates"))?;
    for name in ["Cargo.lock", "rust-toolchain.toml"] {
        copy_file(&fs::read(root.join(name))?, &tree.join(name))?;
    }
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let members =
        |line: &&str| !line.starts_with("members =") && !line.starts_with("default-members =");
    let manifest: Vec<&str> = manifest.lines().filter(members).collect();
    let manifest = manifest.join("\n").replacen(
        "[workspace]\n",
        "[workspace]\nmembers = [\"crates/*\"]\n",
        1,
    );
    copy_file(manifest.as_bytes(), &tree.join("Cargo.toml"))
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let mut here = BTreeSet::new();
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            copy_file(&fs::read(entry.path())?, &target)?;
        }
        here.insert(entry.file_name());
    }
    // What was taken out of the sources must not be built from the copy.
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        if !here.contains(&entry.file_name()) {
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

fn copy_file(text: &[u8], to: &Path) -> io::Result<()> {
    if fs::read(to).is_ok_and(|there| there == text) {
        return Ok(());
    }
    fs::write(to, text)
}
