//! Findings for a pull request: annotations of GitHub, and JUnit's XML, which other CI systems show.

use std::fmt::Write as _;
use std::io::{self, Write};

use guard::Severity;

use super::found::Found;

/// A command of a GitHub workflow a finding, and one a file that cannot be read.
///
/// Source: GitHub documentation, "Workflow commands for GitHub Actions" (read 2026-11-30).
pub(crate) fn github(found: &[Found], unread: &[String], out: &mut dyn Write) -> io::Result<()> {
    for name in unread {
        let name = property(name);
        writeln!(
            out,
            "::error file={name},title=unreadable::this file could not be read whole"
        )?;
    }
    for found in found {
        let level = match found.finding.severity {
            Severity::Critical | Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low | Severity::Informational => "notice",
        };
        let line = found
            .about
            .line
            .map_or_else(String::new, |line| format!(",line={line}"));
        writeln!(
            out,
            "::{level} file={}{line},title={}::{}",
            property(&found.about.file),
            property(&title(found)),
            message(&sentence(found)),
        )?;
    }
    Ok(())
}

/// A test suite a file, in which a finding is a failure, and a file without one passes.
pub(crate) fn junit(
    found: &[Found],
    files: &[String],
    unread: &[String],
    out: &mut dyn Write,
) -> io::Result<()> {
    let suites = files.iter().map(|file| {
        let of_file = found.iter().filter(|found| *found.about.file == **file);
        (file, of_file.collect::<Vec<_>>(), unread.contains(file))
    });
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuites name=\"trustwarden\" failures=\"{}\" errors=\"{}\">",
        found.len(),
        unread.len()
    )?;
    for (file, of_file, unread) in suites {
        let name = xml(file);
        let errors = usize::from(unread);
        let tests = (of_file.len() + errors).max(1);
        let failures = of_file.len();
        writeln!(
            out,
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">"
        )?;
        for found in &of_file {
            let line = found
                .about
                .line
                .map_or_else(String::new, |line| format!(" line=\"{line}\""));
            writeln!(
                out,
                "    <testcase classname=\"{name}\" name=\"{}\" file=\"{name}\"{line}>",
                xml(&title(found))
            )?;
            let severity = found.finding.severity.name();
            let (short, text) = (xml(&found.finding.message), xml(&sentence(found)));
            writeln!(
                out,
                "      <failure type=\"{severity}\" message=\"{short}\">{text}</failure>\n    </testcase>"
            )?;
        }
        if unread {
            writeln!(
                out,
                "    <testcase classname=\"{name}\" name=\"readable\">\n      <error message=\"this \
                 file could not be read whole\"/>\n    </testcase>"
            )?;
        } else if of_file.is_empty() {
            writeln!(
                out,
                "    <testcase classname=\"{name}\" name=\"no findings\"/>"
            )?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

/// `missing-external-id: role/Reader (Observer)`.
fn title(found: &Found) -> String {
    let about = &found.about;
    let subject = if *about.subject == *about.file {
        "role not named"
    } else {
        &about.subject
    };
    match about.address() {
        Some(address) if address != subject => {
            format!("{}: {subject} ({address})", found.finding.code)
        }
        _ => format!("{}: {subject}", found.finding.code),
    }
}

fn sentence(found: &Found) -> String {
    let finding = &found.finding;
    let mut text = format!("{}: {}", finding.severity, finding.message);
    if let Some(fix) = &finding.fix {
        text.push_str("; ");
        text.push_str(fix);
    }
    text
}

fn message(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

/// Text for XML, without characters that XML cannot hold.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => drop(write!(out, "&#{};", u32::from(character))),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}
