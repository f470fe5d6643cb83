//! Identity providers that were created or changed where no event reported it: what each is known by is
//! read hourly, and judged as an event's would be.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::GuardConfig;
use crate::alert::build::{Story, alert};
use crate::alert::one_line;
use crate::cloudtrail::{Metadata, ProviderChange, ProviderMove, ProviderType};
use crate::detect::{Known, judge_provider_change};
use crate::handlers::HandleError;
use crate::handlers::detect::opened;
use crate::handlers::publish::publish_once;
use crate::model::Resource;
use crate::ports::{Clock, IamErrorKind, ListProviders, ListRoles, LiveProvider, World, chain};
use crate::state::incident::{Schema, Stage, incident_id};
use crate::state::providers::{ProviderSeen, SweptProvider};

/// Behind every event's id.
const LAST: &str = "~";

/// What became of one look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProvidersSwept {
    /// How many there are.
    pub providers: usize,
    /// How many changes no event had reported.
    pub reported: usize,
}

/// Reads what the account's SAML and OIDC providers are known by, and reports what is other than before
/// and no event told. It is reported at the second look that finds it: its event may yet come. What a
/// provider of before the guard is known by is no news.
///
/// # Errors
/// [`HandleError`]: they could not be listed, or some change not be reported.
pub async fn sweep_providers<W: World<Roles: ListRoles + ListProviders>>(
    world: &W,
    guard: &GuardConfig,
) -> Result<ProvidersSwept, HandleError> {
    let (state, now, account) = (world.state(), world.clock().now(), &guard.account);
    let mut swept = ProvidersSwept::default();
    let there = match world.roles().list_providers().await {
        Ok(there) => there,
        // The next hour goes on.
        Err(error) if error.kind == IamErrorKind::Throttled => return Ok(swept),
        Err(error) => return Err(error.into()),
    };
    let begun = state.sweep_progress(account).await?;
    let begun = begun.and_then(|progress| progress.first_at).unwrap_or(now);
    let known = state.swept_providers(account).await?.into_iter();
    let known: BTreeMap<String, SweptProvider> = known
        .map(|provider| (provider.provider.clone(), provider))
        .collect();
    let mut failed = None;
    for live in &there {
        swept.providers += 1;
        let before = state.provider_before(account, &live.arn, now, LAST).await?;
        let before = before.map(|seen| seen.metadata);
        let known = known.get(&live.arn);
        // An event may say less than all before the sweep has seen the provider once.
        let first = known.is_none()
            && (before.is_some() || live.created.is_none_or(|created| created <= begun));
        let as_before = before.as_ref().is_some_and(|before| same(live, before));
        let shown = |metadata: &Metadata| Metadata {
            document: None,
            ..metadata.clone()
        };
        let pending = known.and_then(|known| known.pending.as_ref());
        let wanted = match pending {
            _ if first || as_before => None,
            Some((since, found)) if *since < now && same(live, found) => {
                match report(world, guard, live, before.as_ref(), *since).await {
                    Ok(reported) => swept.reported += usize::from(reported),
                    // One provider must not stand in the way of all others.
                    Err(error) => {
                        failed = Some(error);
                        continue;
                    }
                }
                None
            }
            Some((since, found)) if same(live, found) => Some((*since, found.clone())),
            _ => Some((now, shown(&live.metadata))),
        };
        // A long document is not kept.
        if wanted.is_none() && before.as_ref().map(shown) != Some(shown(&live.metadata)) {
            let seen = ProviderSeen {
                schema: Schema,
                at: now,
                event: format!("sweep-{}", now.as_second()),
                metadata: live.metadata.clone(),
            };
            state.record_provider(account, &live.arn, &seen).await?;
        }
        if known.is_none_or(|known| known.pending != wanted) {
            let provider = SweptProvider {
                schema: Schema,
                provider: live.arn.clone(),
                pending: wanted,
            };
            state.save_swept_provider(account, &provider).await?;
        }
    }
    failed.map_or(Ok(swept), Err)
}

/// What a document says besides its certificates opens no role. An OIDC provider that was created without
/// thumbprints has those that IAM found.
fn same(live: &LiveProvider, before: &Metadata) -> bool {
    let issuer = |metadata: &Metadata| {
        let issuer = metadata.issuer.as_deref().unwrap_or_default();
        let issuer = issuer.strip_prefix("https://").unwrap_or(issuer);
        issuer.trim_end_matches('/').to_owned()
    };
    let lower = |list: &[String]| {
        let mut list: Vec<String> = list.iter().map(|one| one.to_lowercase()).collect();
        list.sort();
        list
    };
    let now = &live.metadata;
    let found_by_iam = live.provider == ProviderType::Oidc && before.certificates.is_empty();
    issuer(now) == issuer(before)
        && lower(&now.audiences) == lower(&before.audiences)
        && (found_by_iam || lower(&now.certificates) == lower(&before.certificates))
}

/// Whether there was anything to report.
async fn report<W: World<Roles: ListRoles>>(
    world: &W,
    guard: &GuardConfig,
    live: &LiveProvider,
    before: Option<&Metadata>,
    since: Timestamp,
) -> Result<bool, HandleError> {
    let change = ProviderChange {
        provider: live.provider,
        done: match before {
            Some(_) => ProviderMove::Updated,
            None => ProviderMove::Created,
        },
        name: live.arn.clone(),
        roles: Vec::new(),
        metadata: live.metadata.clone(),
        cut: false,
        by_identity_center: false,
    };
    let before = match before {
        Some(before) => Known::Is(before.clone()),
        None => Known::Not("no change of it was seen yet".to_owned()),
    };
    let roles = match opened(world, guard, &change).await {
        Ok(roles) => Known::Is(roles),
        Err(error) => Known::Not(chain(&error)),
    };
    let findings = judge_provider_change(&guard.rules, &change, &before, &roles);
    let Some(worst) = findings.first() else {
        return Ok(false);
    };
    let event = format!("sweep-provider-{}-{}", live.arn, since.as_second());
    let title = format!(
        "{}: {}, and no event reported it",
        worst.code.title(),
        live.arn
    );
    let story = Story {
        stage: Stage::Detected,
        incident: &incident_id(&guard.account, &event),
        title: one_line(&title, 400),
        cause: None,
        resource: Some(Resource::new("identity-provider", &live.arn)),
        findings: &findings,
        now: world.clock().now(),
    };
    let mut alert = alert(guard, story);
    alert.notes.insert(0, NOTE.to_owned());
    publish_once(world, guard, &alert).await?;
    Ok(true)
}

const NOTE: &str =
    "the sweep found this in IAM, which does not say who did it; CloudTrail's event history may";
