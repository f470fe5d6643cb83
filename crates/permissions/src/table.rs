//! The table of `data/actions.bin`, read where it lies.
//!
//! `scripts/iam_data.py` writes it. All numbers are little-endian; the sections follow one another
//! in this order, without gaps:
//!
//! | section | row |
//! |---|---|
//! | header | magic and format (8 bytes), seven counts (u32 each): services, actions, resource types, ARN templates, condition keys, items of lists, bytes of text; the source's version and date (references) |
//! | services, by prefix | prefix, title (references), first action, first resource type (u16 each); they end where the next service's begin |
//! | actions, by service and lower-case name | name (a reference marked with the access level), list of resource types, list of condition keys (u16 each) |
//! | resource types, by service and name | name (reference), first ARN template (u16) |
//! | ARN templates | beginning, rest (references) |
//! | condition keys, sorted | reference |
//! | order | the actions' numbers (u16) by lower-case name, whatever the service |
//! | lists | u16: a length, then so many numbers; in a list of resource types the highest bit says that one of those so marked must be named |
//! | text | ASCII |
//!
//! A reference is 32 bits: 21 of offset into the text, 3 of a mark, 8 of length. Where a number
//! leads nowhere the answer is empty: a damaged table knows less, and `tests/table.rs` holds the
//! one in the repository to be whole.

static TABLE: &[u8] = include_bytes!("../data/actions.bin");

const MAGIC: &[u8; 8] = b"TWIAM\x00\x01\x00";
const SERVICE_ROW: usize = 12;
const ACTION_ROW: usize = 8;
const TYPE_ROW: usize = 6;
const ARN_ROW: usize = 8;
const HEADER: usize = 8 + 7 * 4 + 2 * 4;

pub(crate) const SERVICES: usize = count(0);
pub(crate) const ACTIONS: usize = count(1);
pub(crate) const TYPES: usize = count(2);
const ARNS: usize = count(3);
const KEYS: usize = count(4);
const ITEMS: usize = count(5);
const TEXT: usize = count(6);

const SERVICES_AT: usize = HEADER;
const ACTIONS_AT: usize = SERVICES_AT + SERVICES * SERVICE_ROW;
const TYPES_AT: usize = ACTIONS_AT + ACTIONS * ACTION_ROW;
const ARNS_AT: usize = TYPES_AT + TYPES * TYPE_ROW;
const KEYS_AT: usize = ARNS_AT + ARNS * ARN_ROW;
const ORDER_AT: usize = KEYS_AT + KEYS * 4;
const LISTS_AT: usize = ORDER_AT + ACTIONS * 2;
const TEXT_AT: usize = LISTS_AT + ITEMS * 2;
// A table that was cut, or one of another format, does not compile.
const _: () = assert!(TABLE.len() == TEXT_AT + TEXT && format() == u64::from_le_bytes(*MAGIC));

const fn format() -> u64 {
    match TABLE.first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => 0,
    }
}

/// One of the header's counts, read when the crate is compiled.
const fn count(number: usize) -> usize {
    let (_, counts) = TABLE.split_at(8 + number * 4);
    match counts.first_chunk() {
        Some(bytes) => u32::from_le_bytes(*bytes) as usize,
        None => 0,
    }
}

fn u16_at(at: usize) -> u16 {
    TABLE
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(at: usize) -> u32 {
    TABLE
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn text(reference: u32) -> &'static [u8] {
    let start = TEXT_AT + (reference & 0x1f_ffff) as usize;
    let length = (reference >> 24) as usize;
    TABLE.get(start..start + length).unwrap_or_default()
}

fn shown(reference: u32) -> &'static str {
    std::str::from_utf8(text(reference)).unwrap_or_default()
}

pub(crate) fn version() -> &'static str {
    shown(u32_at(HEADER - 8))
}

pub(crate) fn date() -> &'static str {
    shown(u32_at(HEADER - 4))
}

pub(crate) fn service_prefix(service: usize) -> &'static str {
    shown(u32_at(SERVICES_AT + service * SERVICE_ROW))
}

pub(crate) fn service_title(service: usize) -> &'static str {
    shown(u32_at(SERVICES_AT + service * SERVICE_ROW + 4))
}

/// The numbers of a service's actions, and of its resource types, end where the next one's begin.
fn service_start(service: usize, column: usize, all: usize) -> usize {
    if service < SERVICES {
        usize::from(u16_at(SERVICES_AT + service * SERVICE_ROW + column))
    } else {
        all
    }
}

pub(crate) fn service_actions(service: usize) -> std::ops::Range<usize> {
    service_start(service, 8, ACTIONS)..service_start(service + 1, 8, ACTIONS)
}

pub(crate) fn service_types(service: usize) -> std::ops::Range<usize> {
    service_start(service, 10, TYPES)..service_start(service + 1, 10, TYPES)
}

/// Which service an action is of.
pub(crate) fn action_service(action: usize) -> usize {
    first(0..SERVICES, |service| {
        service_start(service, 8, ACTIONS) > action
    })
    .saturating_sub(1)
}

/// Which service a resource type is of.
pub(crate) fn type_service(number: usize) -> usize {
    first(0..SERVICES, |service| {
        service_start(service, 10, TYPES) > number
    })
    .saturating_sub(1)
}

pub(crate) fn action_name(action: usize) -> &'static str {
    shown(u32_at(ACTIONS_AT + action * ACTION_ROW))
}

/// Of comparisons by the hundred thousand: without the look at its characters.
pub(crate) fn action_bytes(action: usize) -> &'static [u8] {
    text(u32_at(ACTIONS_AT + action * ACTION_ROW))
}

pub(crate) fn action_level(action: usize) -> u32 {
    (u32_at(ACTIONS_AT + action * ACTION_ROW) >> 21) & 7
}

pub(crate) fn action_types(action: usize) -> impl Iterator<Item = u16> {
    list(u16_at(ACTIONS_AT + action * ACTION_ROW + 4))
}

pub(crate) fn action_keys(action: usize) -> impl Iterator<Item = u16> {
    list(u16_at(ACTIONS_AT + action * ACTION_ROW + 6))
}

fn list(at: u16) -> impl Iterator<Item = u16> {
    let at = LISTS_AT + usize::from(at) * 2;
    (1..=usize::from(u16_at(at))).map(move |item| u16_at(at + item * 2))
}

pub(crate) fn type_name(number: usize) -> &'static str {
    shown(u32_at(TYPES_AT + number * TYPE_ROW))
}

/// Beginning and rest of each ARN template.
pub(crate) fn type_arns(number: usize) -> impl Iterator<Item = (&'static str, &'static str)> {
    let start = |number: usize| {
        if number < TYPES {
            usize::from(u16_at(TYPES_AT + number * TYPE_ROW + 4))
        } else {
            ARNS
        }
    };
    (start(number)..start(number + 1)).map(|arn| {
        let at = ARNS_AT + arn * ARN_ROW;
        (shown(u32_at(at)), shown(u32_at(at + 4)))
    })
}

pub(crate) fn key_name(key: usize) -> &'static str {
    shown(u32_at(KEYS_AT + key * 4))
}

/// The action that stands at this place among all sorted by lower-case name.
pub(crate) fn by_name(place: usize) -> usize {
    usize::from(u16_at(ORDER_AT + place * 2))
}

/// The first number for which this holds, where it holds for all after it; else the end.
pub(crate) fn first(range: std::ops::Range<usize>, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}
