//! The trust policies of the histories, and the truth about them: which concrete requests they
//! allow, by the evaluator alone. The analyzer, by which the guard plans, is not asked.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use policy::{EvaluationContext, Request, RequestPrincipal, TrustPolicy, evaluate};
use serde_json::{Value, json};

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
/// A vendor that nobody registered; in some histories the operator does, later.
pub const GAMMA: &str = "777788889999";
/// Its external id for us.
pub const GAMMA_ID: &str = "9b2d7f34-52c1-4b7e-8f0a-6f1f5a1c3e77";
/// An account that nobody knows.
pub const UNKNOWN: &str = "666677778888";

/// One statement of a trust policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The vendor as registered.
    Acme,
    /// The other vendor as registered.
    Beta,
    /// The vendor that is to be registered.
    Gamma,
    /// An AWS service.
    Service,
    /// Our own account.
    Own,
    /// An external account that no rule names: CRITICAL.
    UnknownAccount,
    /// Everyone: CRITICAL.
    Everyone,
    /// The vendor without its external id: HIGH.
    NoExternalId,
    /// The vendor with another's external id: HIGH.
    WrongExternalId,
    /// The vendor as registered, and an unknown account beside it in one statement: CRITICAL.
    Mixed,
}

impl Part {
    /// The parts that a compliant change is made of.
    pub const COMPLIANT: [Self; 4] = [Self::Acme, Self::Beta, Self::Service, Self::Own];
    /// The parts that break the rules.
    pub const VIOLATING: [Self; 5] = [
        Self::UnknownAccount,
        Self::Everyone,
        Self::NoExternalId,
        Self::WrongExternalId,
        Self::Mixed,
    ];

    fn statement(self) -> String {
        let listed = |principals: &str, id: Option<&str>| {
            let condition = id.map_or_else(String::new, |id| {
                format!(r#","Condition":{{"StringEquals":{{"sts:ExternalId":"{id}"}}}}"#)
            });
            format!(
                r#"{{"Effect":"Allow","Principal":{{"AWS":{principals}}},"Action":"sts:AssumeRole"{condition}}}"#
            )
        };
        let aws = |principal: &str, id| listed(&format!(r#""{principal}""#), id);
        match self {
            Self::Acme => aws(&format!("arn:aws:iam::{ACME}:root"), Some(ACME_ID)),
            Self::Beta => aws(BETA_ROLE, Some(BETA_ID)),
            Self::Gamma => aws(&format!("arn:aws:iam::{GAMMA}:root"), Some(GAMMA_ID)),
            Self::Mixed => listed(
                &format!(r#"["arn:aws:iam::{ACME}:root","arn:aws:iam::{UNKNOWN}:root"]"#),
                Some(ACME_ID),
            ),
            Self::Own => aws(&format!("arn:aws:iam::{OWN}:root"), None),
            Self::UnknownAccount => aws(&format!("arn:aws:iam::{UNKNOWN}:root"), None),
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

/// Each principal of each statement of a document in a document of its own: which of its access
/// a repair has to keep.
pub fn apart(document: &str) -> Vec<String> {
    let Ok(whole) = serde_json::from_str::<Value>(document) else {
        return Vec::new();
    };
    let list = |value: Option<&Value>| match value {
        Some(Value::Array(several)) => several.clone(),
        Some(single) => vec![single.clone()],
        None => Vec::new(),
    };
    let mut found = Vec::new();
    for statement in list(whole.get("Statement")) {
        let kinds = statement.get("Principal").and_then(Value::as_object);
        for (kind, principals) in kinds.into_iter().flatten() {
            for principal in list(Some(principals)) {
                let mut alone = statement.clone();
                if let Some(fields) = alone.as_object_mut() {
                    fields.insert("Principal".to_owned(), json!({ kind.as_str(): principal }));
                }
                found.push(json!({ "Version": "2012-10-17", "Statement": [alone] }).to_string());
            }
        }
    }
    found
}

/// Which of the probing requests are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowed(u32);

impl Allowed {
    /// All of these are among those.
    pub fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

/// What differs between the rules of a history: which vendors are in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RuleSet {
    /// The vendor that some histories remove is still there.
    pub beta: bool,
    /// The vendor that some operators approve is there.
    pub gamma: bool,
}

/// How the rules are changed within a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RulesChange {
    /// A vendor is removed.
    WithoutBeta,
    /// A vendor is registered.
    WithGamma,
}

impl RuleSet {
    /// As every history begins.
    pub const FIRST: Self = Self {
        beta: true,
        gamma: false,
    };

    /// The rules after a change.
    #[must_use]
    pub fn after(self, change: RulesChange) -> Self {
        match change {
            RulesChange::WithoutBeta => Self {
                beta: false,
                ..self
            },
            RulesChange::WithGamma => Self {
                gamma: true,
                ..self
            },
        }
    }
}

/// A concrete request, and by which rules it may be allowed.
type Probe = (Request, fn(RuleSet) -> bool);

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
    let service = |name: &str| Request {
        principal: RequestPrincipal {
            kind: "Service".to_owned(),
            value: name.to_owned(),
        },
        ..aws("", None)
    };
    let never: fn(RuleSet) -> bool = |_| false;
    let always: fn(RuleSet) -> bool = |_| true;
    let beta: fn(RuleSet) -> bool = |rules| rules.beta;
    let gamma: fn(RuleSet) -> bool = |rules| rules.gamma;
    vec![
        (aws(&role(UNKNOWN), None), never),
        (aws(&role(UNKNOWN), Some(ACME_ID)), never),
        (aws(&role(UNKNOWN), Some(BETA_ID)), never),
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
        (aws(&role(GAMMA), Some(GAMMA_ID)), gamma),
        (aws(&role(GAMMA), None), never),
        (aws(&role(GAMMA), Some(ACME_ID)), never),
        (service("ec2.amazonaws.com"), always),
    ]
}

/// Judges documents by probing them.
pub struct Oracle {
    probes: Vec<Probe>,
    account: String,
    now: jiff::Timestamp,
    /// Judged before: documents are few and asked for often.
    known: RefCell<HashMap<String, Allowed>>,
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

    /// What a document allows; nothing, if it cannot be read.
    pub fn allowed(&self, document: &str) -> Allowed {
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

    fn probed(&self, document: &str) -> Allowed {
        let Ok(policy) = TrustPolicy::parse(document) else {
            return Allowed::default();
        };
        let context = EvaluationContext {
            account: Some(&self.account),
            organization: None,
            now: self.now,
            origin: policy::Origin::Shown,
        };
        let mut found = 0;
        for (at, (request, _)) in self.probes.iter().enumerate() {
            if evaluate(&policy, request, &context).is_ok_and(|decision| decision.allowed) {
                found |= 1 << at;
            }
        }
        Allowed(found)
    }

    /// The accounts other than our own that a document lets assume the role.
    pub fn third_parties(&self, document: &str) -> BTreeSet<String> {
        let Allowed(allowed) = self.allowed(document);
        let probes = self.probes.iter().enumerate();
        let open = probes.filter(|(at, _)| allowed & (1 << at) != 0);
        let accounts = open.filter_map(|(_, (request, _))| {
            let account = request.principal.value.split(':').nth(4)?;
            (account != self.account).then(|| account.to_owned())
        });
        accounts.collect()
    }

    /// What the rules allow.
    pub fn permitted(&self, rules: RuleSet) -> Allowed {
        let mut found = 0;
        for (at, (_, may)) in self.probes.iter().enumerate() {
            if may(rules) {
                found |= 1 << at;
            }
        }
        Allowed(found)
    }

    /// It allows what the rules do not.
    pub fn violates(&self, document: &str, rules: RuleSet) -> bool {
        !self.allowed(document).within(self.permitted(rules))
    }
}
