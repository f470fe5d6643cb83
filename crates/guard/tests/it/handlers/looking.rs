//! What is live, what is stale, what is newer: looking before writing, and after.

use jiff::SignedDuration;
use serde_json::json;
use trustwarden_guard::model::LiveRole;
use trustwarden_guard::order::{Ack, Task};
use trustwarden_guard::remediate::{OutcomeKind, QUARANTINE};

use super::scene::{
    ACCOUNT, ALICE, GUARD, ROLE, Scene, bad, better, careless, document, ended, good, outcome, own,
    stages, statement, vendor,
};

/// Safety line 2: an approved document that was visible to the read is never overwritten.
#[test]
fn line_2_an_approved_change_between_look_and_write_is_not_overwritten() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    // The first read of the remediator still shows the violation, the one before the write not.
    scene.meanwhile("read role", 1, better());
    let alerts = scene.play(&event);
    assert_eq!(scene.written(), Vec::<String>::new());
    assert_eq!(scene.live(), better());
    ended(&alerts, OutcomeKind::Superseded);
    assert_eq!(scene.history().newest().unwrap().document, better());
}

/// Safety line 2: one written inside the read–write window is put back.
#[test]
fn line_2_an_approved_change_lost_in_the_window_is_put_back() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.pass(2);
    scene.meanwhile("write trust policy", 0, better());
    let lost = scene.event("UpdateAssumeRolePolicy", ROLE, Some(&better()), "bob");
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Reverted);
    assert_eq!(scene.live(), good(), "bob's document was lost");
    let alerts = scene.play(&lost);
    assert_eq!(stages(&alerts), [outcome(OutcomeKind::PutBack)]);
    assert_eq!(
        scene.live(),
        better(),
        "at rest the newest approved document is live"
    );
    // And its echo starts nothing.
    let echo = scene.event("UpdateAssumeRolePolicy", ROLE, Some(&better()), GUARD);
    assert_eq!(scene.play(&echo), []);
    assert_eq!(scene.written().len(), 2);
}

/// The answer to the guard's write is lost, an approved change follows at once, and another tool
/// writes what the guard had written: that change was not overwritten by the guard.
#[test]
fn line_2_an_approved_change_after_a_write_without_an_answer_is_not_restored() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.deliver(&event);
    let order = scene.take_order();
    scene.meanwhile("write trust policy", 0, good());
    scene.world.fail("write trust policy", 1);
    scene.once(&order).unwrap();
    assert_eq!(scene.live(), good(), "it happened all the same");
    scene.pass(2);
    let late = scene.write(&better(), "bob");
    scene.pass(70);
    scene.write(&good(), "terraform");
    scene.drain();
    ended(&scene.alerts(), OutcomeKind::Reverted);
    let written = scene.written();
    assert_eq!(scene.play(&late), []);
    assert_eq!(scene.live(), good());
    assert_eq!(scene.written(), written);
}

/// Event times have whole seconds: of two approved documents that were saved in one second, and were
/// both run over, nobody can say which is the newer one. The one that is back is not overwritten by
/// the other.
#[test]
fn line_2_of_two_approved_changes_of_one_second_the_live_one_stays() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.pass(2);
    scene.meanwhile("write trust policy", 0, better());
    let one = scene.event("UpdateAssumeRolePolicy", ROLE, Some(&own()), "bob");
    let other = scene.event("UpdateAssumeRolePolicy", ROLE, Some(&better()), "bob");
    scene.play(&event);
    assert_eq!(scene.live(), good(), "both documents were lost");
    let alerts = scene.play(&other);
    assert_eq!(stages(&alerts), [outcome(OutcomeKind::PutBack)]);
    assert_eq!(scene.play(&one), []);
    assert_eq!(scene.live(), better());
    assert_eq!(scene.written(), [good(), better()]);
}

/// A stale read shows an approved document of before the guard's write: seen now, it is no newer
/// than one that the write ran over.
#[test]
fn line_2_what_a_stale_read_shows_is_not_the_newest_approved_document() {
    let mut scene = Scene::settled();
    scene.write(&better(), ALICE);
    let stale = scene.role();
    scene.pass(20);
    let event = scene.write(&bad(), ALICE);
    scene.pass(2);
    scene.meanwhile("write trust policy", 0, own());
    let lost = scene.event("UpdateAssumeRolePolicy", ROLE, Some(&own()), "bob");
    scene.play(&event);
    assert_eq!(scene.live(), good(), "bob's document was lost");
    scene.pass(10);
    scene.handle(&lost).unwrap().unwrap();
    scene.world.reads_show([stale]);
    scene.drain();
    assert_eq!(stages(&scene.alerts()), [outcome(OutcomeKind::PutBack)]);
    assert_eq!(scene.live(), own());
}

/// The sweep knows its moment to the millisecond, an event its own to the second: within one second
/// the approved document is the later one.
#[test]
fn line_2_an_approved_change_lost_to_an_order_of_the_sweep_is_put_back() {
    let mut scene = Scene::remediating(json!({ "changed_role": "quarantine" }));
    let event = scene.write(&bad(), ALICE);
    scene.meanwhile("write trust policy", 0, better());
    let lost = scene.event("UpdateAssumeRolePolicy", ROLE, Some(&better()), "bob");
    scene.deliver(&event);
    let mut order = scene.take_order();
    if let Task::Remediate(role) = &mut order.task {
        role.cause.event_time += SignedDuration::from_millis(200);
    }
    assert!(scene.carry(&order));
    assert_eq!(scene.live(), QUARANTINE, "bob's document was lost");
    scene.play(&lost);
    assert_eq!(scene.live(), better());
}

/// The guard's own document is known again when a principal of it has died since.
#[test]
fn line_2_a_dead_principal_does_not_hide_what_the_guard_wrote() {
    let dying = |principal: &str| document(&[statement(principal, ""), vendor()]);
    let sent = dying(&format!(r#""arn:aws:iam::{ACCOUNT}:role/reader""#));
    let mut scene = Scene::settled();
    scene.plays(&sent);
    scene.pass(60);
    let event = scene.write(&bad(), ALICE);
    scene.pass(2);
    scene.meanwhile("write trust policy", 0, better());
    let lost = scene.event("UpdateAssumeRolePolicy", ROLE, Some(&better()), "bob");
    scene.play(&event);
    assert_eq!(scene.live(), sent);
    let live = scene.role().unwrap();
    scene.world.inside.put_role(LiveRole {
        document: dying(r#""AROAEXAMPLEID0000001""#),
        ..live
    });
    let alerts = scene.play(&lost);
    assert_eq!(stages(&alerts), [outcome(OutcomeKind::PutBack)]);
    assert_eq!(scene.live(), better());
    let kept = scene.history();
    assert!(
        kept.approved
            .iter()
            .all(|kept| !kept.document.contains("AROA"))
    );
}

#[test]
fn line_2_a_late_event_of_an_older_approved_document_puts_nothing_back() {
    let mut scene = Scene::new();
    scene.put(ROLE, "AROAOBSERVERPROD0001", &own());
    let late = scene.event("CreateRole", ROLE, Some(&own()), ALICE);
    scene.pass(60);
    scene.plays(&good());
    scene.pass(60);
    scene.plays(&bad());
    assert_eq!(scene.live(), good());
    assert_eq!(scene.play(&late), []);
    assert_eq!(scene.live(), good(), "the newest approved one stays");
    let kept: Vec<_> = scene
        .history()
        .approved
        .iter()
        .map(|kept| kept.document.clone())
        .collect();
    assert_eq!(
        kept,
        [own(), good()],
        "in the order of time, not of arrival"
    );
}

/// An approved document whose event is looked at while a violation is live already.
#[test]
fn line_2_the_newest_approved_document_is_restored_even_if_it_was_never_seen_live() {
    let mut scene = Scene::settled();
    let approved = scene.write(&better(), "bob");
    scene.pass(3);
    let violating = scene.write(&bad(), ALICE);
    scene.handle(&approved).unwrap().unwrap();
    scene.handle(&violating).unwrap().unwrap();
    scene.drain();
    assert_eq!(scene.live(), better());
}

/// Safety line 3: it decides from the live document, not from the event.
#[test]
fn line_3_a_change_that_was_undone_meanwhile_is_superseded_after_looking_again() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.handle(&event).unwrap().unwrap();
    scene.write(&good(), ALICE);
    let order = scene.take_order();
    let before = scene.now();
    assert_eq!(scene.comes_again(&order), Some(30));
    scene.pass(30);
    assert_eq!(scene.comes_again(&order), Some(60));
    scene.pass(60);
    assert_eq!(scene.comes_again(&order), None);
    assert_eq!(scene.now().as_second() - before.as_second(), 90);
    let alerts = scene.alerts();
    ended(&alerts, OutcomeKind::Superseded);
    assert_eq!(scene.written(), Vec::<String>::new());
}

/// Safety line 3: a stale read is told from a newer change by looking again.
#[test]
fn line_3_a_stale_read_of_the_compliant_document_does_not_end_the_order() {
    let mut scene = Scene::settled();
    let old = scene.role();
    let event = scene.write(&bad(), ALICE);
    scene.world.reads_show([old.clone(), old]);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Reverted);
    assert_eq!(scene.live(), good());
}

/// Safety line 3: it reads back; a stale read after the write is no reason to write again.
#[test]
fn line_3_a_stale_read_after_the_write_makes_it_look_again_not_write_again() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    let violating = scene.role();
    scene.handle(&event).unwrap().unwrap();
    // Look, comparison: the truth. Read back, and the next look: stale.
    let truth = violating.clone();
    scene
        .world
        .reads_show([truth.clone(), truth, violating.clone(), violating]);
    scene.drain();
    ended(&scene.alerts(), OutcomeKind::Reverted);
    assert_eq!(scene.written().len(), 1);
}

/// Safety line 3: the guard had read what stood before the offending document, and wrote over the
/// latter unseen. A read that shows it after that is stale, too.
#[test]
fn line_3_a_stale_read_of_what_the_write_replaced_unseen_is_no_reason_to_write_again() {
    let mut scene = Scene::settled();
    scene.write(&careless(), ALICE);
    let before = scene.role();
    scene.pass(20);
    let event = scene.write(&bad(), ALICE);
    let offending = scene.role();
    scene.handle(&event).unwrap().unwrap();
    scene.pass(2);
    // Look, comparison, read back: what stood before. The next look: the offending document.
    scene.world.reads_show([
        before.clone(),
        before.clone(),
        before,
        offending.clone(),
        offending,
    ]);
    scene.drain();
    ended(&scene.alerts(), OutcomeKind::Reverted);
    assert_eq!(scene.written(), [good()]);
}

#[test]
fn line_3_the_same_violation_written_again_after_the_guard_is_no_stale_read() {
    let mut scene = Scene::settled();
    scene.plays(&bad());
    scene.pass(2);
    let again = scene.write(&bad(), ALICE);
    scene.handle(&again).unwrap().unwrap();
    let order = scene.take_order();
    assert_eq!(scene.once(&order).unwrap(), Ack::Done, "it is not put off");
    assert_eq!(scene.live(), good());
}

/// Event times have whole seconds: an attack in the very second of the guard's write may be newer.
#[test]
fn line_3_an_attack_in_the_second_of_the_write_is_remediated_without_delay() {
    let mut scene = Scene::settled();
    scene.plays(&bad());
    let again = scene.write(&careless(), ALICE);
    scene.handle(&again).unwrap().unwrap();
    let order = scene.take_order();
    assert_eq!(scene.once(&order).unwrap(), Ack::Done);
    assert_eq!(scene.live(), good());
}

/// A try that came to nothing must not be taken for done because of an older write that a stale
/// read still shows.
#[test]
fn line_3_a_stale_read_of_an_older_quarantine_does_not_pass_for_a_new_one() {
    let mut scene = Scene::remediating(json!({ "changed_role": "quarantine" }));
    scene.plays(&bad());
    assert_eq!(scene.live(), QUARANTINE);
    let stale = scene.role();
    scene.pass(600);
    let event = scene.write(&bad(), ALICE);
    let truth = scene.role();
    scene.handle(&event).unwrap().unwrap();
    // The look shows the truth, the comparison and the next look do not.
    scene.world.reads_show([truth, stale.clone(), stale]);
    scene.drain();
    assert_eq!(scene.live(), QUARANTINE);
    assert_eq!(scene.written().len(), 2);
    ended(&scene.alerts(), OutcomeKind::Quarantined);
}

#[test]
fn line_3_a_write_of_unknown_fate_is_not_believed_to_a_stale_read() {
    let mut scene = Scene::remediating(json!({ "changed_role": "quarantine" }));
    scene.plays(&bad());
    let stale = scene.role();
    scene.pass(600);
    let event = scene.write(&bad(), ALICE);
    let truth = scene.role();
    scene.handle(&event).unwrap().unwrap();
    scene.world.fail("write trust policy", 1);
    scene.world.reads_show([truth.clone(), truth, stale]);
    scene.drain();
    assert_eq!(scene.live(), QUARANTINE);
    ended(&scene.alerts(), OutcomeKind::Quarantined);
}

/// Looks that follow one another within seconds, because something else made the order come again,
/// are no proof: it takes the time as well.
#[test]
fn line_3_three_looks_within_seconds_do_not_end_the_order() {
    let mut scene = Scene::settled();
    let old = scene.role();
    let order = scene.ordered(&bad());
    for _ in 0..4 {
        scene.world.reads_show([old.clone()]);
        assert!(scene.comes_again(&order).is_some());
        scene.pass(5);
    }
    assert!(scene.carry(&order));
    assert_eq!(scene.live(), good());
    ended(&scene.alerts(), OutcomeKind::Reverted);
}

/// Safety line 2: an event has told of an approved document that stale reads do not show yet. An
/// older order does not overwrite it.
#[test]
fn line_2_an_approved_change_that_iam_does_not_show_yet_is_waited_for() {
    let mut scene = Scene::remediating(json!({ "changed_role": "quarantine" }));
    let remediate = scene.ordered(&bad());
    let stale = scene.role();
    scene.pass(20);
    let approved = scene.write(&better(), ALICE);
    scene.handle(&approved).unwrap().unwrap();
    let observe = scene.take_order();
    scene.world.reads_show([stale.clone()]);
    assert_eq!(scene.comes_again(&observe), Some(30));
    scene.world.reads_show([stale.clone(), stale]);
    assert_eq!(scene.comes_again(&remediate), Some(30));
    scene.world.reads_are_fresh();
    scene.pass(30);
    assert!(scene.carry(&remediate));
    scene.drain();
    assert_eq!(scene.live(), better());
    assert_eq!(scene.written(), Vec::<String>::new());
    ended(&scene.alerts(), OutcomeKind::Superseded);
}

/// The same of an approved document that an order has seen, and whose event has not come.
#[test]
fn line_2_an_approved_change_that_was_only_seen_is_waited_for_as_well() {
    let mut scene = Scene::remediating(json!({ "changed_role": "quarantine" }));
    let remediate = scene.ordered(&bad());
    let stale = scene.role();
    scene.pass(20);
    scene.write(&better(), ALICE);
    // Of this event the guard learns nothing but that it is to look.
    let without = scene.event("UpdateAssumeRolePolicy", ROLE, None, ALICE);
    scene.handle(&without).unwrap().unwrap();
    let observe = scene.take_order();
    assert_eq!(scene.once(&observe).unwrap(), Ack::Done);
    assert_eq!(scene.history().newest().unwrap().written_at, None);
    scene.world.reads_show([stale.clone(), stale]);
    assert_eq!(scene.comes_again(&remediate), Some(30));
    scene.world.reads_are_fresh();
    scene.pass(30);
    assert!(scene.carry(&remediate));
    scene.drain();
    assert_eq!(scene.live(), better());
    assert_eq!(scene.written(), Vec::<String>::new());
    ended(&scene.alerts(), OutcomeKind::Superseded);
}
