//! Compressed logs, and what a hostile one may cost.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

/// CloudTrail's own files inflate to some megabytes; a day in one file, to gigabytes.
const MOST_BYTES: u64 = 16 << 30;

/// Records compress to a tenth or a thirtieth. Deflate's own limit is 1032.
const MOST_RATIO: u64 = 250;

/// Below this, the ratio says nothing.
const RATIO_FROM_BYTES: u64 = 64 << 20;

const CHUNK_BYTES: usize = 64 * 1024;

/// Reads `file`, inflated if its first two bytes say so, whatever its name.
pub(crate) fn inflated(file: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut file = BufReader::with_capacity(CHUNK_BYTES, file);
    let magic = io::BufRead::fill_buf(&mut file)?.starts_with(&[0x1f, 0x8b]);
    if !magic {
        return Ok(Box::new(file));
    }
    let packed = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        inner: file,
        count: Arc::clone(&packed),
    };
    Ok(Box::new(Capped {
        inner: MultiGzDecoder::new(counted),
        packed,
        unpacked: 0,
    }))
}

struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(space)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Ends what grows out of all proportion.
struct Capped<R> {
    inner: R,
    packed: Arc<AtomicU64>,
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
    use std::io::{Cursor, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let mut reader = inflated(Cursor::new(bytes)).map_err(|error| error.to_string())?;
        reader
            .read_to_end(&mut out)
            .map_err(|error| error.to_string())?;
        Ok(out)
    }

    #[test]
    fn plain_packed_and_packed_twice_over() {
        assert_eq!(read(b"plain".to_vec()).unwrap(), b"plain");
        assert_eq!(read(Vec::new()).unwrap(), b"");
        assert_eq!(read(gzip(b"packed")).unwrap(), b"packed");
        let members = [gzip(b"one "), gzip(b"two "), gzip(b"three")].concat();
        assert_eq!(read(members).unwrap(), b"one two three");
    }

    #[test]
    fn damage_is_said() {
        let whole = gzip(&b"some text that compresses to a few blocks ".repeat(1000));
        let cut = whole[..whole.len() - 9].to_vec();
        assert_eq!(read(cut).unwrap_err(), "the compressed data ends too early");
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0xff;
        assert!(
            read(flipped)
                .unwrap_err()
                .starts_with("the compressed data is damaged")
        );
        assert!(read(vec![0x1f, 0x8b, 9, 9]).is_err());
    }

    #[test]
    fn a_bomb_is_stopped_by_its_ratio() {
        let bomb = gzip(&vec![b' '; (RATIO_FROM_BYTES + (1 << 20)) as usize]);
        assert!(bomb.len() < 1 << 20);
        assert!(read(bomb).unwrap_err().contains("250 times its size"));
    }
}
