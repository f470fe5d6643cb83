//! A rules file, as its operator writes it and `trustwarden` reads it: the fuzz target and a test
//! of `crates/cli`, which replays the corpus, run the same code.

use std::fs;
use std::path::PathBuf;

use guard::rules::Rules;
use trustwarden_cli::args::{RulesCheckArgs, RulesCommand, RulesCompileArgs};
use trustwarden_cli::input::Input;
use trustwarden_cli::rules::rules;
use trustwarden_cli::{Colors, Status, Streams};

/// Where the file is written, this process's own.
fn place() -> PathBuf {
    std::env::temp_dir().join(format!("trustwarden-rules-{}.yaml", std::process::id()))
}

/// Any text: `rules check` and `rules compile` agree on it, say why they refuse it, and what was
/// compiled can be loaded.
pub fn rules_file(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if text.contains("accounts_file") {
        // Another file's name.
        return;
    }
    let place = place();
    fs::write(&place, text.as_bytes()).expect("a temporary file");
    let file = Input::new(&place);
    let now = Some(jiff::Timestamp::UNIX_EPOCH);
    let check = RulesCommand::Check(RulesCheckArgs {
        file: file.clone(),
        now,
    });
    let (status, _, errors) = run(&check);
    let compile = RulesCommand::Compile(RulesCompileArgs { file, output: None });
    let (compiled, bytes, _) = run(&compile);
    assert_eq!(status, compiled, "{text}");
    match status {
        Status::Done => {
            Rules::load(bytes).expect("what was compiled can be loaded");
        }
        _ => assert!(!errors.is_empty(), "refused without a word: {text}"),
    }
}

fn run(command: &RulesCommand) -> (Status, Vec<u8>, Vec<u8>) {
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let mut streams = Streams::new(&mut out, Colors::PLAIN, &mut errors, Colors::PLAIN);
    let status = rules(command, &mut streams).expect("memory takes it");
    (status, out, errors)
}
