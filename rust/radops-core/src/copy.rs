//! Copy files and hash what was copied, in one pass.

use crate::engine::{self, Job};
use crate::error::{Cancelled, Error};
use crate::hash::{FileHash, OpenFile};
use crate::progress::Call;
use crate::reader::{Hashed, Source};
use crate::reflink::Cloner;
use crate::sys;
use std::fs::{self, File};
use std::path::Path;

/// Copy many files to targets that must not exist, and hash them. Gives an answer for each, in
/// order: digest and outline of the bytes in the target, and the target's stat.
///
/// A target whose copy failed is removed. Nothing is flushed to disk.
///
/// # Errors
///
/// Only that the whole call was stopped; then every target it made is removed.
pub fn copy_files<P: AsRef<Path> + Sync>(
    pairs: &[(P, P)],
    mode: u32,
    call: &mut Call<'_>,
) -> Result<Vec<Result<FileHash, Error>>, Cancelled> {
    let cloner = Cloner::default();
    let job = CopyJob {
        pairs,
        mode,
        cloner,
    };
    let answers = engine::run(&job, call)?;
    Ok(answers
        .into_iter()
        .map(|answer| answer.map(|(hash, _)| hash))
        .collect())
}

/// Copy one file; see [`copy_files`].
///
/// # Errors
///
/// A file cannot be read or written, the source changed meanwhile, or the call was stopped.
pub fn copy_file(
    source: &Path,
    target: &Path,
    mode: u32,
    call: &mut Call<'_>,
) -> Result<FileHash, Error> {
    let answers = copy_files(&[(source, target)], mode, call).map_err(|_| Error::Cancelled)?;
    answers.into_iter().next().unwrap_or(Err(Error::Cancelled))
}

struct CopyJob<'p, P> {
    pairs: &'p [(P, P)],
    mode: u32,
    cloner: Cloner,
}

struct Copying<'p> {
    source: OpenFile<'p>,
    target: Target<'p>,
    /// The target has the source's bytes already and only needs to be hashed.
    cloned: bool,
}

/// A file made by this call; removed when dropped, unless it was kept.
struct Target<'p> {
    path: &'p Path,
    file: File,
    keep: bool,
}

impl Drop for Target<'_> {
    fn drop(&mut self) {
        if !self.keep {
            // A failure changes nothing: what is left is a file that no record names.
            let _ = fs::remove_file(self.path);
        }
    }
}

impl<P: AsRef<Path> + Sync> CopyJob<'_, P> {
    fn prepare<'p>(&self, source: &'p Path, path: &'p Path) -> Result<Copying<'p>, Error> {
        let source = OpenFile::new(source)?;
        let (file, cloned) = self.cloner.create(&source, path, self.mode)?;
        let keep = false;
        let target = Target { path, file, keep };
        Ok(Copying {
            source,
            target,
            cloned,
        })
    }
}

impl<'p, P: AsRef<Path> + Sync> Job for CopyJob<'p, P> {
    type Open = Copying<'p>;
    type Output = Result<(FileHash, &'p Path), Error>;

    fn count(&self) -> usize {
        self.pairs.len()
    }

    fn open(&self, index: usize) -> Result<Self::Open, Self::Output> {
        let (source, target) = &self.pairs[index];
        self.prepare(source.as_ref(), target.as_ref()).map_err(Err)
    }

    fn source<'a>(&'a self, open: &'a Self::Open) -> Source<'a> {
        if open.cloned {
            // Read the clone: no other process can change it.
            return Source {
                path: open.target.path,
                file: &open.target.file,
                ..open.source.source()
            };
        }
        Source {
            sink: Some((&open.target.file, open.target.path)),
            ..open.source.source()
        }
    }

    fn finish(&self, mut open: Self::Open, read: Result<Hashed, Error>) -> Self::Output {
        let hashed = read?;
        open.source.unchanged()?;
        let stat = sys::stat(&open.target.file, open.target.path)?;
        open.target.keep = true;
        let hash = FileHash {
            digest: hashed.digest,
            outline: hashed.outline,
            stat,
        };
        Ok((hash, open.target.path))
    }

    fn discard(&self, answer: Self::Output) {
        if let Ok((_, path)) = answer {
            let _ = fs::remove_file(path);
        }
    }
}
