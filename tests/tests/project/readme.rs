//! The commands in README.md, CONTRIBUTING.md and the pages of docs work as printed. A block marked
//! `sh` is run line by line, from the project's root; one marked `sh aws` needs an account, and one
//! marked `sh slow` minutes: the marks are checked here, so that a new one is a decision.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use trustwarden_tests::{binaries, root};

/// One fenced block.
struct Block {
    file: String,
    line: usize,
    marks: Vec<String>,
    text: String,
}

/// README.md, CONTRIBUTING.md and every page of docs, its folders included.
fn documents() -> Vec<String> {
    let mut found = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension() == Some("md".as_ref()) {
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    for moved in ["docs/cli.md", "docs/deploy.md", "docs/roll-out.md"] {
        assert!(found.iter().any(|file| file == moved), "{moved} is missing");
    }
    found.sort();
    found
}

fn blocks(file: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(root().join(Path::new(file))).unwrap();
    let mut found: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), open.take()) {
            (Some(marks), None) => {
                open = Some(Block {
                    file: file.to_owned(),
                    line: number + 1,
                    marks: marks.split_whitespace().map(str::to_owned).collect(),
                    text: String::new(),
                });
            }
            (Some(_), Some(block)) => found.push(block),
            (None, Some(mut block)) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{file}: a block does not end");
    found
}

fn shell_blocks() -> Vec<Block> {
    let all = documents().into_iter().flat_map(|file| blocks(&file));
    all.filter(|block| block.marks.first().is_some_and(|mark| mark == "sh"))
        .collect()
}

fn marked(block: &Block, mark: &str) -> bool {
    block.marks.iter().any(|own| own == mark)
}

#[test]
fn every_shell_block_says_what_it_needs() {
    for file in documents() {
        for block in blocks(&file) {
            let language = block.marks.first().map(String::as_str);
            let shell = ["bash", "shell", "console", "zsh"];
            assert!(
                !language.is_some_and(|language| shell.contains(&language)),
                "{file}:{}: call it sh",
                block.line
            );
        }
    }
    for block in shell_blocks() {
        for mark in block.marks.iter().skip(1) {
            let known = ["aws", "slow"].contains(&mark.as_str());
            assert!(known, "{}:{}: {mark}?", block.file, block.line);
        }
        let needs_aws = ["sam deploy", "make deploy", "aws ", "--live"];
        let calls = block.text.lines().any(|line| {
            needs_aws
                .iter()
                .any(|word| line.trim_start().starts_with(word) || line.contains(" --live"))
        });
        assert!(
            !calls || marked(&block, "aws"),
            "{}:{}: mark it aws",
            block.file,
            block.line
        );
    }
}

#[test]
fn commands_that_need_neither_aws_nor_minutes_run_as_printed() {
    // The binaries of this build stand for installed ones.
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", binaries().display());
    for block in shell_blocks() {
        if marked(&block, "aws") || marked(&block, "slow") {
            continue;
        }
        let output = Command::new("bash")
            .args(["-eu", "-o", "pipefail", "-c", &block.text])
            .current_dir(scratch())
            .env("PATH", &path)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        if !output.status.success() {
            panic!(
                "{}:{} ended with {}:\n{}\n{}",
                block.file,
                block.line,
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

/// A copy of what the commands read, so that what they write is not left in the work tree.
fn scratch() -> PathBuf {
    let folder = trustwarden_tests::scratch().join(format!("readme-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["rules", "events", "docs", "examples", "template.yaml"] {
        let link = folder.join(name);
        if link.exists() {
            continue;
        }
        let copied = Command::new("cp")
            .arg("-R")
            .arg(root().join(name))
            .arg(&link)
            .status();
        assert!(copied.unwrap().success());
    }
    folder
}
