//! Where a command's formats go: one to standard output, or each to a file of its own.

use std::io;
use std::path::PathBuf;

use crate::Streams;
use crate::output;
use crate::streams::Colors;

/// Formats and files that do not go together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputsError {
    /// Several formats would be mixed.
    #[error(
        "{0} formats and {1} files: all but one format need an --output of their own, in order"
    )]
    Mixed(usize, usize),
    /// More files than formats.
    #[error("{0} formats and {1} files: give a --format for each --output")]
    TooMany(usize, usize),
}

/// Each format, and its file; without a file, standard output. The first formats have the files.
pub(crate) fn paired<F: Copy>(
    formats: &[F],
    default: F,
    files: &[PathBuf],
) -> Result<Vec<(F, Option<PathBuf>)>, OutputsError> {
    let all = if formats.is_empty() {
        &[default][..]
    } else {
        formats
    };
    let (many, written) = (all.len(), files.len());
    if written > many {
        return Err(OutputsError::TooMany(many, written));
    }
    if many > written + 1 {
        return Err(OutputsError::Mixed(many, written));
    }
    let files = files.iter().cloned().map(Some).chain([None]);
    Ok(all.iter().copied().zip(files).collect())
}

/// Writes into the file, whole or not at all, or to standard output; `false`: the file cannot be
/// written, and that was said.
pub(crate) fn write(
    file: Option<&PathBuf>,
    streams: &mut Streams<'_>,
    write: impl FnOnce(&mut Streams<'_>) -> io::Result<()>,
) -> io::Result<bool> {
    let Some(file) = file else {
        return write(streams).map(|()| true);
    };
    let mut text = Vec::new();
    let mut nowhere = io::sink();
    let plain = Colors::PLAIN;
    write(&mut Streams::new(&mut text, plain, &mut nowhere, plain))?;
    Ok(streams.ok(output::replace(file, &text)).is_some())
}
