//! Reading what the command line names: a file, or `-` for standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::decoded::decoded;
use crate::terminal_escape::escaped;

/// No document of any command is larger: a trust policy has at most 131,072 characters, a whole
/// account's export some hundred megabytes.
const MOST_BYTES: u64 = 1 << 30;

/// An input that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("cannot read {}", escaped(name))]
    Io {
        /// As the person wrote it.
        name: String,
        /// The system's error.
        source: io::Error,
    },
    /// The bytes are not text.
    #[error("{} is not UTF-8 text (byte {offset})", escaped(name))]
    NotText {
        /// As the person wrote it.
        name: String,
        /// The first byte that is not UTF-8, from 0.
        offset: usize,
    },
    /// More than a gigabyte.
    #[error("{} is larger than {MOST_BYTES} bytes", escaped(name))]
    TooLarge {
        /// As the person wrote it.
        name: String,
    },
}

/// A file, or standard input, as the person named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    path: PathBuf,
}

impl Input {
    /// The input that an argument names.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The path as given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Is it `-`?
    pub fn is_stdin(&self) -> bool {
        self.path == Path::new("-")
    }

    /// For messages and for the `file` of an answer.
    pub fn name(&self) -> String {
        if self.is_stdin() {
            "<stdin>".to_owned()
        } else {
            self.path.display().to_string()
        }
    }

    /// How many bytes it has, as far as that is known; else 0.
    pub fn size(&self) -> u64 {
        if self.is_stdin() {
            0
        } else {
            std::fs::metadata(&self.path).map_or(0, |file| file.len())
        }
    }

    /// A reader of its text, in UTF-8 whatever its encoding.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or is a folder.
    pub fn open(&self) -> Result<Box<dyn Read + Send>, ReadError> {
        if self.is_stdin() {
            return decoded(io::stdin()).map_err(|error| self.read_error(error));
        }
        let failed = |source| self.read_error(source);
        let file = File::open(&self.path).map_err(failed)?;
        // Opening a folder succeeds, and only reading it fails, in words that help nobody.
        if file.metadata().map_err(failed)?.is_dir() {
            return Err(failed(io::Error::new(
                io::ErrorKind::IsADirectory,
                "it is a folder",
            )));
        }
        decoded(file).map_err(failed)
    }

    /// The error of reading it.
    pub(crate) fn read_error(&self, source: io::Error) -> ReadError {
        ReadError::Io {
            name: self.name(),
            source,
        }
    }

    /// All of it.
    ///
    /// # Errors
    ///
    /// It cannot be read, is too large, or is not UTF-8 text.
    pub fn read(&self) -> Result<String, ReadError> {
        let mut bytes = Vec::new();
        self.open()?
            .take(MOST_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| self.read_error(source))?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(ReadError::TooLarge { name: self.name() });
        }
        String::from_utf8(bytes).map_err(|error| ReadError::NotText {
            name: self.name(),
            offset: error.utf8_error().valid_up_to(),
        })
    }
}
