//! Hash files: digest, outline, and the stat they were read under.

use crate::engine::{self, Job};
use crate::error::{Cancelled, Error};
use crate::outline::{Digest, VALUE_SIZE, block_count, check_outline};
use crate::progress::Call;
use crate::reader::{Hashed, Source};
use crate::sys::{self, Stat};
use std::fs::File;
use std::path::Path;

/// What hashing a file gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileHash {
    /// BLAKE3 of the whole.
    pub digest: Digest,
    /// Chaining values of all blocks; empty with one block.
    pub outline: Vec<u8>,
    /// Stat of the file, the same before and after.
    pub stat: Stat,
}

/// Hash many files. Gives an answer for each, in order.
///
/// # Errors
///
/// Only that the whole call was stopped; what is wrong with one file is that file's answer.
pub fn hash_files<P: AsRef<Path> + Sync>(
    paths: &[P],
    call: &mut Call<'_>,
) -> Result<Vec<Result<FileHash, Error>>, Cancelled> {
    engine::run(&HashJob { paths }, call)
}

/// Hash one file.
///
/// # Errors
///
/// The file cannot be read, it changed meanwhile, or the call was stopped.
pub fn hash_file(path: &Path, call: &mut Call<'_>) -> Result<FileHash, Error> {
    let answers = hash_files(&[path], call).map_err(|_| Error::Cancelled)?;
    answers.into_iter().next().unwrap_or(Err(Error::Cancelled))
}

struct HashJob<'p, P> {
    paths: &'p [P],
}

impl<'p, P: AsRef<Path> + Sync> Job for HashJob<'p, P> {
    type Open = OpenFile<'p>;
    type Output = Result<FileHash, Error>;

    fn count(&self) -> usize {
        self.paths.len()
    }

    fn open(&self, index: usize) -> Result<Self::Open, Self::Output> {
        OpenFile::new(self.paths[index].as_ref()).map_err(Err)
    }

    fn source<'a>(&'a self, open: &'a Self::Open) -> Source<'a> {
        open.source()
    }

    fn finish(&self, open: Self::Open, read: Result<Hashed, Error>) -> Self::Output {
        let hashed = read?;
        Ok(FileHash {
            digest: hashed.digest,
            outline: hashed.outline,
            stat: open.unchanged()?,
        })
    }
}

/// A file being read, with its stat from before.
pub(crate) struct OpenFile<'p> {
    pub path: &'p Path,
    pub file: File,
    pub before: Stat,
}

impl<'p> OpenFile<'p> {
    pub fn new(path: &'p Path) -> Result<Self, Error> {
        let (file, before) = sys::open_regular(path)?;
        Ok(Self { path, file, before })
    }

    pub fn source(&self) -> Source<'_> {
        Source {
            path: self.path,
            file: &self.file,
            size: self.before.size,
            sink: None,
            values_only: false,
        }
    }

    /// The stat, if it is still the same.
    pub fn unchanged(&self) -> Result<Stat, Error> {
        let after = sys::stat(&self.file, self.path)?;
        if after == self.before {
            Ok(after)
        } else {
            Err(Error::changed(self.path))
        }
    }
}

/// Indices of the blocks of the file at `path` that are not as `outline`, the outline of an object
/// of `size` bytes, has them. Blocks that the file is too short for are bad; bytes past `size` are
/// not looked at.
///
/// # Errors
///
/// The file cannot be read, it changed meanwhile, or the call was stopped. The length of the
/// outline must have been checked by [`check_outline`].
pub fn bad_blocks(
    path: &Path,
    size: u64,
    outline: &[u8],
    call: &mut Call<'_>,
) -> Result<Vec<u64>, Error> {
    debug_assert!(check_outline(outline, size).is_ok());
    let job = ValuesJob { path, size };
    let answers = engine::run(&job, call).map_err(|_| Error::Cancelled)?;
    let found = answers
        .into_iter()
        .next()
        .unwrap_or(Err(Error::Cancelled))?;
    let mut found = found.chunks_exact(VALUE_SIZE);
    let expected = outline.chunks_exact(VALUE_SIZE);
    Ok((0..block_count(size))
        .zip(expected)
        .filter_map(|(block, value)| (found.next() != Some(value)).then_some(block))
        .collect())
}

/// The chaining values of one file's first `size` bytes.
struct ValuesJob<'p> {
    path: &'p Path,
    size: u64,
}

impl<'p> Job for ValuesJob<'p> {
    type Open = OpenFile<'p>;
    type Output = Result<Vec<u8>, Error>;

    fn count(&self) -> usize {
        1
    }

    fn open(&self, _index: usize) -> Result<Self::Open, Self::Output> {
        OpenFile::new(self.path).map_err(Err)
    }

    fn source<'a>(&'a self, open: &'a Self::Open) -> Source<'a> {
        Source {
            size: self.size.min(open.before.size),
            values_only: true,
            ..open.source()
        }
    }

    fn finish(&self, open: Self::Open, read: Result<Hashed, Error>) -> Self::Output {
        let hashed = read?;
        open.unchanged()?;
        Ok(hashed.outline)
    }
}
