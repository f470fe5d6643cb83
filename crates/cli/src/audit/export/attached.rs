//! Which managed policies are attached.

use std::sync::Arc;

use guard::lru::Recent;
use serde::Deserialize;

use super::ElementError;
use crate::audit::interned::Interned;

/// An attached policy.
#[derive(Deserialize)]
pub(super) struct Attached {
    #[serde(rename = "PolicyArn")]
    arn: Box<str>,
}

/// The ARNs of a list.
pub(super) fn arns(attached: Option<Vec<Attached>>) -> Arc<[Box<str>]> {
    let attached = attached.into_iter().flatten();
    attached.map(|policy| policy.arn).collect()
}

/// So many lists of attached policies are remembered by their text, twice at most.
const MOST_ATTACHED: usize = 256;

/// Lists of attached policies, each kept once: most roles share theirs with others, word for word.
#[derive(Debug)]
pub(crate) struct Attachments {
    texts: Recent<Box<[u8]>, Arc<[Box<str>]>>,
    lists: Interned<[Box<str>]>,
}

impl Default for Attachments {
    fn default() -> Self {
        Self {
            texts: Recent::new(MOST_ATTACHED),
            lists: Interned::default(),
        }
    }
}

impl Attachments {
    /// No policy.
    pub(super) fn none(&mut self) -> Arc<[Box<str>]> {
        self.lists.of([])
    }

    /// The ARNs in a text, which `read` reads.
    pub(super) fn of(
        &mut self,
        text: &[u8],
        read: impl FnOnce() -> Result<Vec<Attached>, ElementError>,
    ) -> Result<Arc<[Box<str>]>, ElementError> {
        if let Some(known) = self.texts.get(text) {
            return Ok(known);
        }
        let list: Vec<Box<str>> = read()?.into_iter().map(|policy| policy.arn).collect();
        let list = self.lists.of(list);
        self.texts.insert(text.into(), Arc::clone(&list));
        Ok(list)
    }
}
