//! Every command, as a person would see it: the built program's exit status and both its streams.
//!
//! A transcript holds commands (`$ trustwarden …`, run in `testdata/`; `< FILE` behind it gives
//! standard input), each followed by its status (`? 2`), the lines of standard output (`> `) and of
//! standard error (`! `). Files named `live-…` need the feature of that name. With
//! `UPDATE_TRANSCRIPTS=1` they are written anew: read the difference before it is kept.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn the_program_says_what_the_transcripts_say() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut transcripts: Vec<_> = fs::read_dir(here.join("tests/transcripts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        // What only the program with the feature `live` says.
        .filter(|path| {
            let live = path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("live-");
            cfg!(feature = "live") || !live
        })
        .collect();
    transcripts.sort();
    assert!(!transcripts.is_empty());
    let mut wrong = Vec::new();
    for path in transcripts {
        let text = fs::read_to_string(&path).unwrap();
        let now = run_again(&text, &here.join("testdata"));
        if now == text {
            continue;
        }
        if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
            fs::write(&path, now).unwrap();
            continue;
        }
        let first = text
            .lines()
            .zip(now.lines())
            .position(|(old, new)| old != new);
        let line = first.unwrap_or_else(|| text.lines().count().min(now.lines().count()));
        wrong.push(format!(
            "{}:{}\n  was: {:?}\n  is:  {:?}",
            path.display(),
            line + 1,
            text.lines().nth(line),
            now.lines().nth(line)
        ));
    }
    assert!(
        wrong.is_empty(),
        "{}\n(UPDATE_TRANSCRIPTS=1 writes them anew)",
        wrong.join("\n")
    );
}

/// The same commands and comments with what the program says now.
fn run_again(transcript: &str, folder: &Path) -> String {
    let mut now = String::new();
    for line in transcript.lines() {
        if line.starts_with('#') || line.is_empty() {
            writeln!(now, "{line}").unwrap();
        } else if let Some(command) = line.strip_prefix("$ ") {
            writeln!(now, "{line}").unwrap();
            now.push_str(&run(command, folder));
        }
    }
    now
}

fn run(command: &str, folder: &Path) -> String {
    let mut words = split(command);
    assert_eq!(words.remove(0), "trustwarden", "{command}");
    let stdin = match words.iter().position(|word| word == "<") {
        Some(at) => {
            let file = words.remove(at + 1);
            words.remove(at);
            Stdio::from(File::open(folder.join(file)).unwrap())
        }
        None => Stdio::null(),
    };
    let ran = Command::new(env!("CARGO_BIN_EXE_trustwarden"))
        .args(&words)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .env("COLUMNS", "100")
        .stdin(stdin)
        .output()
        .unwrap();
    let mut said = format!("? {}\n", ran.status.code().unwrap());
    for (mark, stream) in [('>', &ran.stdout), ('!', &ran.stderr)] {
        let text = std::str::from_utf8(stream).expect("what is printed is UTF-8");
        for line in text.lines() {
            assert!(!line.contains('\r'), "{line:?}");
            writeln!(said, "{}", format!("{mark} {line}").trim_end()).unwrap();
        }
        assert!(
            text.is_empty() || text.ends_with('\n'),
            "the last line ends: {command}"
        );
    }
    said
}

/// Words between blanks; `'…'` is one word, in which `\e` is the escape character.
fn split(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = command.trim_start();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').expect("the quote ends"),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word.replace("\\e", "\u{1b}"));
        rest = after.trim_start();
    }
    words
}
