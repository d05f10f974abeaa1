//! Counters that running calls add to, and the way to stop them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Shared between the calls that work and the code that reads the counters.
#[derive(Debug, Default)]
pub struct Progress {
    bytes: AtomicU64,
    files: AtomicU64,
    cancelled: AtomicBool,
}

impl Progress {
    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Files finished so far, whatever the answer.
    pub fn files(&self) -> u64 {
        self.files.load(Relaxed)
    }

    /// Tell every call that uses this progress to stop, now and later.
    pub fn cancel(&self) {
        self.cancelled.store(true, Relaxed);
    }

    /// Whether [`Progress::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed)
    }

    pub(crate) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn add_file(&self) {
        self.files.fetch_add(1, Relaxed);
    }
}

/// What a call is given besides its files.
pub struct Call<'a> {
    /// Most threads that work at once; 0 means as many as there are cores.
    pub threads: usize,
    /// Counters to add to.
    pub progress: &'a Progress,
    /// Asked every 50 ms by the calling thread while others work: whether to stop.
    pub interrupted: &'a mut dyn FnMut() -> bool,
}
