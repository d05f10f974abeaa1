//! Runs one job over many files: small files one by one, large ones in blocks, on threads that
//! live as long as the call.
//!
//! There is no pool: a pool that outlives the call would hang in a process forked from this one.
//! The calling thread starts alone, so that a small call costs no thread. When there is more to
//! do than a moment's work, it starts workers and from then on only waits and asks whether to stop.

use crate::error::{Cancelled, Error};
use crate::outline::{VALUE_SIZE, block_count};
use crate::progress::Call;
use crate::reader::{Control, Hashed, Reader, Source};
use std::collections::VecDeque;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Files of at least so many blocks are spread over threads.
const LARGE: u64 = 4;

/// Blocks that a thread takes at once from a large file.
const RUN: u64 = 1;

/// Most files that a thread takes at once. Files next to each other in a list are often in one
/// folder, and threads that create files in one folder wait for each other.
const BATCH: usize = 512;

/// How long the calling thread works alone before it starts others.
const ALONE: Duration = Duration::from_micros(200);

/// How often the calling thread asks whether to stop.
const TICK: Duration = Duration::from_millis(50);

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
    let control = Control::new(call.progress);
    let work = Work {
        job,
        control: &control,
        queue: Mutex::new(Queue {
            files: 0..job.count(),
            threads: 1,
            opening: 0,
            large: VecDeque::new(),
        }),
        news: Condvar::new(),
        answers: (0..job.count()).map(|_| OnceLock::new()).collect(),
    };
    if !work.alone() {
        work.spread(call);
    }
    work.into_answers()
}

/// Run `work` for every number below `count`, in the order and on the threads of [`run`]; `discard`
/// gets the answers that nobody will see.
pub(crate) fn each<T: Send + Sync>(
    count: usize,
    work: impl Fn(usize) -> T + Sync,
    discard: impl Fn(usize, T) + Sync,
    call: &mut Call<'_>,
) -> Result<Vec<T>, Cancelled> {
    let job = Each {
        count,
        work,
        discard,
    };
    let answers = run(&job, call)?;
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

/// Work that opens nothing: every answer comes at once.
struct Each<W, D> {
    count: usize,
    work: W,
    discard: D,
}

enum Nothing {}

impl<T, W, D> Job for Each<W, D>
where
    T: Send + Sync,
    W: Fn(usize) -> T + Sync,
    D: Fn(usize, T) + Sync,
{
    type Open = Nothing;
    type Output = (usize, T);

    fn count(&self) -> usize {
        self.count
    }

    fn open(&self, index: usize) -> Result<Nothing, Self::Output> {
        Err((index, (self.work)(index)))
    }

    fn source<'a>(&'a self, open: &'a Nothing) -> Source<'a> {
        match *open {}
    }

    fn finish(&self, open: Nothing, _read: Result<Hashed, Error>) -> Self::Output {
        match open {}
    }

    fn discard(&self, (index, answer): Self::Output) {
        (self.discard)(index, answer);
    }
}

/// A large file that several threads read.
struct Large<O> {
    index: usize,
    open: O,
    blocks: u64,
    /// First block that nobody took; changed under the queue's lock.
    next: AtomicU64,
    /// Blocks not yet done.
    left: AtomicU64,
    outline: Mutex<Vec<u8>>,
    failure: OnceLock<Error>,
}

/// What is still to be taken.
struct Queue<O> {
    files: Range<usize>,
    /// How many work.
    threads: usize,
    /// Threads that took files and may yet find large ones among them.
    opening: usize,
    /// At most one for each thread: whoever opens one helps with all before opening another.
    large: VecDeque<Arc<Large<O>>>,
}

impl<O> Queue<O> {
    fn take_run(&mut self) -> Option<Task<O>> {
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
    fn take_files(&mut self) -> Option<Range<usize>> {
        let many = (self.files.len() / self.threads.saturating_mul(4)).clamp(1, BATCH);
        let start = self.files.start;
        let end = self.files.end.min(start + many);
        self.files.start = end;
        (start < end).then_some(start..end)
    }
}

enum Task<O> {
    Files(Range<usize>),
    Blocks(Arc<Large<O>>, Range<u64>),
}

struct Work<'j, J: Job> {
    job: &'j J,
    control: &'j Control<'j>,
    queue: Mutex<Queue<J::Open>>,
    /// Tells threads that found nothing to take that a large file came, or that none will come.
    news: Condvar,
    answers: Vec<OnceLock<J::Output>>,
}

/// Stops and wakes the other threads if this one panics, which is then passed on by the scope.
struct Alarm<'a, 'j, J: Job>(&'a Work<'j, J>);

impl<J: Job> Drop for Alarm<'_, '_, J> {
    fn drop(&mut self) {
        if thread::panicking() {
            // Under the lock, so that nobody is between looking and waiting.
            let _queue = lock(&self.0.queue);
            self.0.control.stop();
            self.0.news.notify_all();
        }
    }
}

/// A lock whose holder panicked is taken all the same: the panic is passed on when the threads
/// are joined, and until then nobody must hang.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<J: Job> Work<'_, J> {
    /// Work on the calling thread for a moment. Gives whether everything is done.
    fn alone(&self) -> bool {
        let start = Instant::now();
        let mut reader = Reader::new(self.control);
        loop {
            let Some(index) = lock(&self.queue).files.next() else {
                return true;
            };
            if self.control.stopped() {
                return true;
            }
            if let Some(large) = self.do_file(index, &mut reader) {
                lock(&self.queue).large.push_back(Arc::new(large));
                return false;
            }
            if start.elapsed() > ALONE {
                return lock(&self.queue).files.is_empty();
            }
        }
    }

    /// How many threads to start.
    fn threads(&self, asked: usize) -> usize {
        // Asked here and not at the start of a call: on Linux it reads several files.
        let asked = match asked {
            0 => thread::available_parallelism().map_or(1, usize::from),
            asked => asked,
        };
        let mut queue = lock(&self.queue);
        if queue.files.is_empty() {
            let runs: u64 = queue.large.iter().map(|l| l.blocks.div_ceil(RUN)).sum();
            queue.threads = asked
                .min(usize::try_from(runs).unwrap_or(usize::MAX))
                .max(1);
        } else {
            // Any of the files may be large.
            queue.threads = asked;
        }
        queue.threads
    }

    /// Let workers do the rest.
    fn spread(&self, call: &mut Call<'_>) {
        let threads = self.threads(call.threads);
        thread::scope(|scope| {
            let (alive, all_gone) = channel::<()>();
            let mut workers = Vec::new();
            for _ in 0..threads {
                let token = alive.clone();
                // As many threads as the system allows are enough.
                match thread::Builder::new().spawn_scoped(scope, move || self.work(token)) {
                    Ok(worker) => workers.push(worker),
                    Err(_) => break,
                }
            }
            if workers.is_empty() {
                self.work(alive.clone());
            }
            drop(alive);
            // Nothing is ever sent: the channel closes when the last worker is gone, however.
            while let Err(RecvTimeoutError::Timeout) = all_gone.recv_timeout(TICK) {
                if (call.interrupted)() {
                    self.control.stop();
                }
            }
            // The scope would wait for the workers' work only. Joining waits for the threads
            // themselves: a process should have no others when it forks next.
            for worker in workers {
                if let Err(panic) = worker.join() {
                    resume_unwind(panic);
                }
            }
        });
    }

    fn work(&self, alive: Sender<()>) {
        let alarm = Alarm(self);
        let mut reader = Reader::new(self.control);
        while let Some(task) = self.take() {
            match task {
                Task::Files(files) => self.do_files(files, &mut reader),
                Task::Blocks(large, blocks) => self.do_blocks(large, blocks, &mut reader),
            }
        }
        drop((alarm, alive));
    }

    /// Take the next thing to do; `None` when nothing is left or the call was stopped.
    fn take(&self) -> Option<Task<J::Open>> {
        let mut queue = lock(&self.queue);
        loop {
            if self.control.stopped() {
                return None;
            }
            if let Some(run) = queue.take_run() {
                return Some(run);
            }
            if let Some(files) = queue.take_files() {
                queue.opening += 1;
                return Some(Task::Files(files));
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

    fn do_files(&self, files: Range<usize>, reader: &mut Reader<'_>) {
        for index in files {
            if self.control.stopped() {
                break;
            }
            let Some(large) = self.do_file(index, reader) else {
                continue;
            };
            let mut queue = lock(&self.queue);
            queue.large.push_back(Arc::new(large));
            self.news.notify_all();
            while let Some(Task::Blocks(large, blocks)) = queue.take_run() {
                drop(queue);
                self.do_blocks(large, blocks, reader);
                queue = lock(&self.queue);
            }
        }
        lock(&self.queue).opening -= 1;
        self.news.notify_all();
    }

    /// Do a small file, or give a large one back.
    fn do_file(&self, index: usize, reader: &mut Reader<'_>) -> Option<Large<J::Open>> {
        let open = match self.job.open(index) {
            Ok(open) => open,
            Err(answer) => {
                self.answer(index, answer);
                return None;
            }
        };
        let source = self.job.source(&open);
        let blocks = block_count(source.size);
        if blocks >= LARGE {
            return Some(Large {
                index,
                open,
                blocks,
                next: AtomicU64::new(0),
                left: AtomicU64::new(blocks),
                outline: Mutex::new(vec![0; blocks as usize * VALUE_SIZE]),
                failure: OnceLock::new(),
            });
        }
        let read = reader.read(&source);
        if !matches!(read, Err(Error::Cancelled)) {
            self.answer(index, self.job.finish(open, read));
        }
        None
    }

    fn do_blocks(&self, large: Arc<Large<J::Open>>, blocks: Range<u64>, reader: &mut Reader<'_>) {
        if large.failure.get().is_none() {
            let source = self.job.source(&large.open);
            match reader.read_blocks(&source, blocks.start, blocks.end) {
                Ok(values) => {
                    let start = blocks.start as usize * VALUE_SIZE;
                    lock(&large.outline)[start..start + values.len()].copy_from_slice(&values);
                }
                Err(Error::Cancelled) => return,
                // The first failure is told; later ones follow from it as a rule.
                Err(error) => drop(large.failure.set(error)),
            }
        }
        let done = blocks.end - blocks.start;
        if large.left.fetch_sub(done, Ordering::AcqRel) == done {
            self.finish_large(large);
        }
    }

    /// All blocks are done.
    fn finish_large(&self, mut shared: Arc<Large<J::Open>>) {
        let large = loop {
            match Arc::try_unwrap(shared) {
                Ok(large) => break large,
                // Other threads counted their blocks as done and are about to let go.
                Err(still_shared) => shared = still_shared,
            }
            thread::yield_now();
        };
        let outline = large.outline.into_inner();
        let outline = outline.unwrap_or_else(PoisonError::into_inner);
        let read = match large.failure.into_inner() {
            Some(error) => Err(error),
            None => Ok(Hashed::from_values(&self.job.source(&large.open), outline)),
        };
        self.answer(large.index, self.job.finish(large.open, read));
    }

    fn answer(&self, index: usize, answer: J::Output) {
        self.control.file_done();
        // Each index is taken once, so the place is free.
        let _ = self.answers[index].set(answer);
    }

    fn into_answers(self) -> Result<Vec<J::Output>, Cancelled> {
        let stopped = self.control.stopped();
        let answers = self.answers.into_iter().filter_map(OnceLock::into_inner);
        if stopped {
            answers.for_each(|answer| self.job.discard(answer));
            return Err(Cancelled);
        }
        let answers: Vec<_> = answers.collect();
        debug_assert_eq!(answers.len(), self.job.count());
        Ok(answers)
    }
}
