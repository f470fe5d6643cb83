//! The world as one invocation of a function meets it: every call takes time, in which others
//! act; it may fail, lie or be the last thing the invocation does.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use guard::alert::Alert;
use guard::fold::{Counted, FoldMember, FoldWindow};
use guard::history::{KeptDocument, RoleHistory};
use guard::incident::{AlertKey, Incident};
use guard::order::Order;
use guard::world::{
    Alerts, Clock, DeactivateKeyError, DenySessionsError, Keys, Lease, LiveRole, OrderProgress,
    Orders, PublishError, ReadRoleError, Roles, SendOrderError, State, StateError, World,
    WriteRoles, WriteTrustPolicyError,
};
use jiff::Timestamp;

use crate::account::{Refusal, Version, Writer, as_kept};
use crate::cast::administrator_in_the_window;
use crate::counts::Happened;
use crate::documents::OWN;
use crate::scene::{GuardWrite, Happening, Inside, Invocation, Read, Scene, clock};
use crate::trail::{REMEDIATOR_ROLE, record_write};

/// How far back a stale read may look: IAM shows every write within this time.
pub const STALENESS: i64 = 8_000;

/// One invocation's view.
#[derive(Clone)]
pub struct Hand {
    /// The history.
    pub scene: Scene,
    /// Which invocation.
    pub invocation: Invocation,
}

/// A call that did not do what was asked.
enum Fault {
    /// Nothing happened.
    Before,
    /// It happened, and the answer was lost.
    After,
}

struct Wait {
    scene: Scene,
    invocation: Invocation,
    takes: i64,
    waiting: bool,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.waiting {
            return Poll::Ready(());
        }
        self.waiting = true;
        let mut inside = self.scene.inside();
        let at = inside.now + self.takes;
        inside.plan(at, Happening::GoOn(self.invocation));
        drop(inside);
        Poll::Pending
    }
}

impl Hand {
    /// One effect: time passes, then it happens, or does not.
    async fn effect<T>(
        &self,
        name: &'static str,
        act: impl FnOnce(&mut Inside) -> T,
    ) -> Result<T, Fault> {
        let takes = {
            let mut inside = self.scene.inside();
            let takes = inside.dice.mostly_short(2, 60);
            if inside.effects_until_crash.is_some() || inside.weather.stall {
                inside.note_next(self.invocation, name);
            }
            let stalls = inside.weather.stall && name == "publish alert" && !inside.calm;
            if stalls {
                inside.weather.stall = false;
                if let Some(steps) = inside.steps.get_mut(&self.invocation) {
                    steps.stalls = true;
                }
                inside.happened.insert(Happened::StalledHolder);
                inside.tell(|| {
                    format!(
                        "invocation {} stalls before it can publish",
                        self.invocation
                    )
                });
            }
            if stalls { takes + 130_000 } else { takes }
        };
        Wait {
            scene: self.scene.clone(),
            invocation: self.invocation,
            takes,
            waiting: false,
        }
        .await;
        let mut inside = self.scene.inside();
        let (errors, lies) = (inside.weather.errors, inside.weather.lies);
        if !inside.calm && inside.dice.per_mille(errors) {
            inside.tell(|| format!("invocation {}: {name} fails", self.invocation));
            return Err(Fault::Before);
        }
        let result = act(&mut inside);
        if let Some(steps) = inside.steps.get_mut(&self.invocation) {
            steps.done.push(name);
        }
        if !inside.calm && inside.dice.per_mille(lies) {
            inside.tell(|| {
                format!(
                    "invocation {}: {name} is done, its answer is lost",
                    self.invocation
                )
            });
            return Err(Fault::After);
        }
        Ok(result)
    }

    /// An effect on state, which the world in memory keeps.
    async fn on_state<T>(
        &self,
        name: &'static str,
        act: impl Future<Output = Result<T, StateError>> + Send,
    ) -> Result<T, StateError> {
        let unavailable = || StateError::Unavailable {
            source: "the table does not answer".into(),
        };
        let reached = self.effect(name, |inside| !inside.outage).await;
        match reached {
            Ok(true) => act.await,
            Ok(false) => {
                self.scene
                    .inside()
                    .happened
                    .insert(Happened::StateUnavailable);
                Err(unavailable())
            }
            Err(Fault::Before) => Err(unavailable()),
            Err(Fault::After) => {
                let away = self.scene.inside().outage;
                if !away {
                    let _ = act.await;
                }
                Err(unavailable())
            }
        }
    }
}

impl Inside {
    fn note_next(&mut self, invocation: Invocation, name: &'static str) {
        if let Some(left) = self.effects_until_crash {
            let last = self
                .steps
                .get(&invocation)
                .and_then(|steps| steps.done.last().copied());
            if left == 0 {
                self.effects_until_crash = None;
                self.crashed_between
                    .insert((last.unwrap_or("the start"), name));
                self.happened.insert(Happened::Crash);
                self.doomed.insert(invocation);
            } else {
                self.effects_until_crash = Some(left - 1);
            }
        }
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        clock(self.scene.inside().now)
    }
}

impl Roles for Hand {
    async fn read_role(&self, name: &str) -> Result<Option<LiveRole>, ReadRoleError> {
        let invocation = self.invocation;
        self.effect("read role", |inside| {
            let now = inside.now;
            let stale = inside.weather.stale;
            let back = if !inside.calm && inside.dice.per_mille(stale) {
                inside.dice.between(1, STALENESS)
            } else {
                0
            };
            let showed = now - back;
            let role = inside.account.role_at(name, showed).cloned();
            let hides = inside
                .account
                .role_at(name, now)
                .and_then(|role| role.live())
                .map(|live| live.at)
                != role
                    .as_ref()
                    .and_then(|role| role.at(showed))
                    .map(|shown| shown.at);
            if hides {
                inside.happened.insert(Happened::StaleRead);
                inside.last_stale = Some(now);
                inside.tell(|| {
                    format!("invocation {invocation} reads {name} as it was {back} ms ago")
                });
            }
            if let Some(steps) = inside.steps.get_mut(&invocation) {
                steps.read = Some(Read { showed });
            }
            let role = role?;
            let version = role.at(showed)?;
            Some(LiveRole {
                name: role.name.clone(),
                arn: format!("arn:aws:iam::{OWN}:role/{}", role.name),
                path: "/".to_owned(),
                role_id: role.id.clone(),
                document: inside.account.shown(version, showed),
                created: Some(clock(role.created)),
            })
        })
        .await
        .map_err(|_| ReadRoleError::Throttled {
            source: "Throttling: Rate exceeded".into(),
        })
    }
}

impl WriteRoles for Hand {
    async fn write_trust_policy(
        &self,
        role: &str,
        document: &str,
    ) -> Result<(), WriteTrustPolicyError> {
        {
            let mut inside = self.scene.inside();
            if inside.weather.window && !inside.calm {
                inside.weather.window = false;
                administrator_in_the_window(&mut inside, role);
            }
        }
        let invocation = self.invocation;
        let done = self
            .effect("write trust policy", |inside| {
                guard_writes(inside, invocation, role, document)
            })
            .await;
        let other = || WriteTrustPolicyError::Other {
            role: role.to_owned(),
            source: "the connection was lost".into(),
        };
        match done {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Refusal::NoSuchRole)) => Err(WriteTrustPolicyError::NoSuchRole {
                role: role.to_owned(),
                source: "NoSuchEntity".into(),
            }),
            Ok(Err(Refusal::Principal(principal))) => {
                Err(WriteTrustPolicyError::RefusedPrincipal {
                    principal,
                    source: "MalformedPolicyDocument".into(),
                })
            }
            Err(Fault::Before) => {
                self.scene.inside().failed_writes += 1;
                Err(WriteTrustPolicyError::Throttled {
                    source: "Throttling".into(),
                })
            }
            Err(Fault::After) => {
                self.scene.inside().failed_writes += 1;
                Err(other())
            }
        }
    }

    async fn deny_sessions_before(
        &self,
        role: &str,
        before: Timestamp,
    ) -> Result<(), DenySessionsError> {
        let done = self
            .effect("deny sessions", |inside| {
                inside
                    .account
                    .role_mut(role)
                    .map(|role| role.sessions_denied_before = Some(before))
            })
            .await;
        sessions(role, done)
    }

    async fn lift_session_denial(&self, role: &str) -> Result<(), DenySessionsError> {
        let done = self
            .effect("lift session denial", |inside| {
                inside
                    .account
                    .role_mut(role)
                    .map(|role| role.sessions_denied_before = None)
            })
            .await;
        sessions(role, done)
    }
}

fn sessions(role: &str, done: Result<Option<()>, Fault>) -> Result<(), DenySessionsError> {
    match done {
        Ok(Some(())) => Ok(()),
        Ok(None) => Err(DenySessionsError::NoSuchRole {
            role: role.to_owned(),
            source: "NoSuchEntity".into(),
        }),
        Err(_) => Err(DenySessionsError::Other {
            role: role.to_owned(),
            source: "Throttling".into(),
        }),
    }
}

fn guard_writes(
    inside: &mut Inside,
    invocation: Invocation,
    role: &str,
    document: &str,
) -> Result<(), Refusal> {
    let now = inside.now;
    let read = inside.steps.get(&invocation).and_then(|steps| steps.read);
    let before = inside.account.role_at(role, now).and_then(|role| {
        let live = role.live()?;
        Some((role.id.clone(), live.sent.clone(), live.at, live.by))
    });
    let event_id = inside.new_event_id();
    let version = Version {
        at: now,
        sent: document.to_owned(),
        kept: as_kept(document),
        by: Writer::Guard,
        event_id: event_id.clone(),
    };
    if let Err(refusal) = inside.account.write(role, version) {
        inside.failed_writes += 1;
        if matches!(refusal, Refusal::Principal(_)) {
            inside.happened.insert(Happened::RefusedPrincipal);
        }
        inside.tell(|| format!("IAM refuses the guard's write of {role}: {refusal:?}"));
        return Err(refusal);
    }
    if let Some((role_id, replaced, replaced_at, replaced_by)) = before {
        // The read that this write follows from, or the look before it, hid something.
        if inside.last_stale.is_some_and(|at| now - at < 120_000) {
            inside.happened.insert(Happened::StaleReadBeforeWrite);
        }
        let law = inside.remediator_law;
        inside.writes.push(GuardWrite {
            at: now,
            role_id,
            document: document.to_owned(),
            replaced,
            replaced_at,
            replaced_by,
            read,
            law,
        });
    }
    inside.tell(|| format!("the guard writes {role}: {document}"));
    record_write(
        inside,
        role,
        document,
        Writer::Guard,
        event_id,
        Some(REMEDIATOR_ROLE),
    );
    Ok(())
}

impl Keys for Hand {
    async fn deactivate_key(&self, user: &str, key_id: &str) -> Result<(), DeactivateKeyError> {
        // No history holds access keys: their order is one idempotent call.
        Err(DeactivateKeyError::NoSuchKey {
            user: user.to_owned(),
            key_id: key_id.to_owned(),
            source: "NoSuchEntity".into(),
        })
    }
}

impl State for Hand {
    async fn role_history(
        &self,
        account: &str,
        role: &str,
    ) -> Result<Option<RoleHistory>, StateError> {
        self.on_state("read history", self.scene.state.role_history(account, role))
            .await
    }

    async fn save_role_history(&self, history: &RoleHistory) -> Result<u64, StateError> {
        self.on_state("save history", self.scene.state.save_role_history(history))
            .await
    }

    async fn keep_document(&self, kept: &KeptDocument) -> Result<(), StateError> {
        self.on_state("keep document", self.scene.state.keep_document(kept))
            .await
    }

    async fn kept_document(
        &self,
        account: &str,
        incident: &str,
    ) -> Result<Option<KeptDocument>, StateError> {
        self.on_state(
            "read kept document",
            self.scene.state.kept_document(account, incident),
        )
        .await
    }

    async fn begin_order(
        &self,
        account: &str,
        order: &str,
        now: Timestamp,
    ) -> Result<OrderProgress, StateError> {
        self.on_state(
            "begin order",
            self.scene.state.begin_order(account, order, now),
        )
        .await
    }

    async fn finish_order(
        &self,
        account: &str,
        order: &str,
        now: Timestamp,
    ) -> Result<(), StateError> {
        self.on_state(
            "finish order",
            self.scene.state.finish_order(account, order, now),
        )
        .await
    }

    async fn acquire_alert(
        &self,
        key: &AlertKey,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StateError> {
        self.on_state(
            "acquire lease",
            self.scene.state.acquire_alert(key, now, until),
        )
        .await
    }

    async fn release_alert(&self, key: &AlertKey) -> Result<(), StateError> {
        self.on_state("release lease", self.scene.state.release_alert(key))
            .await
    }

    async fn finish_alert(&self, incident: &Incident) -> Result<(), StateError> {
        self.on_state("finish alert", self.scene.state.finish_alert(incident))
            .await
    }

    async fn count_alert(
        &self,
        window: &FoldWindow,
        member: &FoldMember,
    ) -> Result<Counted, StateError> {
        self.on_state("count alert", self.scene.state.count_alert(window, member))
            .await
    }

    async fn digest_ordered(&self, window: &FoldWindow) -> Result<(), StateError> {
        self.on_state("note digest", self.scene.state.digest_ordered(window))
            .await
    }

    async fn folded(&self, window: &FoldWindow) -> Result<Vec<(u32, FoldMember)>, StateError> {
        self.on_state("read window", self.scene.state.folded(window))
            .await
    }
}

impl Orders for Hand {
    async fn send_order(&self, order: &Order) -> Result<(), SendOrderError> {
        let body = serde_json::to_string(order).unwrap_or_default();
        self.effect("send order", |inside| {
            let now = inside.now;
            inside.queue.send(&order.group(), &order.id(), body, now);
            inside.plan(now, Happening::Poll);
        })
        .await
        .map_err(|_| SendOrderError {
            order: order.id(),
            source: "the queue does not answer".into(),
        })
    }
}

impl Alerts for Hand {
    async fn publish_alert(&self, alert: &Alert) -> Result<(), PublishError> {
        self.effect("publish alert", |inside| {
            let now = inside.now;
            inside.tell(|| {
                let findings: Vec<&str> = alert
                    .findings
                    .iter()
                    .map(|found| found.code.code())
                    .collect();
                format!(
                    "alert {} {}: {} ({})",
                    alert.incident,
                    alert.stage,
                    alert.title,
                    findings.join(", ")
                )
            });
            inside.published.push((alert.clone(), now));
        })
        .await
        .map_err(|_| PublishError {
            incident: alert.incident.clone(),
            source: "the topic does not answer".into(),
        })
    }
}

impl World for Hand {
    type Roles = Self;
    type State = Self;
    type Orders = Self;
    type Alerts = Self;
    type Clock = Self;

    fn roles(&self) -> &Self {
        self
    }

    fn state(&self) -> &Self {
        self
    }

    fn orders(&self) -> &Self {
        self
    }

    fn alerts(&self) -> &Self {
        self
    }

    fn clock(&self) -> &Self {
        self
    }
}
