//! Compressed logs, fast.
//!
//! A file as CloudTrail delivers it is read and inflated whole, by libdeflate, into memory that the
//! next file uses again. Whatever is larger, has several members or is in any way damaged is
//! inflated as a stream, by flate2: slower, in little memory, and up to the very byte where it
//! breaks.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::records::MOST_RECORD_BYTES;
use crate::decoded::{decoded, is_encoded};
use crate::values::Values;

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

    /// The content of `file`, inflated and in UTF-8, whatever its name.
    fn read<'a>(
        &'a mut self,
        file: impl Read + Send + 'a,
        read: &'a AtomicU64,
    ) -> io::Result<Values<'a>> {
        let most = WHOLE_PACKED_BYTES as u64;
        let mut file = Counted { file, read };
        self.packed.clear();
        file.by_ref().take(most + 1).read_to_end(&mut self.packed)?;
        if self.packed.len() as u64 <= most {
            if !is_encoded(&self.packed) {
                return Ok(Values::whole(&self.packed));
            }
            let inflated = inflate_whole(&mut self.inflater, &self.packed, &mut self.text);
            if inflated.is_some() && !is_encoded(&self.text) {
                return Ok(Values::whole(&self.text));
            }
        }
        // Where and why it breaks, if it does, is for the stream to say.
        let text = decoded(self.packed.as_slice().chain(file))?;
        Ok(Values::stream(text, MOST_RECORD_BYTES))
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
    if !packed.starts_with(MAGIC) {
        return None;
    }
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

/// Counts what is read of all files.
struct Counted<'a, R> {
    file: R,
    read: &'a AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(space)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
