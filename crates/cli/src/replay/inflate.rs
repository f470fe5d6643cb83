//! Compressed logs, and what a hostile one may cost.
//!
//! A file as CloudTrail delivers it is read and inflated whole, by libdeflate, into memory that the
//! next file uses again. Whatever is larger, has several members or is in any way damaged is
//! inflated as a stream, by flate2: slower, in little memory, and up to the very byte where it
//! breaks.

use std::borrow::Borrow;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::records::MOST_RECORD_BYTES;
use crate::values::Values;

/// CloudTrail's own files inflate to some megabytes; a day in one file, to gigabytes.
const MOST_BYTES: u64 = 16 << 30;

/// Records compress to a tenth or a thirtieth. Deflate's own limit is 1032.
const MOST_RATIO: u64 = 250;

/// Below this, the ratio says nothing.
const RATIO_FROM_BYTES: u64 = 64 << 20;

/// Up to this size a file is read whole.
const WHOLE_PACKED_BYTES: usize = 2 << 20;

/// Up to this size it is inflated whole.
const WHOLE_BYTES: usize = 6 << 20;

const MAGIC: &[u8] = &[0x1f, 0x8b];
/// What every member of a gzip file begins with: the magic, and "deflated".
const MEMBER: &[u8] = &[0x1f, 0x8b, 8];

/// What opens file after file in the same memory.
pub(crate) struct Opener {
    packed: Vec<u8>,
    text: Vec<u8>,
    inflater: libdeflater::Decompressor,
}

impl Opener {
    pub(crate) fn new() -> Self {
        Self {
            // Room at once for all that may come: memory that is not written to costs nothing, and
            // what grows leaves holes behind.
            packed: Vec::with_capacity(WHOLE_PACKED_BYTES + 64),
            text: Vec::with_capacity(WHOLE_BYTES),
            inflater: libdeflater::Decompressor::new(),
        }
    }

    /// The content of the file at `path`; `-` is standard input. How many bytes of it were read so
    /// far is added to `read`.
    pub(crate) fn open<'a>(
        &'a mut self,
        path: &Path,
        read: &'a AtomicU64,
    ) -> io::Result<Values<'a>> {
        if path == Path::new("-") {
            return self.read(io::stdin(), read);
        }
        self.read(File::open(path)?, read)
    }

    /// The content of `file`, inflated if its first two bytes say so, whatever its name.
    fn read<'a>(&'a mut self, file: impl Read + 'a, read: &'a AtomicU64) -> io::Result<Values<'a>> {
        let mut file = Counted {
            inner: file,
            count: read,
        };
        self.packed.clear();
        let most = WHOLE_PACKED_BYTES as u64;
        file.by_ref().take(most + 1).read_to_end(&mut self.packed)?;
        let is_whole = self.packed.len() as u64 <= most;
        if !self.packed.starts_with(MAGIC) {
            return Ok(if is_whole {
                Values::whole(&self.packed)
            } else {
                Values::stream(self.packed.as_slice().chain(file), MOST_RECORD_BYTES)
            });
        }
        if is_whole && inflate_whole(&mut self.inflater, &self.packed, &mut self.text).is_some() {
            return Ok(Values::whole(&self.text));
        }
        // Where and why it breaks, if it does, is for the stream to say.
        Ok(Values::stream(
            inflated(self.packed.as_slice().chain(file)),
            MOST_RECORD_BYTES,
        ))
    }
}

/// Inflates a file that beyond doubt is one undamaged member; `None`: it may be anything else.
///
/// libdeflate checks length and sum, and does not tell where the member ends. So a file with what
/// could be the beginning of another member is left to the stream, as is one that does not end
/// with this member's length.
fn inflate_whole(
    inflater: &mut libdeflater::Decompressor,
    packed: &[u8],
    text: &mut Vec<u8>,
) -> Option<()> {
    let (_, ending) = packed.split_last_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*ending)).ok()?;
    if length == 0 || length > WHOLE_BYTES || has_another_member(packed) {
        return None;
    }
    text.resize(length, 0);
    let inflated = inflater.gzip_decompress(packed, text).ok()?;
    (inflated == length).then_some(())
}

/// Does another member seem to begin anywhere behind the first byte? What is compressed looks like
/// that once in a hundred megabytes.
fn has_another_member(packed: &[u8]) -> bool {
    let after = packed.get(1..).unwrap_or_default();
    memchr::memmem::find_iter(after, MEMBER).any(|at| {
        // No member has these flags.
        let flags = after.get(at + MEMBER.len());
        flags.is_none_or(|flags| flags & 0xe0 == 0)
    })
}

/// The stream within a compressed one.
fn inflated<R: Read>(packed: R) -> Inflated<R> {
    let count = AtomicU64::new(0);
    let packed = Counted {
        inner: packed,
        count,
    };
    Inflated {
        members: MultiGzDecoder::new(BufReader::new(packed)),
        bytes: 0,
    }
}

/// What is inflated, until it grows out of all proportion.
struct Inflated<R> {
    members: MultiGzDecoder<BufReader<Counted<R, AtomicU64>>>,
    bytes: u64,
}

impl<R: Read> Read for Inflated<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let read = self.members.read(space).map_err(|error| {
            let why = if error.kind() == io::ErrorKind::UnexpectedEof {
                "the compressed data ends too early".to_owned()
            } else {
                format!("the compressed data is damaged: {error}")
            };
            io::Error::new(error.kind(), why)
        })?;
        self.bytes += read as u64;
        let packed = self
            .members
            .get_ref()
            .get_ref()
            .count
            .load(Ordering::Relaxed);
        if self.bytes > MOST_BYTES {
            return Err(io::Error::other(format!(
                "it inflates to more than {MOST_BYTES} bytes"
            )));
        }
        if self.bytes > RATIO_FROM_BYTES && self.bytes / packed.max(1) > MOST_RATIO {
            return Err(io::Error::other(format!(
                "it inflates to more than {MOST_RATIO} times its size, as no log does"
            )));
        }
        Ok(read)
    }
}

/// Counts what is read.
struct Counted<R, C> {
    inner: R,
    count: C,
}

impl<R: Read, C: Borrow<AtomicU64>> Read for Counted<R, C> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(space)?;
        self.count
            .borrow()
            .fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn drain(values: io::Result<Values<'_>>) -> (bool, Result<Vec<u8>, String>) {
        let read = |mut values: Values<'_>| {
            let text = values.beginning(usize::MAX).to_vec();
            values.take(text.len());
            values
                .peek()
                .map(|_| text)
                .map_err(|error| error.to_string())
        };
        match values {
            Ok(values) => (values.is_whole(), read(values)),
            Err(error) => (false, Err(error.to_string())),
        }
    }

    /// What is read, and whether it was whole.
    fn read(bytes: &[u8]) -> (bool, Result<Vec<u8>, String>) {
        let count = AtomicU64::new(0);
        let mut opener = Opener::new();
        // Something longer has been in the same memory before.
        let before = gzip(&b"longer than what follows, most of the time".repeat(9));
        drain(opener.read(&*before, &count)).1.unwrap();
        let got = drain(opener.read(bytes, &count));
        assert_eq!(
            count.load(Ordering::Relaxed),
            (before.len() + bytes.len()) as u64,
            "all bytes of the files are told of"
        );
        if bytes.starts_with(MAGIC) && got.1.is_ok() {
            let mut streamed = Vec::new();
            inflated(bytes).read_to_end(&mut streamed).unwrap();
            assert_eq!(got.1.as_ref(), Ok(&streamed), "the stream reads the same");
        }
        got
    }

    #[test]
    fn plain_packed_and_packed_twice_over() {
        let whole = |text: &[u8]| (true, Ok(text.to_vec()));
        assert_eq!(read(b"plain"), whole(b"plain"));
        assert_eq!(read(b""), whole(b""));
        assert_eq!(read(&gzip(b"packed")), whole(b"packed"));
        assert_eq!(read(&gzip(b"")), (false, Ok(Vec::new())));
        let members = [gzip(b"one "), gzip(b"two "), gzip(b"three")].concat();
        assert_eq!(read(&members), (false, Ok(b"one two three".to_vec())));
        // The last member's length is the first one's.
        let twins = [gzip(b"one "), gzip(b"two ")].concat();
        assert_eq!(read(&twins), (false, Ok(b"one two ".to_vec())));
    }

    #[test]
    fn what_is_large_is_a_stream() {
        let text = b"0123456789abcdef".repeat(WHOLE_BYTES / 16 + 1);
        assert_eq!(read(&gzip(&text)), (false, Ok(text.clone())));
        assert_eq!(read(&text), (false, Ok(text)));
        let text = b"0123456789abcdef".repeat(WHOLE_BYTES / 16);
        assert_eq!(read(&gzip(&text)), (true, Ok(text)));
    }

    #[test]
    fn damage_is_said() {
        let whole = gzip(&b"some text that compresses to a few blocks ".repeat(1000));
        let told = |bytes: &[u8]| read(bytes).1.unwrap_err();
        let cut = &whole[..whole.len() - 9];
        assert_eq!(told(cut), "the compressed data ends too early");
        // The data, its sum, and its length.
        for at in [whole.len() / 2, whole.len() - 6, whole.len() - 1] {
            let mut flipped = whole.clone();
            flipped[at] ^= 0xff;
            let told = told(&flipped);
            assert!(
                told.starts_with("the compressed data is damaged"),
                "{at}: {told}"
            );
        }
        for more in [&b"more"[..], &[0; 8], &[0x1f, 0x8b, 8, 0, 0]] {
            read(&[&whole, more].concat()).1.unwrap_err();
        }
        told(&[0x1f, 0x8b, 9, 9]);
    }

    #[test]
    fn a_bomb_is_stopped_by_its_ratio() {
        let bomb = gzip(&vec![b' '; (RATIO_FROM_BYTES + (1 << 20)) as usize]);
        assert!(bomb.len() < 1 << 20);
        assert!(read(&bomb).1.unwrap_err().contains("250 times its size"));
    }
}
