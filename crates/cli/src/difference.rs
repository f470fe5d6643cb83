//! Two texts as a unified diff, of one hunk from the first line that differs to the last.

use std::fmt::Write as _;

/// So many lines that are the same stand around it.
const CONTEXT: usize = 3;

/// The diff as `patch` and `git apply` take it; empty where nothing differs.
pub(crate) fn unified(name: &str, before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    if old == new {
        return String::new();
    }
    let same = |one: &&(&&str, &&str)| one.0 == one.1;
    let pairs: Vec<(&&str, &&str)> = old.iter().zip(&new).collect();
    let head = pairs.iter().take_while(same).count();
    let shorter = old.len().min(new.len()) - head;
    let pairs: Vec<(&&str, &&str)> = old.iter().rev().zip(new.iter().rev()).collect();
    let tail = pairs.iter().take_while(same).count().min(shorter);
    let from = head.saturating_sub(CONTEXT);
    let middle = |lines: usize| head..lines - tail;
    let until = tail.min(CONTEXT);
    let count = |lines: usize| middle(lines).len() + (head - from) + until;
    let mut text = format!("--- a/{name}\n+++ b/{name}\n");
    let (removed, added) = (count(old.len()), count(new.len()));
    let _ = writeln!(text, "@@ -{},{removed} +{},{added} @@", from + 1, from + 1);
    let mut put = |sign: char, lines: &[&str]| {
        for line in lines {
            let _ = writeln!(text, "{sign}{line}");
        }
    };
    put(' ', old.get(from..head).unwrap_or_default());
    for (sign, line) in changed(
        old.get(middle(old.len())).unwrap_or_default(),
        new.get(middle(new.len())).unwrap_or_default(),
    ) {
        put(sign, &[line]);
    }
    let rest = old.len() - tail;
    put(' ', old.get(rest..rest + until).unwrap_or_default());
    text
}

/// What lies between: lines that were put in among others that stay, or else all of them.
fn changed<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(char, &'a str)> {
    let mut rest = old.iter().peekable();
    let mut lines = Vec::new();
    for line in new {
        match rest.next_if(|old| *old == line) {
            Some(_) => lines.push((' ', *line)),
            None => lines.push(('+', *line)),
        }
    }
    if rest.peek().is_none() {
        return lines;
    }
    let removed = old.iter().map(|line| ('-', *line));
    removed.chain(new.iter().map(|line| ('+', *line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_stands_among_what_stays() {
        let before = "a\nb\nc\nd\ne\nf\ng\n";
        assert_eq!(unified("r", before, before), "");
        assert_eq!(
            unified("r", before, "a\nb\nc\nd\nX\ne\nY\nf\ng\n"),
            "--- a/r\n+++ b/r\n@@ -2,6 +2,8 @@\n b\n c\n d\n+X\n e\n+Y\n f\n g\n"
        );
        assert_eq!(
            unified("r", before, "a\nb\nc\nD\ne\nf\ng\n"),
            "--- a/r\n+++ b/r\n@@ -1,7 +1,7 @@\n a\n b\n c\n-d\n+D\n e\n f\n g\n"
        );
        assert_eq!(
            unified("r", "a\n", "a\nb\n"),
            "--- a/r\n+++ b/r\n@@ -1,1 +1,2 @@\n a\n+b\n"
        );
    }
}
