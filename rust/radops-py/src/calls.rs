//! The functions of the module.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use radops_core::check::Expected;
use radops_core::error::Error;
use radops_core::outline::{Digest, StreamHasher, VALUE_SIZE};
use radops_core::progress::{self, Call};
use radops_core::{check, copy, hash, outline as blocks, reflink as link, sys};
use std::path::PathBuf;

use super::buffer;
use super::errors::{self, Raised, Result};
use super::types::{Check, FileHash, Progress};

/// Digest and outline of a buffer.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub fn hash_bytes<'py>(
    data: &Bound<'py, PyAny>,
) -> Result<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
    let py = data.py();
    let mut hasher = StreamHasher::default();
    buffer::for_pieces(data, |piece| hasher.update(piece))?;
    let (digest, outline) = hasher.finalize();
    Ok((PyBytes::new(py, &digest), PyBytes::new(py, &outline)))
}

/// Hash a file, a large one on several threads.
#[pyfunction]
#[pyo3(signature = (path, *, threads = 0, progress = None))]
pub fn hash_file(
    py: Python<'_>,
    path: PathBuf,
    threads: usize,
    progress: Option<&Bound<'_, Progress>>,
) -> Result<FileHash> {
    let answer = detached(py, threads, progress, |call| hash::hash_file(&path, call))?;
    Ok(FileHash(answer?))
}

/// Hash many files. What is wrong with one file is an `OSError` in the list.
#[pyfunction]
#[pyo3(signature = (paths, *, threads = 0, progress = None))]
pub fn hash_files<'py>(
    py: Python<'py>,
    paths: Vec<PathBuf>,
    threads: usize,
    progress: Option<&Bound<'py, Progress>>,
) -> Result<Bound<'py, PyList>> {
    let answers = detached(py, threads, progress, |call| hash::hash_files(&paths, call))?;
    to_list(py, answers?)
}

/// Copy a file to a target that must not exist, and hash it.
#[pyfunction]
#[pyo3(signature = (source, target, *, mode = 0o444, threads = 0, progress = None))]
pub fn copy_file(
    py: Python<'_>,
    source: PathBuf,
    target: PathBuf,
    mode: u32,
    threads: usize,
    progress: Option<&Bound<'_, Progress>>,
) -> Result<FileHash> {
    let answer = copied(py, threads, progress, mode, vec![(source, target)])?;
    let answer = answer.into_iter().next().unwrap_or(Err(Error::Cancelled));
    Ok(FileHash(answer?))
}

/// Copy many files. What is wrong with one file is an `OSError` in the list.
#[pyfunction]
#[pyo3(signature = (pairs, *, mode = 0o444, threads = 0, progress = None))]
pub fn copy_files<'py>(
    py: Python<'py>,
    pairs: Vec<(PathBuf, PathBuf)>,
    mode: u32,
    threads: usize,
    progress: Option<&Bound<'py, Progress>>,
) -> Result<Bound<'py, PyList>> {
    to_list(py, copied(py, threads, progress, mode, pairs)?)
}

type Answers = Vec<std::result::Result<hash::FileHash, Error>>;

fn copied(
    py: Python<'_>,
    threads: usize,
    progress: Option<&Bound<'_, Progress>>,
    mode: u32,
    pairs: Vec<(PathBuf, PathBuf)>,
) -> Result<Answers> {
    let answers = detached(py, threads, progress, |call| {
        copy::copy_files(&pairs, mode, call)
    })?;
    Ok(answers?)
}

/// Check many `(path, size, digest)`.
#[pyfunction]
#[pyo3(signature = (files, *, threads = 0, progress = None))]
pub fn check_files(
    py: Python<'_>,
    files: Vec<(PathBuf, u64, Bound<'_, PyBytes>)>,
    threads: usize,
    progress: Option<&Bound<'_, Progress>>,
) -> Result<Vec<Check>> {
    let files = files
        .into_iter()
        .map(|(path, size, digest)| {
            let digest = digest_of(digest.as_bytes())?;
            Ok(Expected { path, size, digest })
        })
        .collect::<Result<Vec<_>>>()?;
    let answers = detached(py, threads, progress, |call| {
        check::check_files(&files, call)
    })?;
    let answers = answers?;
    Ok(answers.into_iter().map(Check::from).collect())
}

pub(super) fn digest_of(bytes: &[u8]) -> Result<Digest> {
    bytes.try_into().map_err(|_| {
        let length = bytes.len();
        PyValueError::new_err(format!("a digest has {VALUE_SIZE} bytes, not {length}")).into()
    })
}

/// Indices of the blocks that are not as the outline has them.
#[pyfunction]
#[pyo3(signature = (path, size, outline, *, threads = 0, progress = None))]
pub fn bad_blocks(
    py: Python<'_>,
    path: PathBuf,
    size: u64,
    outline: &Bound<'_, PyAny>,
    threads: usize,
    progress: Option<&Bound<'_, Progress>>,
) -> Result<Vec<u64>> {
    let outline = buffer::to_bytes(outline)?;
    let outline = outline.as_bytes();
    blocks::check_outline(outline, size)?;
    let bad = detached(py, threads, progress, |call| {
        hash::bad_blocks(&path, size, outline, call)
    })?;
    Ok(bad?)
}

/// Chaining values of the blocks in `data`, the first of which is block `first_block`.
#[pyfunction]
pub fn block_values<'py>(
    data: &Bound<'py, PyAny>,
    first_block: u64,
) -> Result<Bound<'py, PyBytes>> {
    let mut values = Vec::new();
    let mut failed = None;
    buffer::for_pieces(data, |piece| {
        let next = first_block.saturating_add((values.len() / VALUE_SIZE) as u64);
        match blocks::block_values(piece, next) {
            Ok(more) => values.extend(more),
            Err(error) => failed = Some(error),
        }
    })?;
    match failed {
        None => Ok(PyBytes::new(data.py(), &values)),
        Some(error) => Err(error.into()),
    }
}

/// The digest that an outline merges to.
#[pyfunction]
pub fn merge_outline<'py>(outline: &Bound<'py, PyAny>, size: u64) -> Result<Bound<'py, PyBytes>> {
    let py = outline.py();
    let outline = buffer::to_bytes(outline)?;
    let outline = outline.as_bytes();
    let digest = py.detach(|| blocks::merge_outline(outline, size))?;
    Ok(PyBytes::new(py, &digest))
}

/// Make a file that shares its blocks with another. Gives whether the file system could.
#[pyfunction]
pub fn reflink(py: Python<'_>, source: PathBuf, target: PathBuf) -> Result<bool> {
    Ok(py.detach(|| link::reflink(&source, &target))?)
}

/// Rename a file to a name that must not exist, in one step.
#[pyfunction]
pub fn rename_noreplace(py: Python<'_>, source: PathBuf, target: PathBuf) -> Result<()> {
    Ok(py.detach(|| sys::rename_noreplace(&source, &target))?)
}

/// Flush the whole file system that a descriptor is on. Gives whether the platform can.
#[pyfunction]
#[pyo3(signature = (fd, /))]
pub fn sync_filesystem(py: Python<'_>, fd: i32) -> Result<bool> {
    py.detach(|| sys::sync_filesystem(fd))
        .map_err(|error| errors::bare(&error).into())
}

/// Run `work` without the interpreter lock; take it now and then to let signal handlers run. What
/// a handler raises stops the work and is raised here.
pub(super) fn detached<T: Send>(
    py: Python<'_>,
    threads: usize,
    progress: Option<&Bound<'_, Progress>>,
    work: impl FnOnce(&mut Call<'_>) -> T + Send,
) -> Result<T> {
    let fresh = progress::Progress::default();
    let progress = progress.map_or(&fresh, |progress| &progress.get().0);
    let mut raised = None;
    let done = py.detach(|| {
        let mut interrupted = || {
            // Without an interpreter, no caller waits for the answer.
            let signals = Python::try_attach(|py| py.check_signals());
            match signals {
                Some(Ok(())) => false,
                Some(Err(error)) => {
                    raised = Some(error);
                    true
                }
                None => true,
            }
        };
        work(&mut Call {
            threads,
            progress,
            interrupted: &mut interrupted,
        })
    });
    raised.map_or(Ok(done), |error| Err(Raised::from(error)))
}

fn to_list(py: Python<'_>, answers: Answers) -> Result<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for answer in answers {
        match answer {
            Ok(hash) => list.append(FileHash(hash))?,
            Err(error) => list.append(errors::value(py, error))?,
        }
    }
    Ok(list)
}
