//! What can go wrong with a directory.

use super::refusal::Refusal;
use crate::error::{Cancelled, Error as FileError};
use crate::tree::{FormatError, Object};
use std::path::PathBuf;

/// Why work on a directory failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the operating system, or the call was stopped.
    #[error(transparent)]
    File(#[from] FileError),
    /// An object is not what it should be, though its bytes are those of its digest.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The folder holds what a directory cannot.
    #[error("the folder holds what a directory cannot")]
    Refused(Refusal),
    /// A pattern that cannot be used.
    #[error("{0}")]
    Pattern(String),
    /// Objects that are needed and not in the store.
    #[error("{} objects are not here", .0.len())]
    Missing(Vec<Object>),
    /// The bytes of an object in the store are not those of its digest.
    #[error("an object is damaged")]
    Damaged(Object),
    /// A file that cannot be had: its pack is here, but the bytes in it are wrong.
    #[error("{path}: its bytes in the pack are wrong")]
    BadSlice {
        /// The file's path in the directory.
        path: String,
        /// The pack.
        pack: Object,
    },
    /// A name is taken by another that this file system does not tell from it.
    #[error("{}: the name is taken by {other:?}", path.display())]
    Taken {
        /// What was to be made.
        path: PathBuf,
        /// What has the name, relative to the same folder; empty if that is not known.
        other: String,
    },
}

impl From<Cancelled> for Error {
    fn from(_: Cancelled) -> Self {
        Self::File(FileError::Cancelled)
    }
}

/// The result of work on a directory.
pub type Result<T> = std::result::Result<T, Error>;
