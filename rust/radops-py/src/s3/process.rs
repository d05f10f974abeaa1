//! Calls into the runtime of this process, and what belongs to the process that made it.

use crate::calls::detached;
use crate::errors::{Raised, Result};
use crate::types::Progress;
use pyo3::prelude::*;
use radops_core::progress;
use radops_core::s3::{Error, Runtime};
use std::mem::ManuallyDrop;
use std::sync::Arc;

/// A value of the process that made it: a forked child forgets it, as it would wait for threads
/// that it does not have.
pub struct Own<T> {
    value: ManuallyDrop<T>,
    process: u32,
}

impl<T> Own<T> {
    pub fn new(value: T) -> Self {
        Self {
            value: ManuallyDrop::new(value),
            process: std::process::id(),
        }
    }

    pub fn get(&self) -> Result<&T> {
        if self.process == std::process::id() {
            return Ok(&self.value);
        }
        Err(Raised::from(PyErr::from(Raised::from(Error::Config(
            "a connection of the parent process was used after a fork".into(),
        )))))
    }
}

impl<T> Drop for Own<T> {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        if self.process == std::process::id() {
            // SAFETY: nothing uses the value after `drop`.
            unsafe { ManuallyDrop::drop(&mut self.value) }
        }
    }
}

/// Run `work` on the runtime, without the interpreter lock.
pub fn run<T, W>(
    py: Python<'_>,
    progress: Option<&Bound<'_, Progress>>,
    work: impl FnOnce(Arc<progress::Progress>) -> W + Send,
) -> Result<T>
where
    T: Send + 'static,
    W: Future<Output = std::result::Result<T, Error>> + Send + 'static,
{
    let counters = progress.map_or_else(Arc::default, |progress| progress.get().0.clone());
    let done = detached(py, 0, progress, |call| {
        Runtime::current()?.wait(call, work(counters))
    })?;
    Ok(done?)
}
