//! Text in any encoding that a person has: gzip, base64, UTF-16, a byte order mark. The bytes say
//! which, whatever the file's name: PowerShell writes UTF-16 with `>`, and a query of the AWS CLI
//! leaves base64 as it is.

use std::io::{self, BufReader, Cursor, Read};

use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use flate2::bufread::MultiGzDecoder;

/// CloudTrail's own files inflate to some megabytes; a day in one file, to gigabytes.
const MOST_BYTES: u64 = 16 << 30;

/// Records compress to a tenth or a thirtieth. Deflate's own limit is 1032.
const MOST_RATIO: u64 = 250;

/// Below this, the ratio says nothing.
const RATIO_FROM_BYTES: u64 = 64 << 20;

/// So many bytes decide.
const DECIDING_BYTES: usize = 64;

/// As much of a line as tells what it is.
const MOST_LINE: usize = 1024;

/// Base64 of gzip of gzip of UTF-16: nobody has more.
const MOST_LAYERS: usize = 4;

/// How the beginning of an input says that it is encoded.
#[derive(Debug, Clone, Copy)]
enum Layer {
    Plain,
    /// UTF-8 behind the mark that PowerShell begins a file with, and that JSON does not know.
    Marked,
    Utf16(fn([u8; 2]) -> u16),
    Gzip,
    Base64,
    /// Many files in one, which is no encoding of a text.
    Archive(&'static str),
}

const ZIP: &str = "it is a zip archive: unpack it (of Terraform's saved plan, give what `terraform \
                   show -json` prints)";
const TAR: &str = "it is a tar archive: unpack it, and name the folder";

/// A tar begins with a file's name, filled up with zeros to a hundred bytes.
fn is_tar(beginning: &[u8]) -> bool {
    let name = beginning.iter().take_while(|byte| **byte > b' ').count();
    let rest = beginning.get(name..).unwrap_or_default();
    beginning.len() == DECIDING_BYTES
        && beginning
            .first()
            .is_some_and(|first| !b"{[\"".contains(first))
        && (name > 0 && rest.len() > 8 && rest.iter().all(|byte| *byte == 0))
}

impl Layer {
    fn of(beginning: &[u8]) -> Self {
        match beginning {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0xef, 0xbb, 0xbf, ..] => Self::Marked,
            [0xff, 0xfe, ..] | [1..=0x7f, 0, 1..=0x7f, 0, ..] => Self::Utf16(u16::from_le_bytes),
            [0xfe, 0xff, ..] | [0, 1..=0x7f, 0, 1..=0x7f, ..] => Self::Utf16(u16::from_be_bytes),
            [b'P', b'K', 3, 4, ..] => Self::Archive(ZIP),
            text if is_tar(text) => Self::Archive(TAR),
            // No document is a word of this length: JSON has brackets, CSV commas, YAML colons.
            text if text.len() == DECIDING_BYTES && text.iter().all(is_base64) => Self::Base64,
            _ => Self::Plain,
        }
    }
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(byte)
}

/// Does this beginning of an input, of 64 bytes at least where there are as many, say that it is
/// encoded?
pub(crate) fn is_encoded(input: &[u8]) -> bool {
    let beginning = input.get(..DECIDING_BYTES).unwrap_or(input);
    !matches!(Layer::of(beginning), Layer::Plain)
}

/// The text of an input in UTF-8, without a byte order mark.
pub(crate) fn decoded<'a>(reader: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut reader: Box<dyn Read + Send + 'a> = Box::new(reader);
    for _ in 0..MOST_LAYERS {
        let (beginning, failed) = beginning(&mut reader);
        let layer = Layer::of(&beginning);
        if let Some(error) = failed {
            reader = Box::new(Failed(Some(error)));
        }
        let all = Cursor::new(beginning).chain(reader);
        reader = match layer {
            Layer::Plain => return Ok(Box::new(all)),
            Layer::Archive(what) => return Err(io::Error::other(what)),
            Layer::Marked => {
                let mut all = all;
                all.read_exact(&mut [0; 3])?;
                return Ok(Box::new(all));
            }
            Layer::Utf16(unit) => Box::new(Utf16::new(all, unit)),
            Layer::Gzip => Box::new(Inflated::new(all)),
            Layer::Base64 => Box::new(Base64(DecoderReader::new(NoLineEnds(all), &STANDARD))),
        };
    }
    Err(io::Error::other("it is compressed again and again"))
}

/// As much of the beginning as decides, and no more than is there at once where that is enough: a
/// program may wait for the answer to its first line. And the error that it ended with.
fn beginning(reader: &mut dyn Read) -> (Vec<u8>, Option<io::Error>) {
    let mut seen = Vec::new();
    let mut space = [0; DECIDING_BYTES];
    while seen.len() < DECIDING_BYTES {
        let room = space.get_mut(seen.len()..).unwrap_or_default();
        match reader.read(room) {
            Ok(0) => break,
            Ok(read) => seen.extend(room.iter().take(read)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (seen, Some(error)),
        }
        if seen.len() >= 4 && !seen.iter().all(is_base64) {
            break;
        }
    }
    (seen, None)
}

/// The error that a reader ended with, once more.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// A file that is inflated as a stream, until it grows out of all proportion.
struct Inflated<R> {
    members: MultiGzDecoder<BufReader<Counted<R>>>,
    bytes: u64,
}

impl<R: Read> Inflated<R> {
    fn new(reader: R) -> Self {
        let packed = Counted { reader, bytes: 0 };
        Self {
            members: MultiGzDecoder::new(BufReader::new(packed)),
            bytes: 0,
        }
    }
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
        let packed = self.members.get_ref().get_ref().bytes;
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

struct Counted<R> {
    reader: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(space)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

struct Base64<R: Read>(DecoderReader<'static, base64::engine::GeneralPurpose, NoLineEnds<R>>);

impl<R: Read> Read for Base64<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.0.read(space).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => {
                io::Error::other(format!("it looks like base64, and is damaged: {error}"))
            }
            _ => error,
        })
    }
}

/// Base64 without the line ends that programs fold it by.
struct NoLineEnds<R>(R);

impl<R: Read> Read for NoLineEnds<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.0.read(space)?;
            let mut kept = 0;
            for at in 0..read {
                let byte = space.get(at).copied().unwrap_or_default();
                if let (false, Some(place)) = (b"\r\n ".contains(&byte), space.get_mut(kept)) {
                    *place = byte;
                    kept += 1;
                }
            }
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

/// UTF-16 as UTF-8. Half a character becomes U+FFFD, as in any editor.
struct Utf16<R> {
    reader: R,
    unit: fn([u8; 2]) -> u16,
    /// Read and not yet decoded: half a unit, or the first half of a character.
    held: Vec<u8>,
    ready: Cursor<Vec<u8>>,
    at_the_mark: bool,
}

impl<R: Read> Utf16<R> {
    fn new(reader: R, unit: fn([u8; 2]) -> u16) -> Self {
        Self {
            reader,
            unit,
            held: Vec::new(),
            ready: Cursor::new(Vec::new()),
            at_the_mark: true,
        }
    }

    /// Decodes what is held; what may go on stays, until the `end`.
    fn decode(&mut self, end: bool) {
        let (pairs, rest) = self.held.as_chunks::<2>();
        let mut units: Vec<u16> = pairs.iter().map(|pair| (self.unit)(*pair)).collect();
        let mut rest = rest.to_vec();
        if let (false, Some(last), Some(0xd800..=0xdbff)) = (end, pairs.last(), units.last()) {
            rest.splice(0..0, *last);
            units.pop();
        }
        if end && !rest.is_empty() {
            units.push(0xfffd);
            rest.clear();
        }
        if std::mem::take(&mut self.at_the_mark) && units.first() == Some(&0xfeff) {
            units.remove(0);
        }
        self.held = rest;
        self.ready = Cursor::new(String::from_utf16_lossy(&units).into_bytes());
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.ready.read(space)?;
            if read > 0 || space.is_empty() {
                return Ok(read);
            }
            let mut more = [0; 16 * 1024];
            let read = self.reader.read(&mut more)?;
            if read == 0 && self.held.is_empty() {
                return Ok(0);
            }
            self.held.extend(more.iter().take(read));
            self.decode(read == 0);
        }
    }
}

/// Another output format of the AWS CLI than JSON, as the beginning of a text shows.
pub(crate) fn other_output(text: &[u8]) -> Option<&'static str> {
    let beginning = text.get(..MOST_LINE).unwrap_or(text);
    let line = beginning
        .trim_ascii_start()
        .split(|byte| *byte == b'\n')
        .next()?;
    let line = line.trim_ascii_end();
    let word = |byte: &u8| byte.is_ascii_alphanumeric();
    if line.starts_with(b"-----") || line.starts_with(b"+--") || line.starts_with(b"|") {
        return Some("a table");
    }
    let item = line.strip_prefix(b"- ").unwrap_or(line);
    let key = item.iter().take_while(|byte| word(byte)).count();
    let after = item.get(key..).unwrap_or_default();
    if line == b"---" || (key > 0 && (after == b":" || after.starts_with(b": "))) {
        return Some("YAML");
    }
    let upper = line
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    (upper > 2 && line.get(upper) == Some(&b'\t')).then_some("text")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use base64::Engine;

    use super::*;

    /// Gives its bytes in pieces of one size.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(space.len()).min(self.0.len());
            self.0.take(length as u64).read(space).inspect(|_| {
                self.0 = &self.0[length..];
            })
        }
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_encoding_is_read_in_pieces_of_any_size() {
        let text = format!(r#"{{"name":"ünïcode 🦀","long":"{}"}}"#, "🦀x".repeat(9000));
        let marked = format!("\u{feff}{text}");
        let base64 = STANDARD.encode(&text);
        let folded = base64
            .as_bytes()
            .chunks(76)
            .collect::<Vec<_>>()
            .join(&b"\r\n"[..]);
        let encodings = [
            text.clone().into_bytes(),
            marked.clone().into_bytes(),
            utf16(&marked, u16::to_le_bytes),
            utf16(&marked, u16::to_be_bytes),
            utf16(&text, u16::to_le_bytes),
            utf16(&text, u16::to_be_bytes),
            gzip(text.as_bytes()),
            gzip(&gzip(&utf16(&marked, u16::to_le_bytes))),
            [gzip(&text.as_bytes()[..100]), gzip(&text.as_bytes()[100..])].concat(),
            base64.clone().into_bytes(),
            folded,
            STANDARD.encode(gzip(marked.as_bytes())).into_bytes(),
        ];
        for (index, encoded) in encodings.iter().enumerate() {
            for size in [1, 3, 64, 1 << 20] {
                let mut read = String::new();
                let mut reader = decoded(Pieces(encoded, size)).unwrap();
                reader.read_to_string(&mut read).unwrap();
                assert_eq!(read, text, "{index} in pieces of {size}");
            }
        }
    }

    #[test]
    fn damage_is_an_error_behind_what_can_be_read() {
        let packed = gzip("x".repeat(100_000).as_bytes());
        let base64 = STANDARD.encode("x".repeat(300));
        for (encoded, expected) in [
            (&packed[..packed.len() - 9], "ends too early"),
            (&base64.as_bytes()[..101], "base64"),
            (&[gzip(b"x"), b"junk".repeat(9)].concat(), "damaged"),
        ] {
            let mut read = Vec::new();
            let error = decoded(encoded)
                .unwrap()
                .read_to_end(&mut read)
                .unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!read.is_empty(), "{expected}");
        }
        let mut again = b"x".to_vec();
        (0..9).for_each(|_| again = gzip(&again));
        assert!(decoded(&again[..]).is_err());
    }

    #[test]
    fn half_a_character_is_no_end() {
        let mut read = String::new();
        let bytes: &[u8] = &[0xff, 0xfe, b'a', 0, 0x3e, 0xd8, b'b', 0, b'c'];
        decoded(bytes).unwrap().read_to_string(&mut read).unwrap();
        assert_eq!(read, "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn other_formats_are_known_by_their_beginning() {
        for (text, expected) in [
            ("UserDetailList: []\r\nPolicies: []", Some("YAML")),
            ("Events:\n- CloudTrailEvent: '{}'", Some("YAML")),
            ("- Path: /\n", Some("YAML")),
            ("----------\n|  GetRole  |\n", Some("a table")),
            ("+---+\n", Some("a table")),
            (
                "ROLE\tarn:aws:iam::111122223333:role/R\t2026\n",
                Some("text"),
            ),
            ("{\"a\":1}", None),
            ("[1]", None),
            ("nothing of that", None),
            ("", None),
        ] {
            assert_eq!(other_output(text.as_bytes()), expected, "{text}");
        }
    }
}
