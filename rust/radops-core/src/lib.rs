//! Hashing, copying and checking of files for radops.
//!
//! Everything here is plain Rust, testable without a Python. The crate `radops-py` makes it the
//! extension module `radops._core`.

#![deny(unsafe_code)]
#![warn(missing_docs)]

#[cfg(unix)]
pub mod beneath;
pub mod cbor;
pub mod check;
pub mod copy;
#[cfg(unix)]
pub mod directory;
mod engine;
pub mod error;
pub mod folder;
pub mod hash;
pub mod object_name;
pub mod outline;
pub mod place;
pub mod progress;
mod reader;
pub mod record;
pub mod reflink;
pub mod s3;
pub mod slots;
pub mod sweep;
pub mod sys;
pub mod tree;
