//! A world in memory whose calls can be made to fail, whose reads can be made stale, and in which
//! a handler can be stopped before and after each effect.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;
use trustwarden_guard::model::LiveRole;
use trustwarden_guard::permissions::Undo;
use trustwarden_guard::ports::memory::InMemory;
use trustwarden_guard::ports::{Call, Fault, Faults, IamErrorKind, Port, Sent};

type Hook = Box<dyn FnOnce(&InMemory) + Send>;

/// See the module.
#[derive(Default)]
pub(crate) struct Troubled {
    pub(crate) inside: InMemory,
    trouble: Mutex<Trouble>,
}

#[derive(Default)]
struct Trouble {
    /// How many gates the handlers have passed: two a call, before and after the effect.
    gates: usize,
    /// The gate at which a handler stops for ever.
    stop_at: Option<usize>,
    /// What the next calls of a name come to, if they fail.
    failing: BTreeMap<&'static str, VecDeque<Option<IamErrorKind>>>,
    /// How many calls of each name fail that ask the table, and how many of each did.
    state_fails: (usize, BTreeMap<&'static str, usize>),
    /// What the next reads of a role show instead of the truth.
    stale: VecDeque<Option<LiveRole>>,
    /// What happens just before the n-th next call of a name.
    before: BTreeMap<&'static str, (usize, Hook)>,
    /// Every trust policy that was written, in order.
    written: Vec<String>,
    /// What was undone, in order.
    undone: Vec<Undo>,
    /// Every call, in order.
    calls: Vec<&'static str>,
}

/// Runs a handler until it is done or stopped (`None`): nothing in this world ever waits.
pub(crate) fn run<F: Future>(handler: F) -> Option<F::Output> {
    let mut handler = pin!(handler);
    match handler
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

impl Troubled {
    pub(crate) fn at(now: Timestamp) -> Self {
        Self {
            inside: InMemory::at(now),
            trouble: Mutex::default(),
        }
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap()
    }

    /// The next calls of a name fail.
    pub(crate) fn fail(&self, name: &'static str, times: usize) {
        self.refuse(name, vec![IamErrorKind::Other; times]);
    }

    /// The next calls of a name fail with these.
    pub(crate) fn refuse(&self, name: &'static str, kinds: impl IntoIterator<Item = IamErrorKind>) {
        let failing = &mut self.trouble().failing;
        let failing = failing.entry(name).or_default();
        failing.extend(kinds.into_iter().map(Some));
    }

    /// After one more call of a name the next one fails.
    pub(crate) fn refuse_the_second(&self, name: &'static str, kind: IamErrorKind) {
        let failing = VecDeque::from([None, Some(kind)]);
        self.trouble().failing.insert(name, failing);
    }

    /// Calls of a name no longer fail.
    pub(crate) fn accept(&self, name: &'static str) {
        self.trouble().failing.remove(name);
    }

    /// So many calls of each name fail that ask the table.
    pub(crate) fn state_fails(&self, times: usize) {
        self.trouble().state_fails = (times, BTreeMap::new());
    }

    /// What the next reads of roles show, one after the other, instead of what is live.
    pub(crate) fn reads_show(&self, stale: impl IntoIterator<Item = Option<LiveRole>>) {
        self.trouble().stale.extend(stale);
    }

    /// From now on reads show what is live.
    pub(crate) fn reads_are_fresh(&self) {
        self.trouble().stale.clear();
    }

    /// Something happens just before a call of a name, after so many others of it.
    pub(crate) fn before(
        &self,
        name: &'static str,
        after: usize,
        happens: impl FnOnce(&InMemory) + Send + 'static,
    ) {
        let before = &mut self.trouble().before;
        before.insert(name, (after, Box::new(happens)));
    }

    /// A handler stops after so many further gates.
    pub(crate) fn stop_after(&self, gates: usize) {
        let mut trouble = self.trouble();
        trouble.stop_at = Some(trouble.gates + gates);
    }

    /// No handler stops any more.
    pub(crate) fn go_on(&self) {
        self.trouble().stop_at = None;
    }

    pub(crate) fn gates(&self) -> usize {
        self.trouble().gates
    }

    pub(crate) fn written(&self) -> Vec<String> {
        self.trouble().written.clone()
    }

    pub(crate) fn undone(&self) -> Vec<Undo> {
        self.trouble().undone.clone()
    }

    pub(crate) fn calls(&self) -> Vec<&'static str> {
        self.trouble().calls.clone()
    }

    pub(crate) fn forget_calls(&self) {
        self.trouble().calls.clear();
    }

    pub(crate) fn called(&self, name: &str) -> usize {
        let calls = self.calls();
        calls.into_iter().filter(|call| *call == name).count()
    }

    async fn gate(&self) {
        let stops = {
            let mut trouble = self.trouble();
            trouble.gates += 1;
            trouble.stop_at == Some(trouble.gates - 1)
        };
        if stops {
            std::future::pending::<()>().await;
        }
    }
}

impl Trouble {
    /// What a call fails with, if it does.
    fn fault(&mut self, call: Call<'_>) -> Option<IamErrorKind> {
        let failing = self.failing.get_mut(call.name);
        let kind = failing.and_then(VecDeque::pop_front).flatten();
        if kind.is_some() || call.port != Port::Store {
            return kind;
        }
        let (times, failed) = &mut self.state_fails;
        let failed = failed.entry(call.name).or_default();
        *failed += 1;
        (*failed <= *times).then_some(IamErrorKind::Other)
    }

    /// What is to happen now, before a call.
    fn hook(&mut self, name: &str) -> Option<Hook> {
        match self.before.get_mut(name) {
            Some((0, _)) => self.before.remove(name).map(|(_, hook)| hook),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        }
    }
}

impl Faults for Troubled {
    type Inner = InMemory;

    fn inner(&self) -> &InMemory {
        &self.inside
    }

    async fn call<T: Send, E: Send>(
        &self,
        call: Call<'_>,
        effect: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<Result<T, E>, Fault> {
        self.trouble().calls.push(call.name);
        self.gate().await;
        let hook = self.trouble().hook(call.name);
        if let Some(happens) = hook {
            happens(&self.inside);
        }
        if let Some(kind) = self.trouble().fault(call) {
            let source = format!("{} was made to fail", call.name).into();
            return Err(Fault { kind, source });
        }
        let stale = match call.name {
            "read role" => self.trouble().stale.pop_front(),
            _ => None,
        };
        let done = match stale {
            // The role is another one for as long as the read takes.
            Some(shown) => {
                let live = self.inside.remove_role(call.on);
                shown
                    .into_iter()
                    .for_each(|role| self.inside.put_role(role));
                let done = effect.await;
                self.inside.remove_role(call.on);
                live.into_iter().for_each(|role| self.inside.put_role(role));
                done
            }
            None => effect.await,
        };
        match call.sent {
            Sent::Document(document) => self.trouble().written.push(document.to_owned()),
            Sent::Undo(undo) => self.trouble().undone.push(undo.clone()),
            Sent::Nothing => {}
        }
        self.gate().await;
        Ok(done)
    }
}
