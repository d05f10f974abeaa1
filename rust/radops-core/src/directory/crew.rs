//! Threads that live as long as one call. The calling thread only waits and asks whether to stop,
//! unless the system allows no thread: then it does the work.

use crate::error::Cancelled;
use crate::progress::Call;
use crate::reader::Control;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How often the calling thread asks whether to stop, and how long a thread waits for others at
/// most before it looks whether the call was stopped.
pub(super) const TICK: Duration = Duration::from_millis(50);

/// A lock whose holder panicked is still taken: the panic is passed on when the threads are joined.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many threads a call uses.
pub(super) fn threads(call: &Call<'_>) -> usize {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    if call.threads > 0 {
        call.threads
    } else {
        cores()
    }
}

/// Run `work` on every thread until all of them return.
///
/// `work` returns soon after its control says that the call was stopped, and does not wait for
/// another thread longer than [`TICK`] without asking it.
pub(super) fn run(
    call: &mut Call<'_>,
    work: impl Fn(&Control<'_>) + Sync,
) -> Result<(), Cancelled> {
    let count = threads(call);
    let control = Control::new(call.progress);
    thread::scope(|scope| {
        let (done, finished) = channel::<()>();
        let (control, work) = (&control, &work);
        for number in 0..count {
            let done = done.clone();
            let started = thread::Builder::new().spawn_scoped(scope, move || {
                // Dropped when this thread ends, however it does.
                let _done = done;
                let stop = StopOnPanic(control);
                work(control);
                drop(stop);
            });
            // As many threads as the system allows are enough.
            if started.is_err() {
                if number == 0 {
                    work(control);
                }
                break;
            }
        }
        drop(done);
        // Nothing is ever sent: the channel closes when the last thread ends.
        while finished.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            if !control.stopped() && (call.interrupted)() {
                control.stop();
            }
        }
    });
    if control.stopped() {
        Err(Cancelled)
    } else {
        Ok(())
    }
}

/// Stops the other threads if this one panics.
struct StopOnPanic<'c, 'p>(&'c Control<'p>);

impl Drop for StopOnPanic<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop();
        }
    }
}

/// Asks now and then whether to stop, for long work on the calling thread.
pub(super) struct Poll {
    steps: u32,
}

impl Poll {
    /// How many steps pass between two questions: some milliseconds of work.
    const EVERY: u32 = 1 << 14;

    pub fn new() -> Self {
        Self { steps: 0 }
    }

    /// Count a step of the work.
    pub fn step(&mut self, call: &mut Call<'_>) -> Result<(), Cancelled> {
        self.steps += 1;
        if self.steps < Self::EVERY {
            return Ok(());
        }
        self.steps = 0;
        if call.progress.is_cancelled() || (call.interrupted)() {
            return Err(Cancelled);
        }
        Ok(())
    }
}
