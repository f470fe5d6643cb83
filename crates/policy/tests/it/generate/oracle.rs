//! The answer by brute force: which fields follow from the requests that get in, one by one.
//!
//! Every field is said by existence: there is a request of such a kind that gets in. What the
//! world is too small to tell apart is not said (`None`), and how often that happens is counted.

use std::collections::{BTreeMap, BTreeSet};

use trustwarden_policy::document::{Effect, TrustPolicy};
use trustwarden_policy::{EvaluationContext, ExternalIdNeed, Origin, evaluate};

use super::callers::Caller;
use super::world::Trial;
use super::{
    EXTERNAL_IDS, GHOST_ROLE, GHOST_USER, GUESSABLE_IDS, GeneratedDocument, GeneratedStatement,
    NEIGHBOUR, NOW, OWN, OWN_ORGANIZATION, ROLES_ANYWHERE, STRANGER, UNNAMED_SERVICE,
};

/// Which statement lets in which trials.
pub(crate) struct Outcome {
    /// Index of the statement, and places of the trials that it lets in.
    pub(crate) by_statement: BTreeMap<usize, Vec<usize>>,
}

pub(crate) fn context(origin: Origin) -> EvaluationContext<'static> {
    EvaluationContext {
        account: Some(OWN),
        organization: Some(OWN_ORGANIZATION),
        now: NOW.parse().unwrap(),
        origin,
    }
}

/// Tries every request, and those that get in for each Allow statement as the first one.
pub(crate) fn outcome(
    policy: &TrustPolicy<'_>,
    document: &GeneratedDocument,
    trials: &[Trial],
) -> Outcome {
    let context = context(document.origin());
    let let_in: Vec<(usize, &Trial)> = trials
        .iter()
        .enumerate()
        .filter(|(_, trial)| gets_in(policy, trial, &context))
        .collect();
    let mut by_statement = BTreeMap::new();
    for allow in policy
        .statements
        .iter()
        .filter(|one| one.effect == Some(Effect::Allow))
    {
        let mut reordered = policy.clone();
        reordered
            .statements
            .sort_by_key(|one| one.index != allow.index);
        let allowed: Vec<usize> = let_in
            .iter()
            .filter(|(_, trial)| {
                evaluate(&reordered, &trial.request, &context)
                    .is_ok_and(|decision| decision.statement == Some(allow.index))
            })
            .map(|(place, _)| *place)
            .collect();
        by_statement.insert(allow.index, allowed);
    }
    Outcome { by_statement }
}

/// Whether the evaluator lets a request in.
pub(crate) fn gets_in(
    policy: &TrustPolicy<'_>,
    trial: &Trial,
    context: &EvaluationContext<'_>,
) -> bool {
    evaluate(policy, &trial.request, context).is_ok_and(|decision| decision.allowed)
}

impl Outcome {
    /// The trials that get in, by whichever statement.
    pub(crate) fn all(&self) -> BTreeSet<usize> {
        self.by_statement.values().flatten().copied().collect()
    }
}

fn one<'t>(trial: &'t Trial, key: &str) -> Option<&'t str> {
    trial
        .keys
        .get(key)
        .and_then(|values| values.first())
        .map(String::as_str)
}

/// From an address and by a road that nobody named.
fn from_anywhere(trial: &Trial) -> bool {
    let address = one(trial, "aws:sourceip");
    let endpoint = one(trial, "aws:sourcevpce");
    matches!(address, None | Some("8.8.8.8" | "192.0.2.1" | "2600::1"))
        && matches!(endpoint, None | Some("vpce-9f9f9f9f"))
}

/// Of no organization that anyone named.
fn of_any_organization(trial: &Trial) -> bool {
    matches!(
        one(trial, "aws:principalorgid"),
        None | Some("o-other00000")
    )
}

/// What the small world says of each field.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Expected {
    pub(crate) public: bool,
    pub(crate) external_accounts: Option<Vec<String>>,
    pub(crate) organizations: Option<Vec<String>>,
    pub(crate) any_account_from_network: Option<bool>,
    pub(crate) unknown_account: Option<bool>,
    pub(crate) services: Vec<String>,
    pub(crate) any_service: bool,
    pub(crate) service_source_accounts: Option<Vec<String>>,
    pub(crate) federated: Vec<String>,
    pub(crate) federated_open: Vec<String>,
    pub(crate) external_id: Vec<ExternalIdNeed>,
    pub(crate) mfa_required: bool,
    pub(crate) guarded: Option<bool>,
    pub(crate) unguarded_accounts: Option<Vec<String>>,
    pub(crate) guessable: Option<bool>,
    pub(crate) orphaned: Vec<String>,
    pub(crate) foreign_provider: bool,
    pub(crate) expires: Option<jiff::Timestamp>,
}

fn texts<'t>(values: impl IntoIterator<Item = &'t str>) -> Vec<String> {
    values
        .into_iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(str::to_owned)
        .collect()
}

pub(crate) fn expected(
    policy: &TrustPolicy<'_>,
    document: &GeneratedDocument,
    trials: &[Trial],
    outcome: &Outcome,
) -> Expected {
    let all = outcome.all();
    let allowed: Vec<&Trial> = all.iter().map(|place| &trials[*place]).collect();
    let external_accounts: Vec<&&Trial> = allowed
        .iter()
        .filter(|trial| trial.caller.is_external_account() && !trial.caller.is_ghost())
        .collect();
    let public = external_accounts
        .iter()
        .any(|trial| from_anywhere(trial) && of_any_organization(trial));
    let by_organization = texts(
        external_accounts
            .iter()
            .filter(|trial| from_anywhere(trial))
            .filter_map(|trial| one(trial, "aws:principalorgid"))
            .filter(|id| *id != "o-other00000"),
    );
    let from_network = external_accounts
        .iter()
        .any(|trial| of_any_organization(trial));
    let ghost = allowed.iter().any(|trial| trial.caller.is_ghost());
    let networks = document.has_key("aws:SourceIp") || document.has_key("aws:SourceVpce");
    let organizations =
        document.has_key("aws:PrincipalOrgID") || document.has_key("aws:PrincipalOrgPaths");
    let mut expected = Expected {
        public,
        ..Expected::default()
    };
    let by_id = document.has_key("aws:userid") || document.names_a_living_id();
    if external_accounts.is_empty() && !ghost && !by_id {
        // Nobody but who is named.
        expected.external_accounts = Some(texts(
            allowed
                .iter()
                .filter_map(|trial| trial.caller.account())
                .filter(|account| *account != OWN),
        ));
    }
    if !public {
        if !(networks && organizations) {
            expected.organizations = Some(by_organization);
            expected.any_account_from_network = Some(from_network);
        }
        // What a variable stands for, where the account is not told, is not said.
        let mut conditions = document.statements.iter().flat_map(|one| &one.conditions);
        let varies = conditions.any(|one| one.values.iter().any(|value| value.contains("${")));
        if external_accounts.is_empty() && !(varies && document.names_a_living_id()) {
            expected.unknown_account = Some(ghost);
        }
    }
    services(&mut expected, document, trials, outcome);
    // Providers.
    let by_statement = outcome.by_statement.iter();
    let federated: Vec<(String, bool)> = by_statement
        .flat_map(|(statement, places)| places.iter().map(move |place| (*statement, *place)))
        .filter_map(|(statement, place)| provider(document, statement, &trials[place].caller))
        .collect();
    expected.federated = texts(federated.iter().map(|(provider, _)| provider.as_str()));
    let open = federated.iter().filter(|(_, open)| *open);
    expected.federated_open = texts(open.map(|(provider, _)| provider.as_str()));
    let of_own = format!("arn:aws:iam::{OWN}:");
    expected.foreign_provider = expected
        .federated
        .iter()
        .any(|provider| provider.starts_with("arn:") && !provider.starts_with(&of_own));
    what_they_prove(&mut expected, trials, outcome, document);
    if !expected.federated_open.is_empty() {
        expected.guarded = Some(false);
    }
    let named = |id: &str| {
        let mut statements = document.statements.iter();
        statements.any(|statement| statement.aws.contains(&id))
    };
    expected.orphaned = texts([GHOST_USER, GHOST_ROLE].into_iter().filter(|id| named(id)));
    expected.expires = expires(policy, document, trials, &allowed);
    match anchored(document, trials, outcome) {
        Some(false) => expected.guarded = Some(false),
        // Whether the anchors are all that there can be the world cannot tell.
        Some(true) if expected.guarded == Some(true) => expected.guarded = None,
        _ => {}
    }
    expected
}

/// The provider by which a federated caller gets in, as the answer names it, and whether he is an
/// third party of it.
fn provider(
    document: &GeneratedDocument,
    statement: usize,
    caller: &Caller,
) -> Option<(String, bool)> {
    let provider = caller.provider()?;
    let named = |one: &super::GeneratedStatement| one.federated.contains(&provider);
    let by_name = document.statements.iter().any(named);
    let third_party = matches!(caller, Caller::GitHub { ours: false, .. });
    match caller {
        Caller::WebIdentity(_) => Some(("*".to_owned(), true)),
        Caller::Saml(_) if !by_name => {
            let any = format!("arn:aws:iam::{OWN}:saml-provider/*");
            Some((any, false))
        }
        // Where nothing tells it from others it is one of any.
        Caller::GitHub { .. } if !by_name && !document.speaks_of_github() => None,
        _ => {
            let everyone = document.statements[statement].lets_everyone_in();
            (everyone || named(&document.statements[statement]))
                .then(|| (provider.to_owned(), third_party))
        }
    }
}

/// Whether a service gets in by its name: the statement lists it, or means everyone and lets in no
/// service that nobody names by the same request.
fn by_name<'t>(
    made: &'t GeneratedStatement,
    trials: &'t [Trial],
    places: &[usize],
) -> impl Fn(&str, &Trial) -> bool + use<'t> {
    let of_any: BTreeSet<_> = (places.iter().map(|place| &trials[*place]))
        .filter(|trial| trial.caller == Caller::Service(UNNAMED_SERVICE))
        .map(|trial| &trial.request.context)
        .collect();
    move |service, trial| {
        let is_listed = made.service.contains(&service) && !made.not_principal;
        is_listed || (made.lets_everyone_in() && !of_any.contains(&trial.request.context))
    }
}

/// Who gets in as a service, and for whom.
fn services(
    expected: &mut Expected,
    document: &GeneratedDocument,
    trials: &[Trial],
    outcome: &Outcome,
) {
    let mut named: BTreeSet<&str> = BTreeSet::new();
    let mut sources: BTreeSet<Option<&str>> = BTreeSet::new();
    let mut of_any: Vec<BTreeSet<Option<&str>>> = Vec::new();
    for (statement, places) in &outcome.by_statement {
        let mut any: BTreeSet<Option<&str>> = BTreeSet::new();
        let is_by_name = by_name(&document.statements[*statement], trials, places);
        for trial in places.iter().map(|place| &trials[*place]) {
            let Caller::Service(service) = trial.caller else {
                continue;
            };
            let of_arn = one(trial, "aws:sourcearn").and_then(|arn| arn.split(':').nth(4));
            let of_arn = of_arn.filter(|account| !account.is_empty());
            let source = one(trial, "aws:sourceaccount").or(of_arn);
            if is_by_name(service, trial) {
                named.insert(service);
                sources.insert(source);
            }
            if service == UNNAMED_SERVICE {
                any.insert(source);
            }
        }
        of_any.push(any);
    }
    expected.services = texts(named);
    expected.any_service = of_any.iter().any(|any| !any.is_empty());
    let open = |sources: &BTreeSet<Option<&str>>| {
        let unnamed = [None, Some(STRANGER), Some("111199999999")];
        unnamed.iter().any(|source| sources.contains(source))
    };
    let asks = document.has_key("aws:SourceAccount") || document.has_key("aws:SourceArn");
    expected.service_source_accounts = if open(&sources) {
        Some(vec!["*".to_owned()])
    } else if asks && of_any.iter().any(open) {
        // A Deny may leave ways of which some are limited.
        None
    } else {
        let limited = of_any.iter().filter(|any| !open(any)).flatten();
        Some(texts(
            sources.iter().chain(limited).filter_map(|source| *source),
        ))
    };
}

/// Whether Roles Anywhere, where it gets in by name, does so by sources that a document may name
/// alone.
fn anchored(document: &GeneratedDocument, trials: &[Trial], outcome: &Outcome) -> Option<bool> {
    let mut anchored = None;
    for (statement, places) in &outcome.by_statement {
        let made = &document.statements[*statement];
        let is_by_name = by_name(made, trials, places);
        for trial in places.iter().map(|place| &trials[*place]) {
            if trial.caller == Caller::Service(ROLES_ANYWHERE) && is_by_name(ROLES_ANYWHERE, trial)
            {
                let anchor = one(trial, "aws:sourcearn");
                let fixed = anchor.is_some_and(|arn| !arn.ends_with("trust-anchor/b"));
                anchored = Some(anchored.unwrap_or(true) && fixed);
            }
        }
    }
    anchored
}

/// The last moment at which somebody from outside gets in, if somebody does: every moment at
/// which a condition on the clock can turn is tried.
fn expires(
    policy: &TrustPolicy<'_>,
    document: &GeneratedDocument,
    trials: &[Trial],
    allowed: &[&Trial],
) -> Option<jiff::Timestamp> {
    let outside = |trial: &Trial| match trial.caller {
        Caller::Aws { account, .. } => account != OWN,
        Caller::GitHub { .. } | Caller::Saml(_) | Caller::WebIdentity(_) => true,
        Caller::Service(_) => false,
    };
    if !allowed.iter().any(|trial| outside(trial)) {
        return None;
    }
    let now: jiff::Timestamp = NOW.parse().unwrap();
    let mut turns = super::world::turns(document);
    turns.retain(|turn| *turn >= now);
    turns.sort_unstable();
    turns.dedup();
    let second = jiff::SignedDuration::from_secs(1);
    let open = |at: jiff::Timestamp| {
        let mut from_outside = trials.iter().filter(|trial| outside(trial));
        from_outside.any(|trial| {
            let mut then = trial.clone();
            let moment = vec![at.to_string()];
            then.request
                .context
                .insert("aws:CurrentTime".to_owned(), moment);
            gets_in(policy, &then, &context(document.origin()))
        })
    };
    if turns.last().is_none_or(|last| open(*last + second)) {
        return None;
    }
    turns.reverse();
    // In whole seconds: what is open just before a turn ends with it, unless it is open at the turn
    // before that and no later.
    let ends = turns.iter().find(|turn| {
        open(**turn) || (!turns.contains(&(**turn - second)) && open(**turn - second))
    });
    Some(ends.copied().unwrap_or(now))
}

/// How many classes of requests need what, and whether MFA is always among it.
fn what_they_prove(
    expected: &mut Expected,
    trials: &[Trial],
    outcome: &Outcome,
    document: &GeneratedDocument,
) {
    // A class: one statement, one caller, all keys but the external id.
    type Class<'t> = (usize, Caller, Vec<(&'t String, &'t Vec<String>)>);
    let mut classes: BTreeMap<Class<'_>, (Vec<Option<&str>>, &Trial)> = BTreeMap::new();
    let mut mfa_always = true;
    for (statement, places) in &outcome.by_statement {
        for place in places {
            let trial = &trials[*place];
            if trial.caller.account().is_none_or(|account| account == OWN) {
                continue;
            }
            mfa_always &= one(trial, "aws:multifactorauthpresent") == Some("true");
            let rest: Vec<_> = trial
                .keys
                .iter()
                // Who is asked for an id now may come when nobody is.
                .filter(|(key, _)| {
                    !matches!(
                        key.as_str(),
                        "sts:externalid" | "aws:currenttime" | "aws:epochtime"
                    )
                })
                .collect();
            classes
                .entry((*statement, trial.caller, rest))
                .or_insert_with(|| (Vec::new(), trial))
                .0
                .push(one(trial, "sts:externalid"));
        }
    }
    expected.mfa_required = mfa_always && !classes.is_empty();
    let speaks_of_id = document.has_key("sts:ExternalId");
    let every: BTreeSet<&str> = trials
        .iter()
        .filter_map(|trial| one(trial, "sts:externalid"))
        .collect();
    let mut weakest: Option<ExternalIdNeed> = None;
    let mut unguarded: BTreeSet<&str> = BTreeSet::new();
    let mut external_account_unguarded = false;
    let mut guessable = false;
    let mut mixed = false;
    for (ids, trial) in classes.values() {
        let need = if speaks_of_id {
            need(ids, every.len())
        } else {
            ExternalIdNeed::NotRequired
        };
        weakest = Some(weakest.map_or(need, |before| before.min(need)));
        let known = ids.iter().flatten().any(|id| {
            let mut guessed = GUESSABLE_IDS.iter();
            guessed.any(|known| known.eq_ignore_ascii_case(id))
        });
        guessable |= need == ExternalIdNeed::Required && known;
        // A list beside a pattern: the answer may call it either.
        mixed |= need == ExternalIdNeed::Pattern && known;
        let own = one(trial, "aws:principalorgid") == Some(OWN_ORGANIZATION);
        if (need != ExternalIdNeed::Required || known)
            && !own
            && from_anywhere(trial)
            && !trial.caller.is_ghost()
        {
            match trial.caller.account() {
                Some(STRANGER | NEIGHBOUR) => external_account_unguarded = true,
                account => unguarded.extend(account),
            }
        }
    }
    let variables = document
        .statements
        .iter()
        .flat_map(|statement| &statement.conditions)
        .any(|condition| condition.values.iter().any(|value| value.contains("${")));
    expected.external_id = match weakest {
        // What a variable stands for is fixed and yet chosen by the caller.
        _ if variables && speaks_of_id => Vec::new(),
        // Whose a unique id is the world cannot tell.
        _ if document.has_key("aws:userid") || document.names_a_living_id() => Vec::new(),
        // A Deny that asks two things of one id leaves two ways, each of which takes only some.
        Some(ExternalIdNeed::AnyValue) if asks_twice(document) => {
            vec![ExternalIdNeed::AnyValue, ExternalIdNeed::Pattern]
        }
        Some(need) => vec![need],
        None if speaks_of_id => vec![ExternalIdNeed::Unsatisfiable, ExternalIdNeed::None],
        None => vec![ExternalIdNeed::None],
    };
    // What a variable stands for may be an account's number, and is no list of ids.
    let said = !mixed && (!variables || !speaks_of_id);
    expected.guessable = said.then_some(guessable);
    // A unique id guards, and whose it is the world cannot tell.
    if !variables && !document.has_key("aws:userid") && !document.names_a_living_id() {
        expected.guarded = Some(unguarded.is_empty() && !external_account_unguarded);
        if !external_account_unguarded {
            expected.unguarded_accounts = Some(texts(unguarded));
        }
    }
}

/// A Deny has two conditions on the external id.
fn asks_twice(document: &GeneratedDocument) -> bool {
    let on_id = |one: &super::GeneratedStatement| {
        let conditions = one.conditions.iter();
        let on_id = conditions.filter(|one| super::KEYS[one.key].name == "sts:ExternalId");
        on_id.count()
    };
    let mut denies = document.statements.iter().filter(|one| !one.allow);
    denies.any(|one| on_id(one) > 1)
}

/// What a class of requests must say, by the external ids with which it gets in of all that there
/// are.
fn need(ids: &[Option<&str>], every: usize) -> ExternalIdNeed {
    let absent = ids.contains(&None);
    let fixed = |id: &str| {
        EXTERNAL_IDS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(id))
    };
    let present: BTreeSet<&str> = ids.iter().flatten().copied().collect();
    if absent && present.is_empty() {
        ExternalIdNeed::Forbidden
    } else if absent {
        ExternalIdNeed::NotRequired
    } else if present.iter().all(|id| fixed(id)) {
        ExternalIdNeed::Required
    } else if present.len() >= every {
        ExternalIdNeed::AnyValue
    } else {
        ExternalIdNeed::Pattern
    }
}
