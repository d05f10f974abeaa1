//! The classes of the module.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use radops_core::outline::StreamHasher;
use radops_core::{check, hash, progress, sys::Stat};
use std::sync::Arc;

use super::buffer;

/// What hashing a file gave, with the stat it had before and after.
#[pyclass(frozen, module = "radops._core")]
pub struct FileHash(pub hash::FileHash);

#[pymethods]
impl FileHash {
    /// BLAKE3 of the whole file: 32 bytes.
    #[getter]
    fn digest<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.digest)
    }

    /// Chaining values of all blocks, 32 bytes each; empty with one block.
    #[getter]
    fn outline<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.outline)
    }

    /// Size in bytes.
    #[getter]
    fn size(&self) -> u64 {
        self.0.stat.size
    }

    /// Modification time in nanoseconds.
    #[getter]
    fn mtime_ns(&self) -> i128 {
        self.0.stat.mtime_ns()
    }

    /// Change time in nanoseconds.
    #[getter]
    fn ctime_ns(&self) -> i128 {
        self.0.stat.ctime_ns()
    }

    /// Inode number.
    #[getter]
    fn inode(&self) -> u64 {
        self.0.stat.inode
    }
}

/// The answer for one file of `check_files`.
#[pyclass(frozen, module = "radops._core")]
pub struct Check {
    state: check::State,
    message: String,
    stat: Stat,
}

impl From<check::Check> for Check {
    fn from(check: check::Check) -> Self {
        Self {
            state: check.state,
            message: check.error.map_or_else(String::new, |error| error.reason()),
            stat: check.stat.unwrap_or_default(),
        }
    }
}

#[pymethods]
impl Check {
    /// One of "ok", "missing", "size", "bytes", "unreadable", "changed".
    #[getter]
    fn state(&self) -> &'static str {
        self.state.as_str()
    }

    /// The system's message, if the state alone does not explain the problem; else empty.
    #[getter]
    fn message(&self) -> &str {
        &self.message
    }

    /// Size in bytes; like the fields below 0 when the file could not be opened.
    #[getter]
    fn size(&self) -> u64 {
        self.stat.size
    }

    /// Modification time in nanoseconds.
    #[getter]
    fn mtime_ns(&self) -> i128 {
        self.stat.mtime_ns()
    }

    /// Change time in nanoseconds.
    #[getter]
    fn ctime_ns(&self) -> i128 {
        self.stat.ctime_ns()
    }

    /// Inode number.
    #[getter]
    fn inode(&self) -> u64 {
        self.stat.inode
    }
}

/// Counters that running calls add to, readable at any time from any thread.
#[pyclass(frozen, module = "radops._core")]
#[derive(Default)]
pub struct Progress(pub Arc<progress::Progress>);

#[pymethods]
impl Progress {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Bytes read so far.
    #[getter]
    fn bytes(&self) -> u64 {
        self.0.bytes()
    }

    /// Files finished so far, whatever the answer.
    #[getter]
    fn files(&self) -> u64 {
        self.0.files()
    }

    /// Stop every call that was given this progress, now and later, with `InterruptedError`.
    fn cancel(&self) {
        self.0.cancel();
    }
}

/// Hash a stream; not for use by two threads at once.
#[pyclass(module = "radops._core")]
#[derive(Default)]
pub struct Hasher(StreamHasher);

#[pymethods]
impl Hasher {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Add the next bytes.
    #[pyo3(signature = (data, /))]
    fn update(&mut self, data: &Bound<'_, PyAny>) -> PyResult<()> {
        buffer::for_pieces(data, |piece| self.0.update(piece))
    }

    /// How many bytes came so far.
    #[getter]
    fn size(&self) -> u64 {
        self.0.size()
    }

    /// Digest and outline of the bytes so far; more may follow.
    fn finalize<'py>(&self, py: Python<'py>) -> (Bound<'py, PyBytes>, Bound<'py, PyBytes>) {
        let (digest, outline) = self.0.finalize();
        (PyBytes::new(py, &digest), PyBytes::new(py, &outline))
    }
}
