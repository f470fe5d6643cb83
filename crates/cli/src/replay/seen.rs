//! Telling an event that was logged twice, among any number of them.
//!
//! What must be remembered of an ordinary record is only which event it is: 16 bytes. The first ten
//! thousands are kept in memory, then put aside part by part in a temporary file that has no name; in
//! the end they are counted, a part of the possible ids after the other. So the count is exact, in
//! memory that does not grow with the logs.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use foldhash::HashSet;
use sha2::{Digest, Sha256};

/// Which event a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EventId(u128);

impl EventId {
    /// Of [`guard::cloudtrail::Record::id`].
    pub(crate) fn of(text: &str) -> Self {
        // What CloudTrail writes is a number already; spread, so that ids made by counting up fall
        // into all parts. The multiplication by an odd number can be undone: no two become one.
        const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
        let number = uuid(text).unwrap_or_else(|| {
            let digest = Sha256::digest(text.as_bytes());
            let first = digest.first_chunk::<16>().copied();
            u128::from_be_bytes(first.unwrap_or_default())
        });
        Self(number.wrapping_mul(SPREAD))
    }

    fn part(self) -> usize {
        (self.0 >> (u128::BITS - PART_BITS)) as usize
    }

    /// Of so many pieces (a power of two) of its part, the one it is in.
    fn piece(self, pieces: u64) -> u64 {
        (self.0 >> 64) as u64 & (pieces - 1)
    }
}

/// As it is written in lower case, so that no two texts give one number.
fn uuid(text: &str) -> Option<u128> {
    let bytes: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let [
        a0,
        a1,
        a2,
        a3,
        a4,
        a5,
        a6,
        a7,
        b'-',
        b0,
        b1,
        b2,
        b3,
        b'-',
        c0,
        c1,
        c2,
        c3,
        b'-',
        d0,
        d1,
        d2,
        d3,
        b'-',
        e @ ..,
    ] = bytes
    else {
        return None;
    };
    let ([e0, e1, e2, e3], last) = e.split_first_chunk::<4>()?;
    let parts = [
        [*a0, *a1, *a2, *a3, *a4, *a5, *a6, *a7],
        [*b0, *b1, *b2, *b3, *c0, *c1, *c2, *c3],
        [*d0, *d1, *d2, *d3, *e0, *e1, *e2, *e3],
        *last.first_chunk::<8>()?,
    ];
    let mut number = 0;
    for part in parts {
        number = number << 32 | u128::from(eight_digits(part)?);
    }
    Some(number)
}
/// Eight hexadecimal digits, looked at together.
fn eight_digits(text: [u8; 8]) -> Option<u32> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let text = u64::from_be_bytes(text);
    // A letter has this bit, and its low half counts from 1.
    let letters = text >> 6 & EACH;
    let digits = (text & (EACH * 0xf)) + letters * 9;
    // What the digits are written as again is the text, or it was none of them.
    let high = (digits + EACH * 6) >> 4 & EACH;
    let written = digits + EACH * u64::from(b'0') + high * u64::from(b'a' - b'9' - 1);
    if written != text || digits & (EACH * 0x10) != 0 {
        return None;
    }
    let pairs = (digits | digits >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    u32::try_from((fours | fours >> 16) & 0xffff_ffff).ok()
}

const PART_BITS: u32 = 8;
const PARTS: usize = 1 << PART_BITS;

/// How many are kept in memory by one that collects them.
const RUN: usize = 1 << 16;

/// How many are compared at the same time in the end.
const AT_ONCE: u64 = 1 << 18;

const BYTES: u64 = 16;

/// Puts the ids of each part together, the parts in their order: where each begins. Within a part
/// they stay as they are, so that it takes no more than two looks at each.
fn by_part(ids: &mut Vec<EventId>) -> [usize; PARTS + 1] {
    let mut ends = [0_usize; PARTS + 1];
    let count = |ends: &mut [usize], part: usize| {
        if let Some(end) = ends.get_mut(part) {
            *end += 1;
        }
    };
    for id in &*ids {
        count(&mut ends, id.part() + 1);
    }
    let mut sum = 0;
    for end in &mut ends {
        sum += *end;
        *end = sum;
    }
    let begins = ends;
    let mut sorted = vec![EventId(0); ids.len()];
    let mut next = begins;
    for id in &*ids {
        let part = id.part();
        let place = next.get(part).and_then(|place| sorted.get_mut(*place));
        if let Some(place) = place {
            *place = *id;
        }
        count(&mut next, part);
    }
    *ids = sorted;
    begins
}

/// The ids of the ordinary records that one thread has read.
pub(crate) struct Seen {
    count: u64,
    recent: Vec<EventId>,
    /// How many are put aside at a time.
    run: usize,
    aside: Option<File>,
    /// Of each run in the file, part by part: where each part begins, and where it ends.
    runs: Vec<[u64; PARTS + 1]>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            count: 0,
            recent: Vec::with_capacity(RUN),
            run: RUN,
            aside: None,
            runs: Vec::new(),
        }
    }
}

impl Seen {
    /// How many there were, the same ones too.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Remembers one.
    pub(crate) fn push(&mut self, id: EventId) {
        self.count += 1;
        self.recent.push(id);
        if self.recent.len() >= self.run && self.put_aside().is_err() {
            // Memory is there to be used, if the disk is not.
            self.run = usize::MAX;
        }
    }

    fn put_aside(&mut self) -> io::Result<()> {
        let aside = match &mut self.aside {
            Some(aside) => aside,
            none => none.insert(tempfile::tempfile()?),
        };
        let parts = by_part(&mut self.recent);
        // A run that could not be written whole is written again.
        let before = self.runs.last().and_then(|run| run.last()).copied();
        let before = before.unwrap_or(0);
        aside.seek(SeekFrom::Start(before * BYTES))?;
        let mut writer = BufWriter::new(&*aside);
        for id in &self.recent {
            writer.write_all(&id.0.to_le_bytes())?;
        }
        writer.flush()?;
        self.runs.push(parts.map(|begin| before + begin as u64));
        self.recent.clear();
        Ok(())
    }

    /// Gives every id of a part to `take`; those in memory have been put together.
    fn each_of(&self, part: usize, take: &mut dyn FnMut(EventId)) -> io::Result<()> {
        self.recent_of(part).iter().for_each(|id| take(*id));
        let Some(mut aside) = self.aside.as_ref() else {
            return Ok(());
        };
        for run in &self.runs {
            let &[from, to] = run.get(part..part + 2).unwrap_or_default() else {
                continue;
            };
            aside.seek(SeekFrom::Start(from * BYTES))?;
            let mut reader = io::BufReader::new(aside.take((to - from) * BYTES));
            for _ in from..to {
                let mut bytes = [0; BYTES as usize];
                reader.read_exact(&mut bytes)?;
                take(EventId(u128::from_le_bytes(bytes)));
            }
        }
        Ok(())
    }

    fn count_of(&self, part: usize) -> u64 {
        let aside = self.runs.iter().map(|run| match run.get(part..part + 2) {
            Some([from, to]) => to - from,
            _ => 0,
        });
        aside.sum::<u64>() + self.recent_of(part).len() as u64
    }

    /// Of those in memory, once they are put together.
    fn recent_of(&self, part: usize) -> &[EventId] {
        let from = self.recent.partition_point(|id| id.part() < part);
        let to = self.recent.partition_point(|id| id.part() <= part);
        self.recent.get(from..to).unwrap_or_default()
    }
}

/// How many different events these are, without those `except`ed.
///
/// # Errors
///
/// What was put aside cannot be read again.
pub(crate) fn distinct(all: &mut [Seen], except: &HashSet<EventId>) -> io::Result<u64> {
    let mut count = 0;
    let mut ids = Vec::new();
    for seen in &mut *all {
        by_part(&mut seen.recent);
    }
    for part in 0..PARTS {
        let many: u64 = all.iter().map(|seen| seen.count_of(part)).sum();
        let pieces = (many / AT_ONCE + 1).next_power_of_two();
        for piece in 0..pieces {
            ids.clear();
            for seen in &*all {
                seen.each_of(part, &mut |id| {
                    if id.piece(pieces) == piece {
                        ids.push(id);
                    }
                })?;
            }
            ids.sort_unstable();
            ids.dedup();
            count += ids.iter().filter(|id| !except.contains(id)).count() as u64;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use foldhash::HashSetExt;

    use super::*;

    fn numbered(number: u64) -> EventId {
        EventId::of(&format!("00000000-0000-4000-8000-{number:012x}"))
    }

    #[test]
    fn texts_that_differ_are_different_events() {
        let texts = [
            "8f3a5c1e-0000-4000-8000-000000000001",
            "8F3A5C1E-0000-4000-8000-000000000001",
            "8f3a5c1e-0000-4000-8000-000000000002",
            "8f3a5c1e00000-4000-8000-000000000001",
            "8f3a5c1e-0000-4000-8000-00000000000g",
            "8f3a5c1e-0000-4000-8000-00000000000",
            "sha256-00",
            "",
        ];
        let ids: HashSet<EventId> = texts.iter().map(|text| EventId::of(text)).collect();
        assert_eq!(ids.len(), texts.len());
    }

    #[test]
    fn digits_are_read_as_they_are_written() {
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                let mut text = *b"0189abef";
                text[at] = byte;
                let read = std::str::from_utf8(&text)
                    .ok()
                    .filter(|text| text.bytes().all(|byte| b"0123456789abcdef".contains(&byte)))
                    .map(|text| u32::from_str_radix(text, 16).unwrap());
                assert_eq!(eight_digits(text), read, "{byte} at {at}");
            }
        }
        let text = "01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(uuid(text), Some(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef));
    }

    #[test]
    fn the_count_is_exact_however_many_are_put_aside() {
        for run in [1, 7, 1000, RUN] {
            let mut all = [Seen::default(), Seen::default()];
            for (half, seen) in all.iter_mut().enumerate() {
                seen.run = run;
                // The halves share 500 of 2,000, and each has 100 twice.
                let from = 750 * half as u64;
                (from..from + 1250).for_each(|number| seen.push(numbered(number)));
                (from..from + 100).for_each(|number| seen.push(numbered(number)));
            }
            assert_eq!(all[0].count() + all[1].count(), 2700);
            assert_eq!(all[0].runs.len(), 1350 / run);
            assert_eq!(distinct(&mut all, &HashSet::new()).unwrap(), 2000, "{run}");
            let except = (0..40).chain([5000]).map(numbered).collect();
            assert_eq!(distinct(&mut all, &except).unwrap(), 1960, "{run}");
        }
    }

    #[test]
    fn ids_that_count_up_fall_into_all_parts() {
        let mut parts = [0; PARTS];
        (0..100 * PARTS as u64).for_each(|number| parts[numbered(number).part()] += 1);
        assert!(parts.iter().all(|count| (50..200).contains(count)));
        let pieces = (0..1000).filter(|number| numbered(*number).piece(4) == 3);
        assert!((150..350).contains(&pieces.count()));
    }

    #[test]
    fn without_a_place_to_put_them_they_stay_in_memory() {
        let mut seen = Seen {
            run: 4,
            ..Seen::default()
        };
        // Read-only: as a full disk would.
        seen.aside = Some(File::open("/dev/null").unwrap());
        (0..50).for_each(|number| seen.push(numbered(number % 20)));
        assert_eq!((seen.count(), seen.runs.len()), (50, 0));
        assert_eq!(distinct(&mut [seen], &HashSet::new()).unwrap(), 20);
    }
}
