//! Errors, each with the file concerned.

use std::io;
use std::path::{Path, PathBuf};

/// A failure of one file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file concerned.
        path: PathBuf,
        /// The second file of a rename.
        other: Option<PathBuf>,
        /// The system's error.
        source: io::Error,
    },
    /// A directory, FIFO, device or socket where a regular file was meant.
    #[error("{}: not a regular file", path.display())]
    NotAFile {
        /// The path given.
        path: PathBuf,
        /// Directories get an errno of their own.
        directory: bool,
    },
    /// Size, times or inode were not the same before and after the file was read.
    #[error("{}: the file changed while it was read", path.display())]
    Changed {
        /// The file that changed.
        path: PathBuf,
    },
    /// The call was stopped.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// An error of the operating system about `path`.
    pub fn io(path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io {
            path: path.to_owned(),
            other: None,
            source: source.into(),
        }
    }

    /// `path` was not the same file before and after.
    pub fn changed(path: &Path) -> Self {
        Self::Changed {
            path: path.to_owned(),
        }
    }
}

/// The call as a whole was stopped, by a signal handler or through its progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// A chaining-value list that cannot belong to an object of the size given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutlineError {
    /// One block has no outline.
    #[error("an object of {size} bytes is one block and has no outline")]
    OneBlock {
        /// Size of the object in bytes.
        size: u64,
    },
    /// Not 32 bytes for each block.
    #[error("an object of {size} bytes has an outline of {expected} bytes, not {found}")]
    Length {
        /// Size of the object in bytes.
        size: u64,
        /// 32 for each block.
        expected: u128,
        /// What was given.
        found: usize,
    },
    /// The buffer would reach past the largest object there can be.
    #[error("block {first_block} with {length} bytes reaches past 2^64 bytes")]
    Range {
        /// Index of the buffer's first block.
        first_block: u64,
        /// Length of the buffer.
        length: usize,
    },
}

impl Error {
    /// Whether a file or a folder above it is not there.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether the error is about this file.
    pub fn is_about(&self, file: &Path) -> bool {
        match self {
            Self::Io { path, .. } | Self::NotAFile { path, .. } | Self::Changed { path } => {
                path == file
            }
            Self::Cancelled => false,
        }
    }

    /// The error, without the path.
    pub fn reason(&self) -> String {
        match self {
            Self::Io { source, .. } => reason(source),
            Self::NotAFile {
                directory: true, ..
            } => "Is a directory".to_owned(),
            Self::NotAFile { .. } => "Not a regular file".to_owned(),
            Self::Changed { .. } => "The file changed while it was read".to_owned(),
            Self::Cancelled => "Cancelled".to_owned(),
        }
    }
}

/// The system's message, without the number that [`io::Error`] appends.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
