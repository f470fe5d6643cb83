//! The record that cannot matter, told from the others at the speed of memory.
//!
//! All but a few records of a log are calls that no function acts on. To know that, five of a
//! record's own keys are enough, if nothing about the record is unusual. This looks at 64 bytes at
//! a time as sets of positions (which are quotes, which brackets, …): strings are told from what
//! stands between them by the parity of quotes, and every rule of JSON's grammar is a question
//! about neighbouring positions.
//!
//! *No answer is always right*: whatever is not beyond doubt (white space between tokens, a key
//! that is there twice, an escaped letter, a value of another type, anything that is no JSON) goes
//! the long way, through the parser. What this accepts, the parser accepts, and finds the same in
//! it: a property test and a fuzz target hold the two equal.

use crate::blocks::{BLOCK, Bytes, Lanes, Look, Quoted, Strings, look, take_first};

/// Deeper records go the long way. The parser ends at 128.
const MOST_DEPTH: u32 = 60;

/// What an ordinary record says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ordinary<'a> {
    /// Bytes, from brace to brace.
    pub(crate) length: usize,
    /// `eventID`.
    pub(crate) id: &'a str,
    /// `eventName`.
    pub(crate) name: &'a str,
    /// `eventSource`.
    pub(crate) source: &'a str,
    /// `userIdentity.type`.
    pub(crate) caller: &'a str,
    /// `eventTime`; empty if it was not asked for.
    pub(crate) time: &'a str,
    /// `awsRegion`; empty if it was not asked for.
    pub(crate) region: &'a str,
}

/// The record that `text` begins with, if it is an ordinary one: JSON beyond doubt, each key that
/// counts there once, and its value a plain text.
///
/// `known` is the beginning of the same bytes, where that is known to be text.
pub(crate) fn ordinary<'a>(
    text: &'a [u8],
    known: Option<&'a str>,
    placed: bool,
) -> Option<Ordinary<'a>> {
    look(Looking {
        text,
        known,
        placed,
    })
}

struct Looking<'a> {
    text: &'a [u8],
    known: Option<&'a str>,
    placed: bool,
}

impl<'a> Look for Looking<'a> {
    type Output = Option<Ordinary<'a>>;

    #[inline(always)]
    fn look<L: Lanes>(self, lanes: L) -> Self::Output {
        ordinary_by(lanes, self)
    }
}

#[inline(always)]
fn ordinary_by<L: Lanes>(lanes: L, looking: Looking<'_>) -> Option<Ordinary<'_>> {
    let Looking {
        text,
        known,
        placed,
    } = looking;
    if text.first() != Some(&b'{') {
        return None;
    }
    let mut scan = Scan::new(text);
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    let mut end = None;
    for (index, block) in blocks.iter().enumerate() {
        end = scan.block(index * BLOCK, lanes.bytes(block))?;
        if end.is_some() {
            break;
        }
    }
    let length = match end {
        Some(length) => length,
        None => {
            let mut last = [b' '; BLOCK];
            for (place, byte) in last.iter_mut().zip(rest) {
                *place = *byte;
            }
            scan.block(text.len() - rest.len(), lanes.bytes(&last))??
        }
    };
    let text = match known.and_then(|known| known.get(..length)) {
        Some(text) => text,
        None => simdutf8::basic::from_utf8(text.get(..length)?).ok()?,
    };
    let (time, region) = if placed {
        (plain(text, scan.keys.time)?, plain(text, scan.keys.region)?)
    } else {
        ("", "")
    };
    Some(Ordinary {
        length,
        id: plain(text, scan.keys.id).filter(|id| !id.is_empty())?,
        name: plain(text, scan.keys.name)?,
        source: plain(text, scan.keys.source)?,
        caller: plain(text, scan.keys.caller)?,
        time,
        region,
    })
}

/// The string that stands here, if it has no escapes.
#[inline(always)]
fn plain(text: &str, at: Option<usize>) -> Option<&str> {
    let value = text.get(at?..)?.strip_prefix('"')?;
    let end = memchr::memchr2(b'"', b'\\', value.as_bytes())?;
    let (found, rest) = value.split_at_checked(end)?;
    rest.starts_with('"').then_some(found)
}

/// A set of positions, moved on by one; what falls out comes into the next block.
#[derive(Default)]
struct After(u64);

impl After {
    #[inline(always)]
    fn of(&mut self, bits: u64) -> u64 {
        let after = bits << 1 | self.0;
        self.0 = bits >> 63;
        after
    }
}

/// Where the values stand that count.
#[derive(Default)]
struct Keys {
    id: Option<usize>,
    name: Option<usize>,
    source: Option<usize>,
    caller: Option<usize>,
    identity: Option<usize>,
    time: Option<usize>,
    region: Option<usize>,
}

struct Scan<'a> {
    text: &'a [u8],
    strings: Strings,
    after_string: After,
    after_scalar: After,
    after_opener: After,
    depth: u32,
    /// The kinds of the open brackets: 1 is an object; the innermost is the lowest.
    kinds: u64,
    /// Of the innermost object, the last key has its colon.
    has_colon: bool,
    /// The innermost but one is the record, and this is its `userIdentity`.
    in_identity: bool,
    keys: Keys,
}

impl<'a> Scan<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            strings: Strings::default(),
            after_string: After::default(),
            after_scalar: After::default(),
            // The record itself is a value.
            after_opener: After(1),
            depth: 0,
            kinds: 0,
            has_colon: false,
            in_identity: false,
            keys: Keys::default(),
        }
    }

    /// Reads a block, whose first byte is byte `base` of the text. `None`: not ordinary;
    /// `Some(Some(_))`: the record ends before that byte.
    #[inline(always)]
    fn block(&mut self, base: usize, bytes: Bytes) -> Option<Option<usize>> {
        let Quoted {
            escaped,
            quotes,
            inside,
        } = self.strings.of(&bytes);
        let string_begins = quotes & inside;
        let string_ends = quotes & !inside;
        let open = bytes.open & !inside;
        let close = bytes.close & !inside;
        let comma = bytes.comma & !inside;
        let colon = bytes.colon & !inside;
        let separator = comma | colon;
        let scalar = !(inside | quotes | open | close | separator);

        // What is neither within a string or a word, nor the end of a string, begins a value or
        // ends one. A value begins behind a separator or an opening bracket, and behind nothing
        // else; it ends behind anything else. `close` looks after empty brackets.
        let after_opener = self.after_opener.of(separator | open);
        let scalars = scalar & !self.after_scalar.of(scalar);
        let wrong = (string_begins | open | scalars) & !after_opener
            | separator & after_opener
            | colon & !self.after_string.of(string_ends)
            | bytes.control & inside;

        let end = self.brackets(base, open, close, comma, colon)?;
        // What follows the record in the block is not looked at.
        let own = match end {
            Some(length) => u64::MAX >> (BLOCK - (length - base)),
            None => u64::MAX,
        };
        if wrong & own != 0 {
            return None;
        }
        let mut scalars = scalars & own;
        while let Some(at) = take_first(&mut scalars) {
            is_scalar(self.text.get(base + at..)?)?;
        }
        // Escaped quotes and backslashes are right wherever they stand.
        let mut others = escaped & !(bytes.quote | bytes.backslash) & own;
        while let Some(at) = take_first(&mut others) {
            is_escape(self.text.get(base + at..)?)?;
        }
        Some(end)
    }

    /// Follows the brackets, and asks of what stands between two of them whether it may stand
    /// there. The record's end, if it is here.
    #[inline(always)]
    fn brackets(
        &mut self,
        base: usize,
        open: u64,
        close: u64,
        comma: u64,
        colon: u64,
    ) -> Option<Option<usize>> {
        let separators = comma | colon;
        let mut brackets = open | close;
        let mut done = 0_u64;
        loop {
            let bracket = brackets & brackets.wrapping_neg();
            let before = bracket.wrapping_sub(1);
            let between = separators & before & !done;
            if between != 0 {
                self.separators(base, between, colon)?;
            }
            if bracket == 0 {
                return Some(None);
            }
            let at = base + bracket.trailing_zeros() as usize;
            if open & bracket != 0 {
                self.open(at)?;
            } else {
                self.close(at)?;
                if self.depth == 0 {
                    return Some(Some(at + 1));
                }
            }
            done = before | bracket;
            brackets ^= bracket;
        }
    }

    fn is_object(&self) -> bool {
        self.kinds & 1 == 1
    }

    /// Commas and colons of one object or list, without those of what it contains.
    #[inline(always)]
    fn separators(&mut self, base: usize, between: u64, colon: u64) -> Option<()> {
        if !self.is_object() {
            return (between & colon == 0).then_some(());
        }
        let (colons, commas) = (between & colon, between & !colon);
        // A key's colon comes first, unless its value has been read; then they take turns.
        let turns = if self.has_colon {
            take_turns(commas, colons)
        } else {
            take_turns(colons, commas)
        };
        if !turns {
            return None;
        }
        let last = 1_u64 << (63 - between.leading_zeros());
        self.has_colon = colon & last != 0;
        if self.depth == 1 || self.in_identity && self.depth == 2 {
            let mut commas = commas;
            while let Some(at) = take_first(&mut commas) {
                self.key(base + at + 1)?;
            }
        }
        Some(())
    }

    #[inline(always)]
    fn open(&mut self, at: usize) -> Option<()> {
        // In an object only a value opens anything.
        if self.depth > 0 && self.is_object() && !self.has_colon || self.depth >= MOST_DEPTH {
            return None;
        }
        let object = self.text.get(at) == Some(&b'{');
        self.depth += 1;
        self.kinds = self.kinds << 1 | u64::from(object);
        self.has_colon = false;
        if self.depth == 2 {
            self.in_identity = self.keys.identity == Some(at);
        }
        if self.depth == 1 || self.in_identity && self.depth == 2 {
            self.key(at + 1)?;
        }
        Some(())
    }

    #[inline(always)]
    fn close(&mut self, at: usize) -> Option<()> {
        let before = *self.text.get(at.checked_sub(1)?)?;
        // Behind a comma, or behind a colon, a value is missing.
        let fits = match (self.is_object(), self.has_colon) {
            (true, true) => before != b':',
            (true, false) => before == b'{',
            (false, _) => before != b',',
        };
        let kind = if self.is_object() { b'}' } else { b']' };
        if !fits || self.depth == 0 || *self.text.get(at)? != kind {
            return None;
        }
        self.depth -= 1;
        self.kinds >>= 1;
        // Whatever was closed was a value.
        self.has_colon = true;
        Some(())
    }

    /// A key of the record, or of its `userIdentity`, whose quote is at `at`. `None`: one that is
    /// there twice, or makes the record something else than a record.
    #[inline(always)]
    fn key(&mut self, at: usize) -> Option<()> {
        let key = self.text.get(at..)?;
        let keys = &mut self.keys;
        // The first eight bytes tell all of them apart.
        let (place, length, whole) = match (self.depth, u64::from_le_bytes(*key.first_chunk()?)) {
            (1, NAME) => (&mut keys.name, 12, begins(key, b"\"eventName\":")),
            (1, SOURCE) => (&mut keys.source, 14, begins(key, b"\"eventSource\":")),
            (1, TIME) => (&mut keys.time, 12, begins(key, b"\"eventTime\":")),
            (1, ID) => (&mut keys.id, 10, begins(key, b"\"eventID\":")),
            (1, IDENTITY) => (&mut keys.identity, 15, begins(key, b"\"userIdentity\":")),
            (1, REGION) => (&mut keys.region, 12, begins(key, b"\"awsRegion\":")),
            // An event around a record, or a file of them.
            (1, DETAIL | RECORDS) => return None,
            (2, _) => (&mut keys.caller, 7, begins(key, b"\"type\":")),
            _ => return Some(()),
        };
        if !whole {
            return Some(());
        }
        match place.replace(at + length) {
            None => Some(()),
            Some(_) => None,
        }
    }
}

/// Whether the positions of two sets, which have none in common, take turns, the lowest of `first` to
/// begin with.
///
/// Subtracted bit by bit, each of `first` borrows and each of `second` pays back. A difference bit is
/// set at one of `first` only if nothing was borrowed before, and clear at one of `second` only if
/// something was.
#[inline(always)]
fn take_turns(first: u64, second: u64) -> bool {
    let difference = second.wrapping_sub(first);
    difference & first == first && difference & second == 0
}

const NAME: u64 = u64::from_le_bytes(*b"\"eventNa");
const SOURCE: u64 = u64::from_le_bytes(*b"\"eventSo");
const TIME: u64 = u64::from_le_bytes(*b"\"eventTi");
const ID: u64 = u64::from_le_bytes(*b"\"eventID");
const IDENTITY: u64 = u64::from_le_bytes(*b"\"userIde");
const REGION: u64 = u64::from_le_bytes(*b"\"awsRegi");
const DETAIL: u64 = u64::from_le_bytes(*b"\"detail\"");
const RECORDS: u64 = u64::from_le_bytes(*b"\"Records");

#[inline(always)]
fn begins<const N: usize>(key: &[u8], whole: &[u8; N]) -> bool {
    key.first_chunk::<N>() == Some(whole)
}

/// Does a word of JSON, or an ordinary number, stand here whole?
#[inline(always)]
fn is_scalar(text: &[u8]) -> Option<()> {
    let length = match text.first_chunk::<4>()? {
        b"null" | b"true" => 4,
        b"fals" => (text.get(4) == Some(&b'e')).then_some(5)?,
        _ => number(text)?,
    };
    matches!(text.get(length)?, b',' | b'}' | b']').then_some(())
}

/// The length of the number that stands here: no exponent, and not so many digits that it could
/// be out of range.
fn number(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let digits = text.get(from..)?.iter().take(20);
        let count = digits.take_while(|byte| byte.is_ascii_digit()).count();
        (count > 0).then_some(from + count)
    };
    let from = usize::from(text.first() == Some(&b'-'));
    let whole = digits(from)?;
    if text.get(from) == Some(&b'0') && whole > from + 1 {
        return None;
    }
    match text.get(whole) {
        Some(b'.') => digits(whole + 1),
        _ => Some(whole),
    }
}

/// Is what stands here, behind a backslash, an escape, and no letter in disguise? No key that
/// counts has anything but letters, so none can hide behind the others.
fn is_escape(text: &[u8]) -> Option<()> {
    match text.first()? {
        b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
        b'u' => {
            let mut code = 0;
            for digit in text.get(1..5)? {
                code = code << 4 | char::from(*digit).to_digit(16)?;
            }
            let letter = u8::try_from(code).is_ok_and(|byte| byte.is_ascii_alphabetic());
            // Half a character needs the other half: the parser knows.
            let half = (0xd800..0xe000).contains(&code);
            (!letter && !half).then_some(())
        }
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests;
