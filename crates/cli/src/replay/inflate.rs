//! Compressed logs, and what a hostile one may cost.
//!
//! A file as CloudTrail delivers it is read and inflated whole, by libdeflate, into memory that the
//! next file uses again. Whatever is larger, has several members or is in any way damaged is
//! inflated as a stream: slower, in little memory, and up to the very byte where it breaks.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::ops::Deref;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

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

const CHUNK_BYTES: usize = 64 * 1024;

const MAGIC: &[u8] = &[0x1f, 0x8b];
/// What every member of a gzip file begins with: the magic, and "deflated".
const MEMBER: &[u8] = &[0x1f, 0x8b, 8];

/// What a file holds, inflated.
pub(crate) enum Content<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// As it comes.
    Stream(Box<dyn Read + 'a>),
}

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
            packed: Vec::with_capacity(WHOLE_PACKED_BYTES + CHUNK_BYTES),
            text: Vec::with_capacity(WHOLE_BYTES),
            inflater: libdeflater::Decompressor::new(),
        }
    }

    /// What the file at `path` holds; `-` is standard input. It is inflated if its first two bytes
    /// say so, whatever its name. How many bytes of the file were read so far is added to `read`.
    pub(crate) fn open<'a>(
        &'a mut self,
        path: &Path,
        read: &'a AtomicU64,
    ) -> io::Result<Content<'a>> {
        if path == Path::new("-") {
            return self.read(io::stdin(), read);
        }
        self.read(File::open(path)?, read)
    }

    /// What `file` holds.
    fn read<'a, R: Read + 'a>(
        &'a mut self,
        file: R,
        read: &'a AtomicU64,
    ) -> io::Result<Content<'a>> {
        let mut file = Counted {
            inner: file,
            count: read,
        };
        let ended = fill(&mut self.packed, &mut file)?;
        let packed = self.packed.starts_with(MAGIC);
        if !ended {
            let rest = Cursor::new(&self.packed).chain(file);
            return Ok(if packed {
                Content::Stream(Box::new(inflated(rest)))
            } else {
                Content::Stream(Box::new(rest))
            });
        }
        if !packed {
            return Ok(Content::Whole(&self.packed));
        }
        match inflate_whole(&mut self.inflater, &self.packed, &mut self.text) {
            Some(()) => Ok(Content::Whole(&self.text)),
            // Where and why it breaks, if it does, is for the stream to say.
            None => Ok(Content::Stream(Box::new(inflated(Cursor::new(
                &self.packed,
            ))))),
        }
    }
}

/// Reads `file` into `buffer`, to its end (`true`) or until there is more than is read whole.
fn fill(buffer: &mut Vec<u8>, file: &mut impl Read) -> io::Result<bool> {
    let mut filled = 0;
    loop {
        if filled > WHOLE_PACKED_BYTES {
            buffer.truncate(filled);
            return Ok(false);
        }
        if buffer.len() < filled + CHUNK_BYTES {
            buffer.resize(filled + CHUNK_BYTES, 0);
        }
        match file.read(buffer.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => {
                buffer.truncate(filled);
                return Ok(true);
            }
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
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
fn inflated<'a>(packed: impl Read + 'a) -> impl Read + 'a {
    let count = Rc::new(AtomicU64::new(0));
    let counted = Counted {
        inner: packed,
        count: Rc::clone(&count),
    };
    Capped {
        inner: MultiGzDecoder::new(io::BufReader::with_capacity(CHUNK_BYTES, counted)),
        packed: count,
        unpacked: 0,
    }
}
/// Counts what is read.
struct Counted<R, C> {
    inner: R,
    count: C,
}

impl<R: Read, C: Deref<Target = AtomicU64>> Read for Counted<R, C> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(space)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Ends what grows out of all proportion.
struct Capped<R> {
    inner: R,
    packed: Rc<AtomicU64>,
    unpacked: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(space).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                io::Error::new(error.kind(), "the compressed data ends too early")
            } else {
                io::Error::new(
                    error.kind(),
                    format!("the compressed data is damaged: {error}"),
                )
            }
        })?;
        self.unpacked += read as u64;
        let packed = self.packed.load(Ordering::Relaxed).max(1);
        if self.unpacked > MOST_BYTES {
            return Err(io::Error::other(format!(
                "it inflates to more than {MOST_BYTES} bytes"
            )));
        }
        if self.unpacked > RATIO_FROM_BYTES && self.unpacked / packed > MOST_RATIO {
            return Err(io::Error::other(format!(
                "it inflates to more than {MOST_RATIO} times its size, as no log does"
            )));
        }
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

    fn drain(content: io::Result<Content<'_>>) -> (bool, Result<Vec<u8>, String>) {
        match content {
            Ok(Content::Whole(text)) => (true, Ok(text.to_vec())),
            Ok(Content::Stream(mut stream)) => {
                let mut text = Vec::new();
                let read = stream.read_to_end(&mut text);
                (false, read.map(|_| text).map_err(|error| error.to_string()))
            }
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
