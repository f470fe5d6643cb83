//! The truth about the trust policies of the histories: which concrete requests they allow, and
//! when, by the evaluator alone. The analyzer, by which the guard plans, is not asked.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use policy::{EvaluationContext, Request, RequestPrincipal, TrustPolicy, evaluate};

use crate::account::Moment;
use crate::documents::{
    ACME, ACME_ID, BETA, BETA_ID, BETA_ROLE, BURIED, GAMMA, GAMMA_ID, OWN, RuleSet, UNKNOWN,
    UNKNOWN_ID, UNKNOWN_ROLE,
};
use crate::state::{clock, moment};

/// Which of the probing requests are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowed(u32);

impl Allowed {
    /// All of these are among those.
    pub fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
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
        (aws(UNKNOWN_ROLE, None), never),
        (aws(&role(BURIED), None), never),
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

/// What a document allows from one moment to the next at which that changes; the first from ever.
type Spans = Rc<[(Moment, Allowed)]>;

/// Judges documents by probing them.
pub struct Oracle {
    probes: Vec<Probe>,
    /// Judged before: documents are few and asked for often.
    known: RefCell<HashMap<String, Spans>>,
}

impl Oracle {
    /// With all its probes.
    pub fn new() -> Self {
        Self {
            probes: probes(),
            known: RefCell::default(),
        }
    }

    fn spans(&self, document: &str) -> Spans {
        if let Some(known) = self.known.borrow().get(document) {
            return Rc::clone(known);
        }
        let turns = turns(document);
        let first = turns.first().map_or(0, |turn| turn - 1);
        let spans: Spans = [(Moment::MIN, self.probed(document, first))]
            .into_iter()
            .chain(
                turns
                    .iter()
                    .map(|turn| (*turn, self.probed(document, turn + 1))),
            )
            .collect();
        let mut known = self.known.borrow_mut();
        if known.len() >= 50_000 {
            known.clear();
        }
        known.insert(document.to_owned(), Rc::clone(&spans));
        spans
    }

    /// What a document allows at some moment from this one on; nothing, if it cannot be read.
    pub fn allowed(&self, document: &str, from: Moment) -> Allowed {
        let spans = self.spans(document);
        let ends = spans.iter().skip(1).map(|(next, _)| *next);
        let ends = ends.chain([Moment::MAX]);
        let found = spans.iter().zip(ends).filter(|(_, end)| *end > from);
        Allowed(found.fold(0, |all, ((_, Allowed(allowed)), _)| all | allowed))
    }

    fn probed(&self, document: &str, at: Moment) -> Allowed {
        // IAM reads the id of a living role as that role.
        let read = document.replace(UNKNOWN_ID, UNKNOWN_ROLE);
        let Ok(policy) = TrustPolicy::parse(&read) else {
            return Allowed::default();
        };
        let context = EvaluationContext {
            account: Some(OWN),
            organization: None,
            now: clock(at),
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

    /// The accounts other than our own that a document lets assume the role from a moment on.
    pub fn third_parties(&self, document: &str, from: Moment) -> BTreeSet<String> {
        let Allowed(allowed) = self.allowed(document, from);
        let probes = self.probes.iter().enumerate();
        let open = probes.filter(|(at, _)| allowed & (1 << at) != 0);
        let accounts = open.filter_map(|(_, (request, _))| {
            let account = request.principal.value.split(':').nth(4)?;
            (account != OWN).then(|| account.to_owned())
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

    /// It allows what the rules do not, at some moment from this one on.
    pub fn violates(&self, document: &str, rules: RuleSet, from: Moment) -> bool {
        !self.allowed(document, from).within(self.permitted(rules))
    }

    /// The last moment at which it allows what the rules do not; `None`: never.
    pub fn open_until(&self, document: &str, rules: RuleSet) -> Option<Moment> {
        let spans = self.spans(document);
        let ends = spans.iter().skip(1).map(|(next, _)| *next);
        let ends = ends.chain([Moment::MAX]);
        let open = spans
            .iter()
            .zip(ends)
            .filter(|((_, allowed), _)| !allowed.within(self.permitted(rules)));
        open.map(|(_, end)| end).max()
    }
}

impl Default for Oracle {
    fn default() -> Self {
        Self::new()
    }
}

/// The moments that a document names, in their order.
fn turns(document: &str) -> Vec<Moment> {
    let named = document.split(r#""aws:CurrentTime":""#).skip(1);
    let named = named.filter_map(|rest| rest.split('"').next()?.parse().ok());
    let turns: BTreeSet<Moment> = named.map(moment).collect();
    turns.into_iter().collect()
}
