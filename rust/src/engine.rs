//! Runs one job over many files: small files one by one, large ones in blocks, on threads that
//! live as long as the call.
//!
//! There is no pool: a pool that outlives the call would hang in a process forked from this one.
//! The calling thread starts alone, so that a small call costs no thread. When there is more to
//! do than a moment's work, it starts workers and from then on only waits and asks whether to stop.

use crate::error::{Cancelled, Error};
use crate::outline::{
    BLOCK_SIZE, Digest, VALUE_SIZE, block_count, block_hasher, block_length, merge_outline,
};
use crate::progress::{Call, Progress};
use crate::sys;
use blake3::Hasher;
use blake3::hazmat::HasherExt;
use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How much is read at once: small enough that what was read is still in the second-level cache
/// when it is hashed, large enough that system calls do not count.
const PIECE: usize = 256 << 10;

/// Files of at least so many blocks are spread over threads.
const LARGE: u64 = 3;

/// Blocks that a thread takes at once from a large file.
const RUN: u64 = 4;

/// How long the calling thread works alone before it starts others.
const ALONE: Duration = Duration::from_micros(200);

/// How often the calling thread asks whether to stop.
const TICK: Duration = Duration::from_millis(50);

/// An open file whose bytes are to be read once.
pub(crate) struct Source<'a> {
    pub path: &'a Path,
    pub file: &'a File,
    /// How many bytes to read; fewer to be had means the file changed.
    pub size: u64,
    /// Where to write what was read.
    pub sink: Option<(&'a File, &'a Path)>,
    /// Give chaining values even if there is only one block, and no digest.
    pub values_only: bool,
}

/// What reading a file gave.
pub(crate) struct Hashed {
    pub digest: Digest,
    pub outline: Vec<u8>,
}

/// What to do with the files numbered from 0 to `count`.
pub(crate) trait Job: Sync {
    /// An open file and what `finish` needs of it.
    type Open: Send + Sync;
    /// The answer for one file.
    type Output: Send + Sync;

    fn count(&self) -> usize;
    /// Open a file, or answer at once.
    fn open(&self, index: usize) -> Result<Self::Open, Self::Output>;
    fn source<'a>(&'a self, open: &'a Self::Open) -> Source<'a>;
    /// Answer, when all bytes were read or one could not be.
    fn finish(&self, open: Self::Open, read: Result<Hashed, Error>) -> Self::Output;
    /// The call was stopped, so nobody will see this answer.
    fn discard(&self, _answer: Self::Output) {}
}

/// Run `job` over all its files; gives the answers in order.
pub(crate) fn run<J: Job>(job: &J, call: &mut Call<'_>) -> Result<Vec<J::Output>, Cancelled> {
    let work = Work::new(job, call.progress);
    let mut buffer = Vec::new();
    if !work.alone(&mut buffer) {
        let threads = match call.threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        work.spread(threads.min(work.most_threads()), buffer, call.interrupted);
    }
    work.into_answers()
}

/// A large file that several threads read.
struct Large<O> {
    index: usize,
    open: O,
    blocks: u64,
    /// First block that nobody took.
    next: AtomicU64,
    /// Blocks not yet done.
    left: AtomicU64,
    outline: Mutex<Vec<u8>>,
    failure: OnceLock<Error>,
}

/// What is still to be taken.
struct Queue<O> {
    next: usize,
    /// Threads that took a file and do not know yet whether it is large.
    opening: usize,
    large: VecDeque<Arc<Large<O>>>,
}

enum Task<O> {
    File(usize),
    Blocks(Arc<Large<O>>, u64, u64),
}

struct Work<'j, J: Job> {
    job: &'j J,
    count: usize,
    progress: &'j Progress,
    stop: AtomicBool,
    queue: Mutex<Queue<J::Open>>,
    /// Tells threads that found nothing to take that a large file came, or that none will come.
    news: Condvar,
    answers: Vec<OnceLock<J::Output>>,
}

/// Wakes and stops the other threads if this one panics, which is then passed on by the scope.
struct Alarm<'a, 'j, J: Job>(&'a Work<'j, J>);

impl<J: Job> Drop for Alarm<'_, '_, J> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop.store(true, Ordering::Relaxed);
            self.0.news.notify_all();
        }
    }
}

/// A lock whose holder panicked is taken all the same: the panic is passed on when the threads
/// are joined, and until then nobody must hang.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'j, J: Job> Work<'j, J> {
    fn new(job: &'j J, progress: &'j Progress) -> Self {
        let count = job.count();
        Self {
            job,
            count,
            progress,
            stop: AtomicBool::new(false),
            queue: Mutex::new(Queue {
                next: 0,
                opening: 0,
                large: VecDeque::new(),
            }),
            news: Condvar::new(),
            answers: (0..count).map(|_| OnceLock::new()).collect(),
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.progress.is_cancelled()
    }

    /// Work on the calling thread for a moment. Gives whether everything is done.
    fn alone(&self, buffer: &mut Vec<u8>) -> bool {
        let start = Instant::now();
        while let Some(Task::File(index)) = self.take() {
            self.do_file(index, buffer);
            let queue = lock(&self.queue);
            if !queue.large.is_empty() {
                return false;
            }
            if start.elapsed() > ALONE {
                return queue.next == self.count;
            }
        }
        true
    }

    /// How many threads can be of use.
    fn most_threads(&self) -> usize {
        let queue = lock(&self.queue);
        let runs: u64 = queue
            .large
            .iter()
            .map(|large| large.blocks.div_ceil(RUN))
            .sum();
        if queue.next == self.count {
            usize::try_from(runs).unwrap_or(usize::MAX).max(1)
        } else {
            usize::MAX
        }
    }

    /// Let `threads` workers do the rest.
    fn spread(&self, threads: usize, buffer: Vec<u8>, interrupted: &mut dyn FnMut() -> bool) {
        thread::scope(|scope| {
            let (alive, all_gone) = channel::<()>();
            let mut own = Some(buffer);
            let mut started = 0;
            for _ in 0..threads {
                let alive = alive.clone();
                let mut buffer = own.take().unwrap_or_default();
                let worker = move || self.work(&mut buffer, alive);
                match thread::Builder::new().spawn_scoped(scope, worker) {
                    Ok(_) => started += 1,
                    // As many threads as the system allows are enough.
                    Err(_) => break,
                }
            }
            if started == 0 {
                return self.work(&mut Vec::new(), alive);
            }
            drop(alive);
            // Nothing is ever sent: the channel closes when the last worker is gone, also by panic.
            while let Err(RecvTimeoutError::Timeout) = all_gone.recv_timeout(TICK) {
                if interrupted() {
                    self.stop.store(true, Ordering::Relaxed);
                }
            }
        });
    }

    fn work(&self, buffer: &mut Vec<u8>, alive: Sender<()>) {
        let alarm = Alarm(self);
        while let Some(task) = self.take() {
            match task {
                Task::File(index) => self.do_file(index, buffer),
                Task::Blocks(large, first, end) => self.do_blocks(large, first, end, buffer),
            }
        }
        drop((alarm, alive));
    }

    /// Take the next thing to do; `None` when there is nothing left or the call was stopped.
    fn take(&self) -> Option<Task<J::Open>> {
        let mut queue = lock(&self.queue);
        loop {
            if self.stopped() {
                self.news.notify_all();
                return None;
            }
            if let Some(large) = queue.large.front() {
                let large = Arc::clone(large);
                let first = large.next.fetch_add(RUN, Ordering::Relaxed);
                let end = large.blocks.min(first + RUN);
                if end == large.blocks {
                    queue.large.pop_front();
                }
                return Some(Task::Blocks(large, first, end));
            }
            if queue.next < self.count {
                queue.next += 1;
                queue.opening += 1;
                return Some(Task::File(queue.next - 1));
            }
            if queue.opening == 0 {
                return None;
            }
            queue = self
                .news
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Say that the file taken was opened, and hand it to everybody if it is large.
    fn opened(&self, large: Option<Large<J::Open>>) {
        let mut queue = lock(&self.queue);
        queue.opening -= 1;
        let last = queue.next == self.count;
        let some = large.is_some();
        queue.large.extend(large.map(Arc::new));
        drop(queue);
        if some || last {
            self.news.notify_all();
        }
    }

    fn do_file(&self, index: usize, buffer: &mut Vec<u8>) {
        let open = match self.job.open(index) {
            Ok(open) => open,
            Err(answer) => {
                self.opened(None);
                return self.answer(index, answer);
            }
        };
        let source = self.job.source(&open);
        let blocks = block_count(source.size);
        if blocks >= LARGE {
            return self.opened(Some(Large {
                index,
                open,
                blocks,
                next: AtomicU64::new(0),
                left: AtomicU64::new(blocks),
                outline: Mutex::new(vec![0; blocks as usize * VALUE_SIZE]),
                failure: OnceLock::new(),
            }));
        }
        self.opened(None);
        let read = if blocks == 1 && !source.values_only {
            self.read_small(&source, buffer).map(|digest| Hashed {
                digest,
                outline: Vec::new(),
            })
        } else {
            let mut outline = vec![0; source.size.div_ceil(BLOCK_SIZE) as usize * VALUE_SIZE];
            self.read_blocks(&source, 0, &mut outline, buffer)
                .map(|()| hashed(&source, outline))
        };
        if !matches!(read, Err(Error::Cancelled)) {
            self.answer(index, self.job.finish(open, read));
        }
    }

    fn do_blocks(&self, large: Arc<Large<J::Open>>, first: u64, end: u64, buffer: &mut Vec<u8>) {
        if large.failure.get().is_none() {
            let source = self.job.source(&large.open);
            let mut values = vec![0; (end - first) as usize * VALUE_SIZE];
            match self.read_blocks(&source, first, &mut values, buffer) {
                Ok(()) => {
                    let start = first as usize * VALUE_SIZE;
                    lock(&large.outline)[start..start + values.len()].copy_from_slice(&values);
                }
                Err(Error::Cancelled) => return,
                Err(error) => {
                    let _ = large.failure.set(error);
                }
            }
        }
        let done = end - first;
        if large.left.fetch_sub(done, Ordering::AcqRel) != done {
            return;
        }
        // All blocks are done, so the threads that had a part in it are about to let go of it.
        let mut large = large;
        let large = loop {
            match Arc::try_unwrap(large) {
                Ok(large) => break large,
                Err(shared) => large = shared,
            }
            thread::yield_now();
        };
        let outline = large
            .outline
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let read = match large.failure.into_inner() {
            Some(error) => Err(error),
            None => Ok(hashed(&self.job.source(&large.open), outline)),
        };
        self.answer(large.index, self.job.finish(large.open, read));
    }

    /// Read a file of one block.
    fn read_small(&self, source: &Source<'_>, buffer: &mut Vec<u8>) -> Result<Digest, Error> {
        let size = source.size as usize;
        // One byte more than there should be: a file that grew is seen without a further read.
        let room = PIECE.min(size + 1);
        if buffer.len() < room {
            buffer.resize(room, 0);
        }
        if size < PIECE {
            let found = sys::read_at(source.file, &mut buffer[..room], 0)
                .map_err(|error| Error::io(source.path, error))?;
            if found != size {
                return Err(Error::changed(source.path));
            }
            self.pass_on(source, &buffer[..size], 0)?;
            return Ok(*blake3::hash(&buffer[..size]).as_bytes());
        }
        let mut hasher = Hasher::new();
        self.read_range(source, 0, source.size, &mut hasher, buffer)?;
        Ok(*hasher.finalize().as_bytes())
    }

    /// Read blocks from `first` on, one for each value that `values` has room for.
    fn read_blocks(
        &self,
        source: &Source<'_>,
        first: u64,
        values: &mut [u8],
        buffer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        if buffer.len() < PIECE {
            buffer.resize(PIECE, 0);
        }
        for (block, value) in (first..).zip(values.chunks_exact_mut(VALUE_SIZE)) {
            let mut hasher = block_hasher(block);
            let length = block_length(block, source.size);
            self.read_range(source, block * BLOCK_SIZE, length, &mut hasher, buffer)?;
            value.copy_from_slice(&hasher.finalize_non_root());
        }
        Ok(())
    }

    fn read_range(
        &self,
        source: &Source<'_>,
        start: u64,
        length: u64,
        hasher: &mut Hasher,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        let mut done = 0;
        while done < length {
            if self.stopped() {
                return Err(Error::Cancelled);
            }
            let piece = &mut buffer[..PIECE.min((length - done) as usize)];
            let found = sys::read_at(source.file, piece, start + done)
                .map_err(|error| Error::io(source.path, error))?;
            if found != piece.len() {
                return Err(Error::changed(source.path));
            }
            self.pass_on(source, piece, start + done)?;
            hasher.update(piece);
            done += found as u64;
        }
        Ok(())
    }

    fn pass_on(&self, source: &Source<'_>, piece: &[u8], offset: u64) -> Result<(), Error> {
        if let Some((sink, path)) = source.sink {
            sys::write_at(sink, piece, offset).map_err(|error| Error::io(path, error))?;
        }
        self.progress.add_bytes(piece.len() as u64);
        Ok(())
    }

    fn answer(&self, index: usize, answer: J::Output) {
        self.progress.add_file();
        let _ = self.answers[index].set(answer);
    }

    fn into_answers(self) -> Result<Vec<J::Output>, Cancelled> {
        let stopped = self.stopped();
        let answers = self.answers.into_iter().filter_map(OnceLock::into_inner);
        if stopped {
            answers.for_each(|answer| self.job.discard(answer));
            return Err(Cancelled);
        }
        let answers: Vec<_> = answers.collect();
        debug_assert_eq!(answers.len(), self.count);
        Ok(answers)
    }
}

/// Digest of the outline of a file of two blocks or more.
fn hashed(source: &Source<'_>, outline: Vec<u8>) -> Hashed {
    let digest = if source.values_only {
        None
    } else {
        merge_outline(&outline, source.size).ok()
    };
    Hashed {
        digest: digest.unwrap_or_default(),
        outline,
    }
}
