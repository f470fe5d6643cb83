//! Compressed logs, and what a hostile one may cost.
//!
//! A file as CloudTrail delivers it is read and inflated whole, by libdeflate, into memory that the
//! next file uses again. Whatever is larger, has several members or is in any way damaged is
//! inflated as a stream, by flate2: slower, in little memory, and up to the very byte where it
//! breaks.

use std::fs::File;
use std::io::{self, BufReader, Chain, Read};
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
/// The first bytes of every member of a gzip file: the magic, and "deflated".
const MEMBER: &[u8] = &[0x1f, 0x8b, 8];

/// Opens file after file in the same memory.
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
        let (most, bytes) = (WHOLE_PACKED_BYTES as u64, 0);
        let mut file = Counted { file, bytes, read };
        self.packed.clear();
        file.by_ref().take(most + 1).read_to_end(&mut self.packed)?;
        let is_whole = self.packed.len() as u64 <= most;
        let is_packed = self.packed.starts_with(MAGIC);
        if is_whole && !is_packed {
            return Ok(Values::whole(&self.packed));
        }
        if is_whole && inflate_whole(&mut self.inflater, &self.packed, &mut self.text).is_some() {
            return Ok(Values::whole(&self.text));
        }
        let stream = self.packed.as_slice().chain(file);
        Ok(if is_packed {
            // Where and why it breaks, if it does, is for the stream to say.
            Values::stream(Inflated::new(stream), MOST_RECORD_BYTES)
        } else {
            Values::stream(stream, MOST_RECORD_BYTES)
        })
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

/// A file that is inflated as a stream, until it grows out of all proportion.
struct Inflated<'a, R> {
    members: MultiGzDecoder<BufReader<Chain<&'a [u8], Counted<'a, R>>>>,
    bytes: u64,
}

impl<'a, R: Read> Inflated<'a, R> {
    fn new(packed: Chain<&'a [u8], Counted<'a, R>>) -> Self {
        let members = MultiGzDecoder::new(BufReader::new(packed));
        Self { members, bytes: 0 }
    }
}

impl<R: Read> Read for Inflated<'_, R> {
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
        let (_, file) = self.members.get_ref().get_ref().get_ref();
        if self.bytes > MOST_BYTES {
            return Err(io::Error::other(format!(
                "it inflates to more than {MOST_BYTES} bytes"
            )));
        }
        if self.bytes > RATIO_FROM_BYTES && self.bytes / file.bytes.max(1) > MOST_RATIO {
            return Err(io::Error::other(format!(
                "it inflates to more than {MOST_RATIO} times its size, as no log does"
            )));
        }
        Ok(read)
    }
}

/// Counts what is read of a file, and of all files.
struct Counted<'a, R> {
    file: R,
    bytes: u64,
    read: &'a AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(space)?;
        self.bytes += read as u64;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
