//! Failpoints: each turns off one effect or one check, so that the histories can show that they would
//! notice. `skip!("name")` asks for one where it stands. All of this is compiled with the feature
//! `faults` alone, which nothing that is shipped has.

use std::cell::Cell;

use jiff::Timestamp;
use policy::{Analysis, Grant};

use crate::detect::Reading;
use crate::model::LiveRole;
use crate::order::RoleOrder;
use crate::remediate::{QUARANTINE, Write};

thread_local! {
    static ARMED: Cell<&'static str> = const { Cell::new("") };
}

/// Names what the handlers that run on this thread skip from now on; nothing, if empty.
pub fn arm(fault: &'static str) {
    ARMED.set(fault);
}

pub(crate) fn armed(fault: &str) -> bool {
    match ARMED.get() {
        // What is not read is not compared.
        "read-live" => matches!(fault, "read-live" | "compare-live"),
        armed => armed == fault,
    }
}

/// The role as its event has it, whatever is live.
pub(crate) fn from_event<E>(
    read: Result<Option<LiveRole>, E>,
    order: &RoleOrder,
) -> Result<Option<LiveRole>, E> {
    let sent = order.document.clone().filter(|_| skip!("read-live"));
    let Some(document) = sent else {
        return read;
    };
    read.map(|live| live.map(|live| LiveRole { document, ..live }))
}

/// What begins later is no grant.
pub(crate) fn open_now(mut analysis: Analysis, reading: Reading) -> Analysis {
    let opens_later = |grant: &Grant| {
        let window = grant
            .restriction("aws:CurrentTime")
            .map(|clock| format!("{:?}", clock.values));
        let named = window
            .iter()
            .flat_map(|window| window.split(|found: char| " \"(),[]".contains(found)));
        let first = named
            .filter_map(|word| word.parse::<Timestamp>().ok())
            .next();
        first.is_some_and(|first| first > reading.from)
    };
    analysis
        .grants
        .retain(|grant| !(skip!("later-moments") && opens_later(grant)));
    analysis
}

/// What is written is not what was proved: quarantine allows.
pub(crate) fn after_the_proof(write: &mut Write) {
    if skip!("write-as-proved") && write.document == QUARANTINE {
        write.document = QUARANTINE.replace(r#""Deny""#, r#""Allow""#);
    }
}
