//! What is still to be taken of one call's files.

use crate::error::Error;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// Blocks that a thread takes at once from a large file.
pub(super) const RUN: u64 = 1;

/// Most files that a thread takes at once. Files next to each other in a list are often in one
/// folder, and threads that create files in one folder wait for each other.
const BATCH: usize = 512;

/// A large file that several threads read.
pub(super) struct Large<O> {
    pub index: usize,
    pub open: O,
    pub blocks: u64,
    /// First block that was not taken; changed under the queue's lock.
    pub next: AtomicU64,
    /// Blocks not yet done.
    pub left: AtomicU64,
    pub outline: Mutex<Vec<u8>>,
    pub failure: OnceLock<Error>,
}

/// What is still to be taken.
pub(super) struct Queue<O> {
    pub files: Range<usize>,
    /// How many work.
    pub threads: usize,
    /// Threads that took files and may yet find large ones among them.
    pub opening: usize,
    /// At most one for each thread: a thread that opens one helps with all before it opens another.
    pub large: VecDeque<Arc<Large<O>>>,
}

impl<O> Queue<O> {
    pub fn new(files: usize) -> Self {
        Self {
            files: 0..files,
            threads: 1,
            opening: 0,
            large: VecDeque::new(),
        }
    }

    pub fn take_run(&mut self) -> Option<Task<O>> {
        let large = Arc::clone(self.large.front()?);
        let first = large.next.load(Ordering::Relaxed);
        let end = large.blocks.min(first + RUN);
        large.next.store(end, Ordering::Relaxed);
        if end == large.blocks {
            self.large.pop_front();
        }
        Some(Task::Blocks(large, first..end))
    }

    /// Fewer at once towards the end, so that all threads finish together.
    pub fn take_files(&mut self) -> Option<Range<usize>> {
        let many = (self.files.len() / self.threads.saturating_mul(4)).clamp(1, BATCH);
        let start = self.files.start;
        let end = self.files.end.min(start + many);
        self.files.start = end;
        (start < end).then_some(start..end)
    }
}

pub(super) enum Task<O> {
    Files(Range<usize>),
    Blocks(Arc<Large<O>>, Range<u64>),
}
