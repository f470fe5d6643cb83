//! The answer's fields, read off the ways that are left.

use super::admit::{NamedAccounts, Unnamed, admit};
use super::clock::Closes;
use super::compiled::{Compiled, compile};
use super::context::AnalysisContext;
use super::known::{Known, learn};
use super::opened::{Opened, grants_of, prove};
use super::restrict;
use super::solver::{Solver, required};
use super::way::{Class, Way};
use super::ways::ways_in;
use crate::answer::{Analysis, ExternalIdNeed, Grant, Restriction, Values, Who};
use crate::document::{Effect, TrustPolicy};
use crate::external_id;
use crate::keys::Role;
use crate::services::{ROLES_ANYWHERE, region_apart};
use crate::sets::test::Test;

pub(super) fn analysis(
    policy: &TrustPolicy<'_>,
    context: &AnalysisContext<'_>,
    mut solver: Solver<'_>,
) -> Analysis {
    let statements = compile(policy, solver.context.origin);
    let named = NamedAccounts::of(policy);
    let left = ways_in(&statements, &mut solver);
    let mut known: Vec<Known<'_>> = left
        .into_iter()
        .map(|way| learn(way, &named, &mut solver))
        .collect();

    let mut answer = Analysis {
        valid: policy.errors.is_empty(),
        errors: policy.errors.clone(),
        warnings: policy.warnings.clone(),
        public: false,
        external_accounts: Vec::new(),
        organizations: Vec::new(),
        services: Vec::new(),
        any_service: false,
        service_source_accounts: Vec::new(),
        any_account_from_network: false,
        unknown_account: false,
        federated: Vec::new(),
        federated_open: Vec::new(),
        external_id: ExternalIdNeed::None,
        guarded: true,
        guessable: false,
        unguarded_accounts: Vec::new(),
        mfa_required: false,
        orphaned: (named.ids.iter().copied()).map(str::to_owned).collect(),
        foreign_provider: false,
        expires: None,
        grants: Vec::new(),
    };
    who_gets_in(&mut answer, &known, context);
    services(&mut answer, &known, &solver);
    what_they_must_prove(&mut answer, &known, &named, context, &mut solver);
    if !known.iter().any(|one| one.external) {
        answer.external_id = unsatisfiable(&statements, &named, context, &mut solver);
    }
    answer.expires = expires(&known, &mut solver);
    // Everyone says more than any service, unless that is limited.
    if answer.public || answer.any_account_from_network {
        known.retain(|one| one.way.class != Class::AnyService || one.on_behalf_of.is_some());
    }
    let opened = grants_of(&statements, known, &named, &mut solver);
    for Opened { grant, .. } in &opened {
        if let Who::Federated {
            provider,
            open,
            account,
        } = &grant.principal
        {
            answer.federated.push(provider.clone());
            if *open {
                answer.federated_open.push(provider.clone());
                answer.guarded = false;
            }
            answer.foreign_provider |=
                account.is_some() && account.as_deref() != context.own_account;
        }
    }
    answer.grants = prove(opened, policy, &statements, &named, &mut solver);
    for list in [
        &mut answer.external_accounts,
        &mut answer.organizations,
        &mut answer.services,
        &mut answer.service_source_accounts,
        &mut answer.federated,
        &mut answer.federated_open,
        &mut answer.unguarded_accounts,
    ] {
        list.sort_unstable();
        list.dedup();
    }
    answer
}

/// The bytes that a document's statements take.
pub(super) fn length(policy: &TrustPolicy<'_>) -> usize {
    policy
        .statements
        .iter()
        .map(|one| one.span.end - one.span.start)
        .sum()
}

/// The grants of a document, each with its way.
pub(super) fn grants<'p>(
    policy: &'p TrustPolicy<'p>,
    solver: &mut Solver<'_>,
) -> Vec<(Grant, Way<'p>)> {
    let statements = compile(policy, solver.context.origin);
    let named = NamedAccounts::of(policy);
    let left = ways_in(&statements, solver);
    let known: Vec<Known<'_>> = left
        .into_iter()
        .map(|way| learn(way, &named, solver))
        .collect();
    grants_of(&statements, known, &named, solver)
        .into_iter()
        .map(|one| (one.grant, one.way))
        .collect()
}

fn who_gets_in(answer: &mut Analysis, known: &[Known<'_>], context: &AnalysisContext<'_>) {
    for one in known.iter().filter(|one| one.way.class == Class::Aws) {
        let accounts = one.admission.accounts.iter();
        answer.external_accounts.extend(
            accounts
                .filter(|account| Some(account.as_str()) != context.own_account)
                .cloned(),
        );
        match &one.admission.external_accounts {
            Unnamed::Nobody => {}
            Unnamed::UniqueIds(_) | Unnamed::OfManagementAccount => {
                answer.unknown_account = true;
            }
            Unnamed::OfOrganizations => {
                let list = one.admission.organizations.iter().flatten();
                answer.organizations.extend(list.map(|one| one.id.clone()));
            }
            Unnamed::FromNetwork => answer.any_account_from_network = true,
            Unnamed::Anyone => answer.public = true,
        }
    }
}

fn services(answer: &mut Analysis, known: &[Known<'_>], solver: &Solver<'_>) {
    let mut anyone = false;
    for one in known {
        match one.way.class {
            Class::Service(service) => {
                answer.services.push(service.to_owned());
                anyone |= one.on_behalf_of.is_none();
                if region_apart(service) == ROLES_ANYWHERE && !trust_anchored(&one.way, solver) {
                    answer.guarded = false;
                }
            }
            Class::AnyService => answer.any_service = true,
            _ => {}
        }
        let accounts = one.on_behalf_of.iter().flatten();
        answer.service_source_accounts.extend(accounts.cloned());
    }
    if anyone {
        answer.service_source_accounts = vec!["*".to_owned()];
    }
}

/// IAM Roles Anywhere: a fixed trust anchor, or an attribute of the certificate.
fn trust_anchored(way: &Way<'_>, solver: &Solver<'_>) -> bool {
    way.demands.iter().any(|literal| {
        let Test::Text(patterns) = &*literal.test else {
            return false;
        };
        if !literal.passes || !required(way, literal, solver) {
            return false;
        }
        match literal.row.role {
            Role::SourceArn => patterns.iter().all(|pattern| pattern.fixed().is_some()),
            Role::PrincipalTag => {
                let tag = literal.key.split_once('/').map_or("", |(_, tag)| tag);
                tag.get(..4)
                    .is_some_and(|start| start.eq_ignore_ascii_case("x509"))
                    && patterns
                        .iter()
                        .all(|pattern| !pattern.literal_prefix().is_empty())
            }
            _ => false,
        }
    })
}

/// The fixed external ids that a way accepts, where it accepts nothing else.
fn fixed_ids(found: &Restriction) -> &[String] {
    match (&found.values, found.may_be_absent) {
        (Values::OneOf(list) | Values::OneOfIgnoringCase(list), false) => list,
        _ => &[],
    }
}

fn what_they_must_prove(
    answer: &mut Analysis,
    known: &[Known<'_>],
    named: &NamedAccounts<'_>,
    context: &AnalysisContext<'_>,
    solver: &mut Solver<'_>,
) {
    let external: Vec<&Known<'_>> = known.iter().filter(|one| one.external).collect();
    answer.external_id = weakest_need(&external);
    let mut mfa = !external.is_empty();
    // The principals of a statement have their external ids in common.
    let mut judged: (&[String], bool) = (&[], false);
    for one in &external {
        let ids = one.external_id.as_ref().map_or(&[] as &[String], fixed_ids);
        if judged.0 != ids {
            let guessable = |id: &String| external_id::quality(id, &[]).is_some();
            judged = (ids, ids.iter().any(guessable));
        }
        let guessable = judged.1;
        answer.guessable |= guessable && !goes_without(one, &external, named, solver);
        let variable = one.way.has_variables(Role::ExternalId);
        let own = |organization: &super::admit::Organization| {
            Some(organization.id.as_str()) == context.own_organization
        };
        let guarded = (!ids.is_empty() && !guessable && !variable)
            || one
                .admission
                .organizations
                .as_ref()
                .is_some_and(|list| list.iter().all(own))
            || one.admission.network
            || matches!(one.admission.external_accounts, Unnamed::UniqueIds(_));
        if !guarded {
            answer.guarded = false;
            let accounts = one.admission.accounts.iter();
            answer.unguarded_accounts.extend(
                accounts
                    .filter(|account| Some(account.as_str()) != context.own_account)
                    .cloned(),
            );
        }
        mfa = mfa && solver.mfa_without(&one.way).is_none();
    }
    answer.mfa_required = mfa;
}

/// Whether everyone from outside who goes this way has access by another way of the same statement and
/// principal too, without the external id that this one asks for: a Deny that asks only some callers
/// for an id leaves ways that overlap.
fn goes_without<'p>(
    one: &Known<'p>,
    external: &[&Known<'p>],
    named: &NamedAccounts<'p>,
    solver: &mut Solver<'_>,
) -> bool {
    let own = solver.context.own_account;
    external.iter().any(|other| {
        let need = restrict::external_id(other.external_id.as_ref());
        let asks = matches!(need, ExternalIdNeed::Required | ExternalIdNeed::Pattern);
        !asks
            && other.way.statement == one.way.statement
            && other.way.named == one.way.named
            && other
                .way
                .demands
                .iter()
                .filter(|literal| {
                    // Who is asked for an id now may come when nobody is.
                    !matches!(literal.row.role, Role::ExternalId | Role::Now)
                })
                .all(|literal| {
                    // Nobody from outside goes this way and not that one.
                    let Some(mut rest) = one.way.and(&[literal.denied()], solver) else {
                        return true;
                    };
                    let found = admit(&mut rest, named, solver);
                    found.external_accounts == Unnamed::Nobody
                        && found
                            .accounts
                            .iter()
                            .all(|account| Some(account.as_str()) == own)
                })
    })
}

/// The weakest need over all external paths. Ways that one statement opens for one principal are
/// alternatives: where one forbids an external id and another takes some, none is required.
fn weakest_need(external: &[&Known<'_>]) -> ExternalIdNeed {
    let mut weakest = ExternalIdNeed::None;
    for one in external {
        let need = restrict::external_id(one.external_id.as_ref());
        let need = if need == ExternalIdNeed::Forbidden
            && external.iter().any(|other| {
                other.way.statement == one.way.statement
                    && other.way.named == one.way.named
                    && restrict::external_id(other.external_id.as_ref())
                        != ExternalIdNeed::Forbidden
            }) {
            ExternalIdNeed::NotRequired
        } else {
            need
        };
        weakest = weakest.min(need);
    }
    weakest
}

/// The last moment, from now on, at which anybody from outside has access; `None` where there is none.
fn expires(known: &[Known<'_>], solver: &mut Solver<'_>) -> Option<jiff::Timestamp> {
    let outside = known.iter().filter(|one| one.is_outside());
    let mut last = None;
    for one in outside {
        match solver.closes(&one.way) {
            Closes::Never => return None,
            Closes::At(at) => last = last.max(Some(at)),
        }
    }
    last
}

/// Whether it is the external id alone that keeps everyone out.
fn unsatisfiable(
    statements: &[Compiled<'_>],
    named: &NamedAccounts<'_>,
    context: &AnalysisContext<'_>,
    solver: &mut Solver<'_>,
) -> ExternalIdNeed {
    if !statements.iter().any(Compiled::mentions_external_id) {
        return ExternalIdNeed::None;
    }
    let without: Vec<Compiled<'_>> = statements
        .iter()
        .filter(|one| one.effect == Effect::Allow || !one.mentions_external_id())
        .map(Compiled::without_external_id)
        .collect();
    let left = ways_in(&without, solver);
    let own = context.own_account;
    let someone = left.into_iter().any(|mut way| {
        if way.class != Class::Aws {
            return false;
        }
        let found = admit(&mut way, named, solver);
        found.external_accounts != Unnamed::Nobody
            || found
                .accounts
                .iter()
                .any(|account| Some(account.as_str()) != own)
    });
    if someone {
        ExternalIdNeed::Unsatisfiable
    } else {
        ExternalIdNeed::None
    }
}
