//! Hashing, copying and checking of files for radops.
//!
//! Everything here is plain Rust, testable without a Python. The Python face is the module
//! `python`, built only with the feature `pyo3`.

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod cbor;
pub mod check;
pub mod copy;
mod engine;
pub mod error;
pub mod folder;
pub mod hash;
pub mod outline;
pub mod place;
pub mod progress;
#[cfg(feature = "pyo3")]
mod python;
mod reader;
pub mod record;
pub mod reflink;
pub mod slots;
pub mod sweep;
pub mod sys;
