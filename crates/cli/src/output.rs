//! Files that a command writes.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::terminal_escape::escaped;

#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("cannot write {}", escaped(.path.display().to_string()))]
    Io { path: PathBuf, source: io::Error },
}

/// Writes a file whole or not at all: half a rules file must never be packed into a layer.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let failed = |source| WriteError::Io {
        path: path.to_owned(),
        source,
    };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let written = (|| {
        let mut file = fs::File::create(&beside)?;
        // Who might read and write the old one may read and write the new one.
        if let Ok(old) = fs::metadata(path) {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    if written.is_err() {
        // What cannot be written can rarely be removed; the error that counts is the first.
        drop(fs::remove_file(&beside));
    }
    written.map_err(failed)
}
