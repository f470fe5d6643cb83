//! Findings as JSON by the hundred thousand: what many of them have in common is made once.

use std::io::{self, Write};
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use guard::Finding;

use super::{Found, JsonFinding};

/// What stands before a finding's account and behind its subject.
struct Around {
    head: Box<str>,
    tail: Box<str>,
}

/// Writes findings, each as [`JsonFinding`] is written. To be used for findings that live as long as
/// it: they are told apart by where they lie.
#[derive(Default)]
pub(crate) struct Written<'f> {
    known: HashMap<*const Finding, Option<Around>>,
    _findings: std::marker::PhantomData<&'f Finding>,
}

/// What stands between head and tail where nothing is known yet.
const EMPTY: &str = "\"account\":null,\"subject\":\"\"";

impl Around {
    /// `None`: it cannot be taken apart, which nothing that is written should be the cause of.
    fn of(found: &Found) -> Option<Self> {
        let bare = JsonFinding {
            account: None,
            subject: "",
            ..JsonFinding::from(found)
        };
        let text = serde_json::to_string(&bare).ok()?;
        // Before it stand a code and a severity, which hold no quotes.
        let (head, tail) = text.split_once(EMPTY)?;
        Some(Self {
            head: head.into(),
            tail: tail.into(),
        })
    }
}

impl<'f> Written<'f> {
    /// Nothing is known yet.
    pub(crate) fn new() -> Self {
        Self {
            known: HashMap::new(),
            _findings: std::marker::PhantomData,
        }
    }

    /// Writes one.
    pub(crate) fn write(&mut self, found: &'f Found, out: &mut impl Write) -> io::Result<()> {
        // The only one of its kind, told once.
        if Arc::strong_count(&found.finding) == 1 {
            return Ok(serde_json::to_writer(out, &JsonFinding::from(found))?);
        }
        let key = Arc::as_ptr(&found.finding);
        let around = self.known.entry(key).or_insert_with(|| Around::of(found));
        let Some(around) = around else {
            return Ok(serde_json::to_writer(out, &JsonFinding::from(found))?);
        };
        out.write_all(around.head.as_bytes())?;
        out.write_all(b"\"account\":")?;
        serde_json::to_writer(&mut *out, &found.account.as_deref())?;
        out.write_all(b",\"subject\":")?;
        serde_json::to_writer(&mut *out, &*found.subject)?;
        out.write_all(around.tail.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use guard::{Check, Severity};

    use super::*;

    #[test]
    fn a_finding_is_written_as_if_it_were_alone() {
        let finding = |message: &str, fix: Option<&str>| {
            Arc::new(Finding {
                code: Check::SharedExternalId,
                severity: Severity::Medium,
                statement: fix.map(|_| 3),
                message: message.to_owned(),
                third_party: None,
                vendor: fix.map(|_| "a \"vendor\"".to_owned()),
                witness: None,
                fix: fix.map(str::to_owned),
            })
        };
        let findings = [
            finding("plain", None),
            finding(EMPTY, Some("\u{1}\u{202e}\"\\")),
            finding("<script>", Some("x\",\"account\":null,\"subject\":\"\"")),
        ];
        let subjects = ["role/a", "role/\"quoted\"\n", "", EMPTY];
        let accounts = [None, Some("111122223333"), Some("\"")];
        let mut all = Vec::new();
        for finding in &findings {
            for subject in subjects {
                for account in accounts {
                    all.push(Found {
                        finding: Arc::clone(finding),
                        account: account.map(Into::into),
                        subject: subject.into(),
                        file: "account.json".into(),
                        line: None,
                    });
                }
            }
        }
        let mut written = Written::new();
        for found in &all {
            let mut text = Vec::new();
            written.write(found, &mut text).unwrap();
            let expected = serde_json::to_vec(&JsonFinding::from(found)).unwrap();
            assert_eq!(text, expected);
        }
        assert_eq!(written.known.len(), findings.len());
        assert!(written.known.values().all(Option::is_some));
    }
}
