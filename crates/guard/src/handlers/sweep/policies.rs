//! What third parties may do by the roles they can assume and by the users whose keys they hold, where
//! no event reported the change: each one's policies are read hourly, and judged as an event's would be.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use permissions::effective;

use super::keys::{list, unthrottled};
use crate::GuardConfig;
use crate::account::Access;
use crate::alert::build::{Story, alert, grantees, holds_keys};
use crate::alert::one_line;
use crate::check::Finding;
use crate::detect::Judgement;
use crate::handlers::HandleError;
use crate::handlers::publish::publish_once;
use crate::model::{LivePermissions, LiveRole, Resource, RoleRef};
use crate::permissions::{judge_permissions, judge_user_permissions};
use crate::ports::{
    Clock, IamError, IamErrorKind, ListRoles, ReadCredentials, ReadPermissions, World,
};
use crate::remediate::exposure::third_parties;
use crate::remediate::judged::judge;
use crate::rules::UserVendor;
use crate::state::incident::{Schema, Stage, incident_id};
use crate::state::swept_permissions::{SweptPermissions, finding_mark};

/// How many roles' and users' policies are read in an hour, at most: some five calls each. Where there are
/// more, each hour begins where the last one ended.
pub const MOST_ROLES: usize = 200;

/// What became of one look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PermissionsSwept {
    /// How many roles' and users' policies were read.
    pub roles: usize,
    /// For how many of them no event had reported what they may do.
    pub reported: usize,
    /// Which were left to the next hours: over [`MOST_ROLES`], or no time.
    pub left: usize,
}

/// A role that third parties can assume, or a user that the rules name as holding keys for them.
enum Exposed {
    Role(Box<ExposedRole>),
    User(String, Vec<UserVendor>),
}

struct ExposedRole {
    role: LiveRole,
    judgement: Judgement,
    third_parties: Vec<Access>,
}

impl Exposed {
    /// What it may do; `None`: it is gone, or another has its name.
    async fn read<R: ReadPermissions>(
        &self,
        roles: &R,
    ) -> Result<Option<LivePermissions>, IamError> {
        match self {
            Self::Role(exposed) => {
                let live = roles.role_permissions(&exposed.role.name).await?;
                Ok(live.filter(|live| live.id == exposed.role.role_id))
            }
            Self::User(name, _) => roles.user_permissions(name).await,
        }
    }

    fn judge(&self, guard: &GuardConfig, live: &LivePermissions, now: Timestamp) -> Vec<Finding> {
        let effective = effective(&live.policies());
        match self {
            Self::Role(exposed) => {
                let third_parties: Vec<&Access> = exposed.third_parties.iter().collect();
                judge_permissions(&guard.rules, &third_parties, &effective, now)
            }
            Self::User(_, vendors) => judge_user_permissions(&guard.rules, vendors, &effective),
        }
    }

    /// What it may do when it is first seen is no news: an audit reports that.
    fn is_old(&self, begun: Timestamp) -> bool {
        match self {
            Self::Role(exposed) => exposed.role.created.is_none_or(|created| created <= begun),
            Self::User(..) => true,
        }
    }
}

/// Reads the policies of the roles that third parties can assume, and of the users whose keys they hold
/// by the rules, and reports what violates the rules
/// since the last look and no event told, until the moment has come. It is reported at the second look
/// that finds it: its event may yet come.
///
/// # Errors
/// [`HandleError`]: the roles could not be listed, or some role not be read or reported.
pub async fn sweep_permissions<W: World<Roles: ListRoles + ReadPermissions + ReadCredentials>>(
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
    // Users that cannot be listed keep no role from being read.
    let (mut roles, mut failed) = match exposed_users(world, guard, until).await {
        Ok(users) => (users, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    roles.extend(exposed_roles(world, guard, until).await?);
    let hour = usize::try_from(now.as_second() / 3_600).unwrap_or_default();
    if roles.len() > MOST_ROLES {
        let begin = hour.wrapping_mul(MOST_ROLES) % roles.len();
        roles.rotate_left(begin);
    }
    let mut swept = PermissionsSwept::default();
    for (index, exposed) in roles.iter().enumerate() {
        swept.left = roles.len() - index;
        if index == MOST_ROLES || world.clock().now() >= until {
            break;
        }
        let live = match exposed.read(world.roles()).await {
            Ok(live) => live,
            Err(error) if error.kind == IamErrorKind::Throttled => break,
            Err(error) => {
                failed = Some(error.into());
                continue;
            }
        };
        swept.left -= 1;
        swept.roles += 1;
        let Some(live) = live else {
            continue;
        };
        let findings = exposed.judge(guard, &live, now);
        let seen = SweptPermissions {
            schema: Schema,
            account: guard.account.clone(),
            role_id: live.id.clone(),
            rules: guard.rules.hash().to_owned(),
            known: findings.iter().map(finding_mark).collect(),
            pending: None,
        };
        let before = known.get(live.id.as_str()).copied();
        // What a role of before the guard may do an audit reports, and so what new rules forbid.
        let old = match before {
            Some(before) => before.rules != seen.rules,
            None => exposed.is_old(begun),
        };
        let of_it = events.iter().filter(|event| event.role_id == live.id);
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
                    if let Err(error) = report(world, guard, exposed, &live, news, since).await {
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

/// All users that the rules name as holding keys for a third party.
async fn exposed_users<W: World<Roles: ReadCredentials>>(
    world: &W,
    guard: &GuardConfig,
    until: Timestamp,
) -> Result<Vec<Exposed>, HandleError> {
    let named: BTreeSet<String> = guard.rules.users_of_vendors().into_iter().collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let mut users = unthrottled(list(world, until).await)?.unwrap_or_default();
    users.retain(|user| named.contains(&user.to_lowercase()));
    let of_vendors = |user: String| {
        let vendors = guard.rules.user_vendors(&user);
        Exposed::User(user, vendors)
    };
    Ok(users.into_iter().map(of_vendors).collect())
}

/// All roles that third parties can assume.
async fn exposed_roles<W: World<Roles: ListRoles>>(
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
                found.push(Exposed::Role(Box::new(ExposedRole {
                    role: listed.role,
                    judgement,
                    third_parties,
                })));
            }
        }
        marker = page.next;
        if marker.is_none() {
            break;
        }
    }
    Ok(found)
}

async fn report<W: World>(
    world: &W,
    guard: &GuardConfig,
    exposed: &Exposed,
    live: &LivePermissions,
    mut findings: Vec<Finding>,
    since: Timestamp,
) -> Result<(), HandleError> {
    let (kind, grantees) = match exposed {
        Exposed::Role(exposed) => {
            let reference = RoleRef::named(guard.account.clone(), live.name.clone());
            if guard.rules.protects(&reference) {
                for found in &mut findings {
                    found.severity = found.severity.raised();
                }
            }
            ("role", grantees(&guard.rules, &exposed.judgement))
        }
        Exposed::User(_, vendors) => ("user", vendors.iter().map(holds_keys).collect()),
    };
    let worst = findings.first().map_or("", |found| found.code.title());
    let second = since.as_second();
    let event = format!("sweep-permissions-{}-{second}", live.id);
    let story = Story {
        stage: Stage::Detected,
        incident: &incident_id(&guard.account, &event),
        title: one_line(
            &format!(
                "what {kind} {} may do was changed, and no event reported it: {worst}",
                live.name
            ),
            400,
        ),
        cause: None,
        resource: Some(
            Resource::new(kind, &live.name).known_as(Some(live.arn.clone()), Some(live.id.clone())),
        ),
        findings: &findings,
        now: world.clock().now(),
    };
    let mut alert = alert(guard, story);
    alert.grantees = grantees;
    alert.notes.insert(0, NOTE.to_owned());
    publish_once(world, guard, &alert).await.map(drop)
}

const NOTE: &str = "the sweep found this in the policies, which do not say who changed them; \
     CloudTrail's event history may. The guard does not undo it: it knows no change to undo";
