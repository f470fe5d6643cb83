//! The zip of the rules layer: one file, and nothing else that a function could run.
//!
//! Lambda unpacks a layer to `/opt`, and runs what lies in `/opt/extensions` with the function's role.
//! So the zip is written here, byte for byte: the same rules make the same bytes, whose hash is compared
//! with what Lambda has.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use sha2::{Digest, Sha256};

/// The only file of the layer.
pub(super) const FILE: &str = "trustwarden/rules.json";

/// The first moment that a zip can name, 1980-01-01 00:00.
const DATE: u16 = 0x21;

/// Version 2.0, which knows DEFLATE.
const VERSION: u16 = 20;

/// Made on Unix: the mode counts.
const MADE_BY: u16 = 3 << 8 | VERSION;

/// A regular file that everyone may read.
const MODE: u32 = 0o100_644 << 16;

/// Rules that make no zip.
#[derive(Debug, thiserror::Error)]
pub(super) enum LayerError {
    #[error("the rules are too large for a layer")]
    TooLarge(#[from] std::num::TryFromIntError),
    #[error("the rules cannot be packed")]
    Pack(#[from] io::Error),
}

/// The layer's zip.
pub(super) fn zip(rules: &[u8]) -> Result<Vec<u8>, LayerError> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    packed.write_all(rules)?;
    let packed = packed.finish()?;
    let mut crc = flate2::Crc::new();
    crc.update(rules);
    let name = u16::try_from(FILE.len())?;
    // What both headers say of the file: version needed, flags, DEFLATE, time, date, CRC, lengths.
    let mut about = Vec::new();
    for number in [VERSION, 0, 8, 0, DATE] {
        about.extend(number.to_le_bytes());
    }
    for number in [
        crc.sum(),
        u32::try_from(packed.len())?,
        u32::try_from(rules.len())?,
    ] {
        about.extend(number.to_le_bytes());
    }
    about.extend(name.to_le_bytes());
    about.extend(0_u16.to_le_bytes());

    let mut zip = b"PK\x03\x04".to_vec();
    zip.extend(&about);
    zip.extend(FILE.as_bytes());
    zip.extend(packed);
    let directory = u32::try_from(zip.len())?;
    zip.extend(b"PK\x01\x02");
    zip.extend(MADE_BY.to_le_bytes());
    zip.extend(&about);
    // No comment, first disk, no text; the mode; at the beginning.
    zip.extend([0; 6]);
    zip.extend(MODE.to_le_bytes());
    zip.extend(0_u32.to_le_bytes());
    zip.extend(FILE.as_bytes());
    let length = u32::try_from(zip.len())? - directory;
    zip.extend(b"PK\x05\x06");
    zip.extend([0; 4]);
    for number in [1_u16, 1] {
        zip.extend(number.to_le_bytes());
    }
    zip.extend(length.to_le_bytes());
    zip.extend(directory.to_le_bytes());
    zip.extend([0; 2]);
    Ok(zip)
}

/// SHA-256 as Base64, as Lambda says it.
pub(super) fn sha256(zip: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(zip))
}
