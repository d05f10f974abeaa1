//! Check many files against what they should be.

use crate::engine::{self, Job};
use crate::error::{Cancelled, Error};
use crate::hash::OpenFile;
use crate::outline::Digest;
use crate::progress::Call;
use crate::reader::{Hashed, Source};
use crate::sys::Stat;
use std::io;
use std::path::Path;

/// A file and what it should be.
#[derive(Debug, Clone)]
pub struct Expected<P> {
    /// Where it is.
    pub path: P,
    /// How many bytes it should have.
    pub size: u64,
    /// What its bytes should hash to.
    pub digest: Digest,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Size and digest are right.
    Ok,
    /// There is no such file.
    Missing,
    /// The size is wrong; the bytes were not read.
    Size,
    /// The size is right, the digest is not.
    Bytes,
    /// The file cannot be opened or read.
    Unreadable,
    /// The file changed while it was read.
    Changed,
}

impl State {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Size => "size",
            Self::Bytes => "bytes",
            Self::Unreadable => "unreadable",
            Self::Changed => "changed",
        }
    }
}

/// The answer for one file.
#[derive(Debug)]
pub struct Check {
    /// What was found.
    pub state: State,
    /// The stat the file was opened with, if it could be opened.
    pub stat: Option<Stat>,
    /// Why, where the state does not say it.
    pub error: Option<Error>,
}

impl Check {
    fn failed(error: Error, stat: Option<Stat>) -> Self {
        let state = match &error {
            Error::Changed { .. } => State::Changed,
            Error::Io { source, .. } if is_missing(source) => State::Missing,
            _ => State::Unreadable,
        };
        Self {
            state,
            stat,
            error: Some(error),
        }
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Check many files; gives an answer for each, in order.
///
/// # Errors
///
/// Only that the whole call was stopped.
pub fn check_files<P: AsRef<Path> + Sync>(
    files: &[Expected<P>],
    call: &mut Call<'_>,
) -> Result<Vec<Check>, Cancelled> {
    engine::run(&CheckJob { files }, call)
}

struct CheckJob<'p, P> {
    files: &'p [Expected<P>],
}

struct Checked<'p> {
    file: OpenFile<'p>,
    digest: Digest,
}

impl<'p, P: AsRef<Path> + Sync> Job for CheckJob<'p, P> {
    type Open = Checked<'p>;
    type Output = Check;

    fn count(&self) -> usize {
        self.files.len()
    }

    fn open(&self, index: usize) -> Result<Self::Open, Self::Output> {
        let expected = &self.files[index];
        let file =
            OpenFile::new(expected.path.as_ref()).map_err(|error| Check::failed(error, None))?;
        if file.before.size != expected.size {
            return Err(Check {
                state: State::Size,
                stat: Some(file.before),
                error: None,
            });
        }
        Ok(Checked {
            file,
            digest: expected.digest,
        })
    }

    fn source<'a>(&'a self, open: &'a Self::Open) -> Source<'a> {
        open.file.source()
    }

    fn finish(&self, open: Self::Open, read: Result<Hashed, Error>) -> Self::Output {
        let stat = Some(open.file.before);
        let state = match read {
            // The bytes are right, whatever else changed meanwhile: a link made or removed changes
            // the ctime. The stat from before never vouches for a later change.
            Ok(hashed) if hashed.digest == open.digest => Ok(State::Ok),
            Ok(_) => open.file.unchanged().map(|_| State::Bytes),
            Err(error) => Err(error),
        };
        match state {
            Ok(state) => Check {
                state,
                stat,
                error: None,
            },
            Err(error) => Check::failed(error, stat),
        }
    }
}
