//! Files that are sent and fetched, as Python names them.

use super::error::exception;
use crate::calls::digest_of;
use crate::errors::Result;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use radops_core::s3::batch::{Sent, Wanted};
use radops_core::s3::{Error, Ranges};
use std::path::PathBuf;

/// Key, path, size, digest.
pub type FetchFile<'py> = (String, PathBuf, u64, Bound<'py, PyBytes>);

/// Key, path, size, digest, outline, bytes of a part.
pub type SendFile<'py> = (
    String,
    PathBuf,
    u64,
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
    u64,
);

/// Key, path, size, outline, first block of each range and the one after its last.
pub type FetchRanges<'py> = (
    String,
    PathBuf,
    u64,
    Option<Bound<'py, PyBytes>>,
    Vec<(u64, u64)>,
);

/// Small objects to fetch.
pub fn wanted(files: Vec<FetchFile<'_>>) -> Result<Vec<Wanted>> {
    let files = files.into_iter().map(|(key, path, size, digest)| {
        let digest = digest_of(digest.as_bytes())?;
        Ok(Wanted {
            key,
            path,
            size,
            digest,
        })
    });
    files.collect()
}

/// Files to send.
pub fn sent(files: Vec<SendFile<'_>>) -> Result<Vec<Sent>> {
    let files = files
        .into_iter()
        .map(|(key, path, size, digest, outline, part_size)| {
            Ok(Sent {
                key,
                path,
                size,
                digest: digest_of(digest.as_bytes())?,
                outline: outline.as_bytes().to_vec(),
                part_size,
            })
        });
    files.collect()
}

/// Large objects to fetch.
pub fn ranges(objects: Vec<FetchRanges<'_>>) -> Vec<Ranges> {
    let objects = objects
        .into_iter()
        .map(|(key, path, size, outline, spans)| Ranges {
            key,
            path,
            size,
            outline: outline.map(|outline| outline.as_bytes().to_vec()),
            spans,
        });
    objects.collect()
}

/// A list with `None` for each file that is well, and an exception for each that is not.
pub fn answers(py: Python<'_>, answers: Vec<Option<Error>>) -> Result<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for answer in answers {
        match answer {
            None => list.append(py.None())?,
            Some(error) => list.append(exception(&error).into_value(py))?,
        }
    }
    Ok(list)
}
