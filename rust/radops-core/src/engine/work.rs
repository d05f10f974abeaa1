//! The threads of one call and what each of them does.

use super::Job;
use super::queue::{Large, Queue, RUN, Task};
use crate::error::{Cancelled, Error};
use crate::outline::{VALUE_SIZE, block_count};
use crate::progress::Call;
use crate::reader::{Control, Hashed, Reader};
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Files of at least so many blocks are spread over threads.
const LARGE: u64 = 4;

/// How long the calling thread works alone before it starts others.
const ALONE: Duration = Duration::from_micros(200);

/// How often the calling thread asks whether to stop.
const TICK: Duration = Duration::from_millis(50);

/// One call of [`super::run`].
pub(super) struct Work<'j, J: Job> {
    job: &'j J,
    control: &'j Control<'j>,
    queue: Mutex<Queue<J::Open>>,
    /// Wakes threads that found nothing to take when a large file came, or when none will come.
    news: Condvar,
    answers: Vec<OnceLock<J::Output>>,
}

/// Stops and wakes the other threads if this one panics, which is then passed on by the scope.
struct Alarm<'a, 'j, J: Job>(&'a Work<'j, J>);

impl<J: Job> Drop for Alarm<'_, '_, J> {
    fn drop(&mut self) {
        if thread::panicking() {
            // Under the lock, so that no thread is between looking and waiting.
            let _queue = lock(&self.0.queue);
            self.0.control.stop();
            self.0.news.notify_all();
        }
    }
}

/// A lock whose holder panicked is still taken: the panic is passed on when the threads are joined,
/// and until then no thread must hang.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'j, J: Job> Work<'j, J> {
    pub fn new(job: &'j J, control: &'j Control<'j>) -> Self {
        Self {
            job,
            control,
            queue: Mutex::new(Queue::new(job.count())),
            news: Condvar::new(),
            answers: (0..job.count()).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Work on the calling thread for a moment. Returns whether everything is done.
    pub fn alone(&self) -> bool {
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
    pub fn spread(&self, call: &mut Call<'_>) {
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
                // The first failure is reported; later ones follow from it as a rule.
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

    pub fn into_answers(self) -> Result<Vec<J::Output>, Cancelled> {
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
