//! A FIFO queue as SQS keeps it: one message of a group at a time, in order; a message that was
//! not deleted comes back; the same deduplication id within five minutes is one message.

use std::collections::{BTreeMap, VecDeque};

use crate::moment::Moment;

/// How long a message that was received stays hidden: six times the remediator's time-out.
pub const VISIBILITY: Moment = 360_000;
/// How often a message is received before it goes to the dead letters.
pub const MAX_RECEIVES: u32 = 30;
const DEDUPLICATION: Moment = 300_000;

/// One message.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its deduplication id.
    pub id: String,
    /// What it says.
    pub body: String,
    /// How often it was received.
    pub receives: u32,
    /// Hidden until here.
    pub visible_at: Moment,
}

/// The queue.
#[derive(Debug, Clone, Default)]
pub struct Fifo {
    groups: BTreeMap<String, VecDeque<Message>>,
    seen: BTreeMap<(String, String), Moment>,
    /// What was received too often.
    pub dead: Vec<Message>,
}

impl Fifo {
    /// Takes a message; `false` if it is one it knows.
    pub fn send(&mut self, group: &str, id: &str, body: String, now: Moment) -> bool {
        let key = (group.to_owned(), id.to_owned());
        if self
            .seen
            .get(&key)
            .is_some_and(|at| now - at < DEDUPLICATION)
        {
            return false;
        }
        self.seen.insert(key, now);
        self.groups
            .entry(group.to_owned())
            .or_default()
            .push_back(Message {
                id: id.to_owned(),
                body,
                receives: 0,
                visible_at: now,
            });
        true
    }

    /// Groups whose first message may be received.
    pub fn ready(&self, now: Moment) -> Vec<String> {
        self.groups
            .iter()
            .filter(|(_, messages)| {
                messages
                    .front()
                    .is_some_and(|first| first.visible_at <= now)
            })
            .map(|(group, _)| group.clone())
            .collect()
    }

    /// Receives a group's first message.
    pub fn receive(&mut self, group: &str, now: Moment) -> Option<Message> {
        let messages = self.groups.get_mut(group)?;
        let first = messages
            .front_mut()
            .filter(|first| first.visible_at <= now)?;
        first.receives += 1;
        first.visible_at = now + VISIBILITY;
        if first.receives > MAX_RECEIVES {
            let dead = messages.pop_front()?;
            self.dead.push(dead);
            return None;
        }
        Some(first.clone())
    }

    /// Deletes a group's first message, if it is this one.
    pub fn delete(&mut self, group: &str, id: &str) {
        if let Some(messages) = self.groups.get_mut(group)
            && messages.front().is_some_and(|first| first.id == id)
        {
            messages.pop_front();
        }
    }

    /// Shows a group's first message again at a moment, if it is this one.
    pub fn show_again(&mut self, group: &str, id: &str, at: Moment) {
        if let Some(first) = self.groups.get_mut(group).and_then(VecDeque::front_mut)
            && first.id == id
        {
            first.visible_at = at;
        }
    }

    /// How often a group's first message was received, if it is this one.
    pub fn receives(&self, group: &str, id: &str) -> Option<u32> {
        let first = self.groups.get(group)?.front()?;
        (first.id == id).then_some(first.receives)
    }

    /// Nothing is left to receive.
    pub fn is_empty(&self) -> bool {
        self.groups.values().all(VecDeque::is_empty)
    }
}
