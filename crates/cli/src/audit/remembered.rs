//! Judgements of trust policies that many roles have word for word.
//!
//! Most roles of an account are entered by an AWS service or by the own account, with the same few
//! documents. What is judged of such a document does not depend on the role's name, so it is judged
//! once. Where anyone outside gets in, the name decides, and nothing is remembered.

use std::collections::HashMap;
use std::rc::Rc;

use guard::Finding;
use guard::detect::{Coverage, Judgement, Verdict};

/// So many documents are remembered; a document has some hundred bytes.
const MOST: usize = 4096;

/// Longer documents are rare.
const LONGEST: usize = 4096;

/// Judgements of one account.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    account: String,
    by_document: HashMap<Box<str>, Rc<[Finding]>>,
}

impl Remembered {
    /// The findings of an approved document that lets nobody outside in.
    pub(super) fn get(&self, account: &str, document: &str) -> Option<Rc<[Finding]>> {
        if self.account != account {
            return None;
        }
        self.by_document.get(document).map(Rc::clone)
    }

    /// Keeps a judgement, if it is the same for every role of the account.
    pub(super) fn keep(&mut self, account: &str, document: &str, judgement: &Judgement) {
        if !is_of_any_role(judgement) || document.len() > LONGEST {
            return;
        }
        if self.account != account {
            self.by_document.clear();
            account.clone_into(&mut self.account);
        }
        if self.by_document.len() >= MOST {
            self.by_document.clear();
        }
        let findings = Rc::from(judgement.findings.as_slice());
        self.by_document.insert(document.into(), findings);
    }
}

/// Nothing in it depends on the role's name or path: each way in is covered by what is true of the
/// account.
fn is_of_any_role(judgement: &Judgement) -> bool {
    judgement.verdict == Verdict::Approved
        && judgement.coverage.iter().all(|by| {
            matches!(
                by,
                Some(
                    Coverage::OwnAccount
                        | Coverage::OurAccount { .. }
                        | Coverage::OwnOrganization
                        | Coverage::Service { .. }
                )
            )
        })
}
