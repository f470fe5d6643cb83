//! What third parties may do by the roles they can assume, where no event reported the change: each
//! such role's policies are read hourly, and judged as an event's would be.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use permissions::effective;

use crate::GuardConfig;
use crate::account::Access;
use crate::alert::build::{Story, alert, grantees};
use crate::alert::one_line;
use crate::check::Finding;
use crate::detect::Judgement;
use crate::handlers::HandleError;
use crate::handlers::publish::publish_once;
use crate::model::{LiveRole, Resource, RoleRef};
use crate::permissions::judge_permissions;
use crate::ports::{Clock, IamErrorKind, ListRoles, ReadPermissions, World};
use crate::remediate::exposure::third_parties;
use crate::remediate::judged::judge;
use crate::state::incident::{Schema, Stage, incident_id};
use crate::state::swept_permissions::{SweptPermissions, finding_mark};

/// How many roles' policies are read in an hour, at most: some five calls each. Where more roles have
/// third parties, the next hour goes on with the next ones.
pub const MOST_ROLES: usize = 200;

/// What became of one look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PermissionsSwept {
    /// Whose policies were read.
    pub roles: usize,
    /// For how many of them no event had reported what they may do.
    pub reported: usize,
    /// Which were left to the next hours: over [`MOST_ROLES`], or no time.
    pub left: usize,
}

/// A role that third parties can assume.
struct Exposed {
    role: LiveRole,
    judgement: Judgement,
    third_parties: Vec<Access>,
}

/// Reads the policies of the roles that third parties can assume, and reports what violates the rules
/// since the last look and no event told, until the moment has come. It is reported at the second look
/// that finds it: its event may yet come.
///
/// # Errors
/// [`HandleError`]: the roles could not be listed, or some role not be read or reported.
pub async fn sweep_permissions<W: World<Roles: ListRoles + ReadPermissions>>(
    world: &W,
    guard: &GuardConfig,
    until: Timestamp,
) -> Result<PermissionsSwept, HandleError> {
    let (state, now) = (world.state(), world.clock().now());
    let begun = state.sweep_progress(&guard.account).await?;
    let begun = begun.and_then(|progress| progress.first_at).unwrap_or(now);
    let known = state.swept_permissions(&guard.account).await?;
    let known: BTreeMap<&str, &SweptPermissions> = known
        .iter()
        .map(|role| (role.role_id.as_str(), role))
        .collect();
    let events = state.permissions_events(&guard.account).await?;
    let roles = exposed(world, guard, until).await?;
    let mut swept = PermissionsSwept::default();
    let mut failed = None;
    for (index, exposed) in roles.iter().enumerate() {
        swept.left = roles.len() - index;
        if index == MOST_ROLES || world.clock().now() >= until {
            break;
        }
        let role = &exposed.role;
        let read = world.roles().role_permissions(&role.name).await;
        let live = match read {
            Ok(live) => live,
            Err(error) if error.kind == IamErrorKind::Throttled => break,
            Err(error) => {
                failed = Some(error.into());
                continue;
            }
        };
        swept.left -= 1;
        swept.roles += 1;
        let Some(live) = live.filter(|live| live.id == role.role_id) else {
            continue;
        };
        let third_parties: Vec<&Access> = exposed.third_parties.iter().collect();
        let effective = effective(&live.policies());
        let findings = judge_permissions(&guard.rules, &third_parties, &effective, now);
        let seen = SweptPermissions {
            schema: Schema,
            account: guard.account.clone(),
            role_id: role.role_id.clone(),
            rules: guard.rules.hash().to_owned(),
            known: findings.iter().map(finding_mark).collect(),
            pending: None,
        };
        let before = known.get(role.role_id.as_str()).copied();
        // What a role of before the guard may do an audit reports, and so what new rules forbid.
        let old = match before {
            Some(before) => before.rules != seen.rules,
            None => role.created.is_none_or(|created| created <= begun),
        };
        let of_it = events.iter().filter(|event| event.role_id == role.role_id);
        let known = before.iter().flat_map(|before| &before.known);
        let reported = of_it.flat_map(|event| &event.reported).chain(known);
        let reported: BTreeSet<&String> = reported.collect();
        let wanted = match old {
            true => seen,
            false => match compared(before, &reported, seen, now) {
                Compared::Known(seen) => seen,
                Compared::News { since, seen } => {
                    let mut news = findings;
                    news.retain(|found| !reported.contains(&&finding_mark(found)));
                    if let Err(error) = report(world, guard, exposed, news, since).await {
                        // One role must not stand in the way of all others.
                        failed = Some(error);
                        continue;
                    }
                    swept.reported += 1;
                    seen
                }
            },
        };
        if before != Some(&wanted) {
            state.save_swept_permissions(&wanted).await?;
        }
    }
    failed.map_or(Ok(swept), Err)
}

enum Compared {
    /// Nothing to report, or not yet: this is to be remembered.
    Known(SweptPermissions),
    /// To be reported, then remembered.
    News {
        /// When it was first seen.
        since: Timestamp,
        seen: SweptPermissions,
    },
}

fn compared(
    before: Option<&SweptPermissions>,
    reported: &BTreeSet<&String>,
    mut seen: SweptPermissions,
    now: Timestamp,
) -> Compared {
    if seen.known.iter().all(|found| reported.contains(found)) {
        return Compared::Known(seen);
    }
    let pending = before.and_then(|before| before.pending.as_ref());
    match pending {
        Some((since, found)) if *found == seen.known && *since < now => Compared::News {
            since: *since,
            seen,
        },
        _ => {
            let known = before.map(|before| before.known.clone());
            let found = std::mem::replace(&mut seen.known, known.unwrap_or_default());
            seen.pending = Some((now, found));
            Compared::Known(seen)
        }
    }
}

/// All roles that third parties can assume. Where they are more than one look reads, each hour begins
/// where the last one ended.
async fn exposed<W: World<Roles: ListRoles>>(
    world: &W,
    guard: &GuardConfig,
    until: Timestamp,
) -> Result<Vec<Exposed>, HandleError> {
    let now = world.clock().now();
    let (mut found, mut marker) = (Vec::new(), None);
    while world.clock().now() < until {
        let page = match world.roles().list_roles(marker.as_deref()).await {
            Ok(page) => page,
            Err(error) if error.kind == IamErrorKind::Throttled => break,
            Err(error) => return Err(error.into()),
        };
        for listed in page.roles {
            let judgement = judge(guard, &listed.role, &listed.role.document, now);
            let third_parties = third_parties(guard, &listed.role, &judgement);
            if !third_parties.is_empty() {
                found.push(Exposed {
                    role: listed.role,
                    judgement,
                    third_parties,
                });
            }
        }
        marker = page.next;
        if marker.is_none() {
            break;
        }
    }
    let hour = usize::try_from(now.as_second() / 3_600).unwrap_or_default();
    if found.len() > MOST_ROLES {
        let begin = hour.wrapping_mul(MOST_ROLES) % found.len();
        found.rotate_left(begin);
    }
    Ok(found)
}

async fn report<W: World>(
    world: &W,
    guard: &GuardConfig,
    exposed: &Exposed,
    mut findings: Vec<Finding>,
    since: Timestamp,
) -> Result<(), HandleError> {
    let Exposed {
        role, judgement, ..
    } = exposed;
    let reference = RoleRef::named(guard.account.clone(), role.name.clone());
    if guard.rules.protects(&reference) {
        for found in &mut findings {
            found.severity = found.severity.raised();
        }
    }
    let worst = findings.first().map_or("", |found| found.code.title());
    let second = since.as_second();
    let event = format!("sweep-permissions-{}-{second}", role.role_id);
    let story = Story {
        stage: Stage::Detected,
        incident: &incident_id(&guard.account, &event),
        title: one_line(
            &format!(
                "what role {} may do was changed, and no event reported it: {worst}",
                role.name
            ),
            400,
        ),
        cause: None,
        resource: Some(
            Resource::new("role", &role.name)
                .known_as(Some(role.arn.clone()), Some(role.role_id.clone())),
        ),
        findings: &findings,
        now: world.clock().now(),
    };
    let mut alert = alert(guard, story);
    alert.grantees = grantees(&guard.rules, judgement);
    alert.notes.insert(0, NOTE.to_owned());
    publish_once(world, guard, &alert).await.map(drop)
}

const NOTE: &str = "the sweep found this in the role's policies, which do not say who changed them; \
     CloudTrail's event history may. The guard does not undo it: it knows no change to undo";
