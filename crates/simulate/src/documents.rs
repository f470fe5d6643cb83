//! The trust policies of the histories, and the truth about them: which concrete requests they
//! let in, by the evaluator alone. The analyser, by which the guard plans, is not asked.

use std::cell::RefCell;
use std::collections::HashMap;

use policy::{EvaluationContext, Request, RequestPrincipal, TrustPolicy, evaluate};

/// The account that is guarded.
pub const OWN: &str = "111122223333";
/// A registered vendor.
pub const ACME: &str = "464622532012";
/// Its external id for us.
pub const ACME_ID: &str = "0f2d6c1e-6a55-4d2b-9c63-7a1d6c7f1b21";
/// A vendor that some histories remove from the rules.
pub const BETA: &str = "222233334444";
/// Its external id for us.
pub const BETA_ID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
/// The role by which it comes.
pub const BETA_ROLE: &str = "arn:aws:iam::222233334444:role/Reader";
/// Nobody we know.
pub const STRANGER: &str = "666677778888";

/// One statement of a trust policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The vendor as registered.
    Acme,
    /// The other vendor as registered.
    Beta,
    /// An AWS service.
    Service,
    /// Our own account.
    Own,
    /// A stranger: CRITICAL.
    Stranger,
    /// Everyone: CRITICAL.
    Everyone,
    /// The vendor without its external id: HIGH.
    NoExternalId,
    /// The vendor with another's external id: HIGH.
    WrongExternalId,
}

impl Part {
    /// The parts that a lawful change is made of.
    pub const LAWFUL: [Self; 4] = [Self::Acme, Self::Beta, Self::Service, Self::Own];
    /// The parts that break the rules.
    pub const UNLAWFUL: [Self; 4] = [
        Self::Stranger,
        Self::Everyone,
        Self::NoExternalId,
        Self::WrongExternalId,
    ];

    fn statement(self) -> String {
        let aws = |principal: &str, id: Option<&str>| {
            let condition = id.map_or_else(String::new, |id| {
                format!(r#","Condition":{{"StringEquals":{{"sts:ExternalId":"{id}"}}}}"#)
            });
            format!(
                r#"{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"{condition}}}"#
            )
        };
        match self {
            Self::Acme => aws(&format!("arn:aws:iam::{ACME}:root"), Some(ACME_ID)),
            Self::Beta => aws(BETA_ROLE, Some(BETA_ID)),
            Self::Own => aws(&format!("arn:aws:iam::{OWN}:root"), None),
            Self::Stranger => aws(&format!("arn:aws:iam::{STRANGER}:root"), None),
            Self::Everyone => aws("*", None),
            Self::NoExternalId => aws(ACME, None),
            Self::WrongExternalId => aws(ACME, Some(BETA_ID)),
            Self::Service => concat!(
                r#"{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"#,
                r#""Action":"sts:AssumeRole"}"#
            )
            .to_owned(),
        }
    }
}

/// A trust policy of these parts, with a mark that makes it differ from others of the same.
pub fn document(parts: &[Part], mark: u32) -> String {
    let statements: Vec<String> = parts.iter().map(|part| part.statement()).collect();
    format!(
        r#"{{"Version": "2012-10-17", "Id": "v{mark}", "Statement": [{}]}}"#,
        statements.join(", ")
    )
}

/// Which of the probing requests get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entrants(u16);

impl Entrants {
    /// Everyone here is there as well.
    pub fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

/// What a history knows to be lawful at a moment: all but the removed vendor's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Law {
    /// The other vendor is still in the rules.
    pub beta: bool,
}

/// A concrete request, and when it may get in.
type Probe = (Request, fn(Law) -> bool);

fn probes() -> Vec<Probe> {
    let aws = |value: &str, id: Option<&str>| Request {
        principal: RequestPrincipal {
            kind: "AWS".to_owned(),
            value: value.to_owned(),
        },
        action: "sts:AssumeRole".to_owned(),
        context: id
            .map(|id| ("sts:ExternalId".to_owned(), vec![id.to_owned()]))
            .into_iter()
            .collect(),
    };
    let role = |account: &str| format!("arn:aws:iam::{account}:role/Caller");
    let never: fn(Law) -> bool = |_| false;
    let always: fn(Law) -> bool = |_| true;
    let beta: fn(Law) -> bool = |law| law.beta;
    vec![
        (aws(&role(STRANGER), None), never),
        (aws(&role(STRANGER), Some(ACME_ID)), never),
        (aws(&role(STRANGER), Some(BETA_ID)), never),
        (aws(&role("999999999999"), None), never),
        (aws(&role("999999999999"), Some(ACME_ID)), never),
        (aws(&role(ACME), None), never),
        (aws(&role(ACME), Some(BETA_ID)), never),
        (aws(BETA_ROLE, None), never),
        (aws(BETA_ROLE, Some(ACME_ID)), never),
        (aws(BETA_ROLE, Some(BETA_ID)), beta),
        (aws(&role(BETA), Some(BETA_ID)), never),
        (aws(&role(ACME), Some(ACME_ID)), always),
        (aws(&role(OWN), None), always),
    ]
}

/// Judges documents by probing them.
pub struct Oracle {
    probes: Vec<Probe>,
    account: String,
    now: jiff::Timestamp,
    /// Judged before: documents are few and asked for often.
    known: RefCell<HashMap<String, Entrants>>,
}

impl Oracle {
    /// With all its probes.
    pub fn new(account: &str, now: jiff::Timestamp) -> Self {
        Self {
            probes: probes(),
            account: account.to_owned(),
            now,
            known: RefCell::default(),
        }
    }

    /// Who gets in by a document; nobody by one that cannot be read.
    pub fn entrants(&self, document: &str) -> Entrants {
        if let Some(known) = self.known.borrow().get(document) {
            return *known;
        }
        let found = self.probed(document);
        let mut known = self.known.borrow_mut();
        if known.len() >= 50_000 {
            known.clear();
        }
        known.insert(document.to_owned(), found);
        found
    }

    fn probed(&self, document: &str) -> Entrants {
        let Ok(policy) = TrustPolicy::parse(document) else {
            return Entrants::default();
        };
        let context = EvaluationContext {
            account: Some(&self.account),
            organization: None,
            now: self.now,
        };
        let mut found = 0;
        for (at, (request, _)) in self.probes.iter().enumerate() {
            if evaluate(&policy, request, &context).is_ok_and(|decision| decision.allowed) {
                found |= 1 << at;
            }
        }
        Entrants(found)
    }

    /// Who may get in by law.
    pub fn lawful(&self, law: Law) -> Entrants {
        let mut found = 0;
        for (at, (_, may)) in self.probes.iter().enumerate() {
            if may(law) {
                found |= 1 << at;
            }
        }
        Entrants(found)
    }

    /// Somebody gets in who may not.
    pub fn violates(&self, document: &str, law: Law) -> bool {
        !self.entrants(document).within(self.lawful(law))
    }
}
