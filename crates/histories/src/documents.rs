//! The trust policies of the histories, and the rules that they are judged by.

use serde_json::{Value, json};

use crate::moment::{Moment, clock};

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
/// A role of it, which lives.
pub const UNKNOWN_ROLE: &str = "arn:aws:iam::666677778888:role/Attacker";
/// By which IAM knows it: whoever sends this id means that role, and IAM shows its ARN.
pub const UNKNOWN_ID: &str = "AROA7N8O9P1Q2R3S4T5UV";
/// Another account that nobody knows: the one back door among many decoys.
pub const BURIED: &str = "555566667777";

/// The role of ours that most happens to, as a principal.
pub const THROUGH: &str = "arn:aws:iam::111122223333:role/VendorAccess";

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
    /// A role of the unknown account, by its unique id: CRITICAL.
    UniqueId,
    /// The unknown account from one moment to another: CRITICAL.
    Window(Moment, Moment),
    /// The account that decoys are to hide: CRITICAL.
    Buried,
    /// The role that third parties assume: compliant, and to be reported for whom it lets through.
    Through,
}

impl Part {
    /// The parts that a compliant change is made of.
    pub const COMPLIANT: [Self; 4] = [Self::Acme, Self::Beta, Self::Service, Self::Own];
    /// The parts that break the rules.
    pub const VIOLATING: [Self; 6] = [
        Self::UnknownAccount,
        Self::Everyone,
        Self::NoExternalId,
        Self::WrongExternalId,
        Self::Mixed,
        Self::UniqueId,
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
            Self::UniqueId => aws(UNKNOWN_ID, None),
            Self::Through => aws(THROUGH, None),
            Self::Buried => aws(&format!("arn:aws:iam::{BURIED}:root"), None),
            Self::Window(opens, closes) => format!(
                concat!(
                    r#"{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{}:root"}},"#,
                    r#""Action":"sts:AssumeRole","Condition":{{"DateGreaterThan":"#,
                    r#"{{"aws:CurrentTime":"{}"}},"DateLessThan":{{"aws:CurrentTime":"{}"}}}}}}"#
                ),
                UNKNOWN,
                clock(opens),
                clock(closes)
            ),
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
