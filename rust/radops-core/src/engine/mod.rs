//! Runs one job over many files: small files one by one, large ones in blocks, on threads that
//! live as long as the call.
//!
//! There is no pool: a pool that outlives the call would hang in a process forked from this one.
//! The calling thread starts alone, so that a small call costs no thread. When there is more to
//! do than a moment's work, it starts workers and from then on only waits and asks whether to stop.

mod queue;
mod work;

use crate::error::{Cancelled, Error};
use crate::progress::Call;
use crate::reader::{Control, Hashed, Source};

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
    /// Called with answers that are not returned, because the call was stopped.
    fn discard(&self, _answer: Self::Output) {}
}

/// Run `job` over all its files; gives the answers in order.
pub(crate) fn run<J: Job>(job: &J, call: &mut Call<'_>) -> Result<Vec<J::Output>, Cancelled> {
    let control = Control::new(call.progress);
    let work = work::Work::new(job, &control);
    if !work.alone() {
        work.spread(call);
    }
    work.into_answers()
}

/// Run `work` for every number below `count`, in the order and on the threads of [`run`]; `discard`
/// gets the answers that are not returned, because the call was stopped.
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
