//! What a role can do, in plain classes.

use std::collections::HashMap;
use std::sync::Arc;

use permissions::{Class, Effective, Held as HeldClass, Policies, Policy, classes, effective};

use super::export::Held;

/// What a role can do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Permitted {
    /// The classes of which it may do something, worst first.
    pub(crate) classes: Vec<HeldClass>,
    /// Names of policies that could not be read: it may do more than is said.
    pub(crate) unreadable: Vec<String>,
}

impl Permitted {
    /// The classes that say something beside the others: an administrator's need no list.
    pub(crate) fn telling(&self) -> impl Iterator<Item = &HeldClass> {
        let administrator = self
            .classes
            .first()
            .is_some_and(|first| first.class == Class::Administrator);
        let count = if administrator { 1 } else { usize::MAX };
        self.classes.iter().take(count)
    }
}

/// So many roles' permissions are kept in full, to be judged again; each has some kilobytes.
const MOST: usize = 64;

/// Works out what roles can do, by the managed policies of an export. Roles that hold the same
/// policies can do the same, and are worked out once.
pub(crate) struct Permitting<'a> {
    policies: &'a HashMap<String, String>,
    known: HashMap<Arc<Held>, Arc<Permitted>>,
    effective: HashMap<Arc<Held>, Arc<Effective>>,
}

impl<'a> Permitting<'a> {
    /// By managed policies: ARN to the text of the default version.
    pub(crate) fn new(policies: &'a HashMap<String, String>) -> Self {
        Self {
            policies,
            known: HashMap::new(),
            effective: HashMap::new(),
        }
    }

    /// What the holder of these policies can do: in classes, and in full.
    pub(crate) fn of(&mut self, held: &Arc<Held>) -> (Arc<Permitted>, Arc<Effective>) {
        let amount = match self.effective.get(held) {
            Some(amount) => Arc::clone(amount),
            None => {
                let amount = Arc::new(self.work_out(held));
                if self.effective.len() >= MOST {
                    self.effective.clear();
                }
                self.effective.insert(Arc::clone(held), Arc::clone(&amount));
                amount
            }
        };
        if let Some(known) = self.known.get(held) {
            return (Arc::clone(known), amount);
        }
        let permitted = Arc::new(Permitted {
            classes: classes(&amount),
            unreadable: amount
                .unreadable
                .iter()
                .map(|unreadable| unreadable.policy.clone())
                .collect(),
        });
        self.known.insert(Arc::clone(held), Arc::clone(&permitted));
        (permitted, amount)
    }

    fn work_out(&self, held: &Held) -> Effective {
        let of = |arn: &String| self.policies.get(arn).map(String::as_str);
        let inline = held.inline.iter().map(|(name, text)| Policy {
            name,
            arn: None,
            document: Some(text),
        });
        let attached = held.attached.iter().map(|arn| Policy {
            name: name_of(arn),
            arn: Some(arn),
            document: of(arn),
        });
        let boundary = held.boundary.as_ref().map(|arn| Policy {
            name: name_of(arn),
            arn: Some(arn),
            document: of(arn),
        });
        effective(&Policies {
            policies: inline.chain(attached).collect(),
            boundary,
        })
    }
}

/// The last part of a policy's ARN.
fn name_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
