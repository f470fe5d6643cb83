//! What the run counts: in how many histories each thing happened that the guard must survive.

use std::collections::{BTreeMap, BTreeSet};

/// Two effects of one invocation, in this order, with no other between.
pub type Pair = (&'static str, &'static str);

/// Something that a history can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coverage {
    /// A read showed an earlier moment.
    StaleRead,
    /// A write was decided by such a read.
    StaleReadBeforeWrite,
    /// A compliant document was saved between the guard's read and its write.
    ApprovedInTheWindow,
    /// An invocation was stopped between two effects.
    Crash,
    /// An invocation's time was up before its call was answered.
    TimeOut,
    /// A lease ran out while its holder went on.
    StalledHolder,
    /// A role's writes of the hour were spent.
    BudgetSpent,
    /// Someone opened a role again and again.
    FlippingAttacker,
    /// Terraform applied its own idea again.
    RivalReapplying,
    /// An event came twice.
    Duplicate,
    /// Two events of a role came in the other order.
    ReorderedPair,
    /// An event never came.
    LostEvent,
    /// IAM refused a principal.
    RefusedPrincipal,
    /// A role was deleted and created again.
    Recreated,
    /// A vendor was taken out of the rules.
    VendorRemoved,
    /// Functions judged by different rules for a while.
    RulesSkew,
    /// State did not answer.
    StateUnavailable,
    /// The operator registered a vendor and put back what had been undone.
    ApprovedAndRestored,
    /// Sessions were ended.
    SessionsDenied,
    /// An SCP forbade the guard's writes.
    WriteForbidden,
    /// Somebody opened a role with the remediator's own credentials.
    StolenRole,
    /// An event did not carry the trust policy.
    DocumentOmitted,
    /// So many alerts at once that a digest was published.
    Digest,
    /// A role was opened for a stretch of time that began later.
    WindowOpensLater,
    /// A role was opened for a stretch of time that was over when the event came.
    WindowBeforeHandling,
    /// A living principal was named by its unique id.
    UniqueIdAsSent,
    /// The detecting function got an event that IAM never saw.
    ForgedEvent,
    /// That copied a document that had violated the rules before the guard came.
    ForgedCopy,
    /// A role was opened, closed and opened again within seconds.
    Flicker,
    /// Many roles were opened, so that nobody would see one more.
    Decoys,
    /// A role was opened to another that third parties assume.
    Chain,
}

impl Coverage {
    /// All, as the last line names them.
    pub const ALL: [(Self, &'static str); 31] = [
        (Self::StaleRead, "stale_read"),
        (Self::StaleReadBeforeWrite, "stale_read_before_write"),
        (Self::ApprovedInTheWindow, "approved_write_inside_window"),
        (Self::Crash, "crash"),
        (Self::TimeOut, "time_out"),
        (Self::StalledHolder, "lease_expired_holder_alive"),
        (Self::BudgetSpent, "budget_spent"),
        (Self::FlippingAttacker, "flipping_attacker"),
        (Self::RivalReapplying, "rival_reapplying"),
        (Self::Duplicate, "duplicate"),
        (Self::ReorderedPair, "reordered_pair"),
        (Self::LostEvent, "lost_event"),
        (Self::RefusedPrincipal, "refused_principal"),
        (Self::Recreated, "deleted_and_recreated"),
        (Self::VendorRemoved, "vendor_removed"),
        (Self::RulesSkew, "rules_skew"),
        (Self::StateUnavailable, "state_unavailable"),
        (Self::ApprovedAndRestored, "approved_and_restored"),
        (Self::SessionsDenied, "sessions_denied"),
        (Self::WriteForbidden, "write_forbidden"),
        (Self::StolenRole, "stolen_role"),
        (Self::DocumentOmitted, "document_omitted"),
        (Self::Digest, "digest"),
        (Self::WindowOpensLater, "window_opens_later"),
        (Self::WindowBeforeHandling, "window_before_handling"),
        (Self::UniqueIdAsSent, "unique_id_as_sent"),
        (Self::ForgedEvent, "forged_event"),
        (Self::ForgedCopy, "forged_copy"),
        (Self::Flicker, "flicker"),
        (Self::Decoys, "decoys"),
        (Self::Chain, "chain"),
    ];
}

/// The pairs of effects between which invocations are stopped on purpose: all that follow one
/// another in the handlers' usual course. Each must be hit as often as anything else.
pub const PAIRS: [Pair; 23] = [
    // The detecting function.
    ("the start", "send order"),
    ("the start", "read history"),
    ("read history", "acquire lease"),
    ("acquire lease", "count alert"),
    ("count alert", "publish alert"),
    ("publish alert", "finish alert"),
    ("finish alert", "send order"),
    // The remediator.
    ("the start", "begin order"),
    ("begin order", "read role"),
    ("read role", "read history"),
    ("read history", "read swept role"),
    ("read swept role", "save history"),
    ("read swept role", "finish order"),
    ("read swept role", "keep document"),
    ("keep document", "save history"),
    ("save history", "read role"),
    ("read role", "write trust policy"),
    ("write trust policy", "save history"),
    ("read role", "read kept document"),
    ("read kept document", "acquire lease"),
    ("read kept document", "deny sessions"),
    ("finish alert", "finish order"),
    ("save history", "finish order"),
];

/// The counts of a run.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Histories run.
    pub seeds: u64,
    /// Histories in which something was wrong.
    pub violations: u64,
    /// Alerts published in histories without crashes, lost answers or outages.
    pub alerts: u64,
    /// Those of them that had been published before.
    pub duplicates: u64,
    /// The seeds of the histories that have them.
    pub duplicates_in: BTreeSet<u64>,
    /// In how many histories each thing happened.
    pub coverage: BTreeMap<Coverage, u64>,
    /// In how many histories an invocation was stopped between these two effects.
    pub crashes: BTreeMap<Pair, u64>,
}

impl Counts {
    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.violations += other.violations;
        self.alerts += other.alerts;
        self.duplicates += other.duplicates;
        self.duplicates_in.extend(&other.duplicates_in);
        for (what, count) in &other.coverage {
            *self.coverage.entry(*what).or_default() += count;
        }
        for (pair, count) in &other.crashes {
            *self.crashes.entry(*pair).or_default() += count;
        }
    }

    /// What happened in fewer than one in a hundred histories: such a run proves too little.
    /// A pair of effects is hit in few of them, so that a short run says nothing about it.
    pub fn too_rare(&self) -> Vec<String> {
        let rare = |count: Option<&u64>| count.copied().unwrap_or(0) * 100 < self.seeds.max(1);
        let coverage = Coverage::ALL
            .into_iter()
            .filter(|(what, _)| rare(self.coverage.get(what)))
            .map(|(_, name)| name.to_owned());
        let pairs = PAIRS
            .into_iter()
            .filter(|pair| self.seeds >= 3000 && rare(self.crashes.get(pair)))
            .map(|(before, after)| format!("crash between {before} and {after}"));
        coverage.chain(pairs).collect()
    }

    /// What is wrong where more than one alert in 1,000 was a duplicate.
    pub fn too_many_duplicates(&self) -> Option<String> {
        (self.duplicates * 1000 > self.alerts).then(|| {
            let rate = self.alerts / self.duplicates.max(1);
            format!("one alert in {rate} was a duplicate, without any crash")
        })
    }

    /// One line of JSON.
    pub fn json(&self) -> String {
        let coverage: serde_json::Map<String, serde_json::Value> = Coverage::ALL
            .into_iter()
            .map(|(what, name)| {
                (
                    name.to_owned(),
                    self.coverage.get(&what).copied().unwrap_or_default().into(),
                )
            })
            .chain(
                // Also those that never happened, and those that happened by chance alone.
                PAIRS.iter().chain(self.crashes.keys()).map(|pair| {
                    let (before, after) = pair;
                    let count = self.crashes.get(pair).copied().unwrap_or_default();
                    (format!("crash between {before} and {after}"), count.into())
                }),
            )
            .collect();
        serde_json::json!({
            "seeds": self.seeds,
            "violations": self.violations,
            "alerts": self.alerts,
            "duplicate_alerts": self.duplicates,
            "duplicates_in": self.duplicates_in.iter().take(20).collect::<Vec<_>>(),
            "counts": coverage,
        })
        .to_string()
    }
}
