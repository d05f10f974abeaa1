//! Finished files in the `tmp/` of a home, on their way into `objects/`.

use super::error::Result;
use crate::error::Error as FileError;
use crate::outline::{Digest, StreamHasher};
use crate::sys;
use crate::tree::{Object, Part, Sink};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::crew::lock;

/// Permission bits of objects.
const MODE: u32 = 0o444;

/// How much is written at once; see the reader of whole files, which found this best.
const WRITE: usize = 128 << 10;

/// A finished file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub object: Object,
    /// Chaining values of its blocks; empty with one block.
    pub outline: Vec<u8>,
    /// When it comes in the order of a commit: what is named by others comes first.
    pub order: u8,
}

/// Order of packs and large files; the parts of a directory come after them.
const BYTES: u8 = 0;

/// Makes temporary files and remembers them; those that are not taken are removed.
pub(super) struct Staging {
    /// What their names begin with.
    stem: PathBuf,
    next: AtomicU64,
    staged: Mutex<Vec<Staged>>,
}

impl Staging {
    pub fn new(stem: &Path) -> Self {
        Self {
            stem: stem.to_owned(),
            next: AtomicU64::new(0),
            staged: Mutex::default(),
        }
    }

    /// A path that is not in use.
    pub fn temporary(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Relaxed);
        let mut path = self.stem.clone().into_os_string();
        path.push(format!("-{number}"));
        path.into()
    }

    /// Write a pack.
    pub fn write_pack(&self, bytes: &[u8]) -> Result<Object> {
        let mut hasher = StreamHasher::default();
        hasher.update(bytes);
        let (digest, outline) = hasher.finalize();
        let size = bytes.len() as u64;
        self.write(Object { digest, size }, outline, bytes, BYTES)
    }

    fn write(&self, object: Object, outline: Vec<u8>, bytes: &[u8], order: u8) -> Result<Object> {
        let path = self.temporary();
        let file = sys::create_new(&path, MODE)?;
        for (start, part) in (0..).step_by(WRITE).zip(bytes.chunks(WRITE)) {
            if let Err(error) = sys::write_at(&file, part, start) {
                // Only this call uses this file.
                let _ = fs::remove_file(&path);
                return Err(FileError::io(&path, error).into());
            }
        }
        self.keep(path, object, outline, order);
        Ok(object)
    }

    /// Remember a file that was copied to a path from `temporary`.
    pub fn keep_copy(&self, path: PathBuf, object: Object, outline: Vec<u8>) {
        self.keep(path, object, outline, BYTES);
    }

    fn keep(&self, path: PathBuf, object: Object, outline: Vec<u8>, order: u8) {
        lock(&self.staged).push(Staged {
            path,
            object,
            outline,
            order,
        });
    }

    /// All files in the order of a commit, each object once.
    pub fn take(&self) -> Vec<Staged> {
        let mut staged = std::mem::take(&mut *lock(&self.staged));
        staged.sort_by_key(|file| (file.order, file.object));
        let mut last = None;
        staged.retain(|file| {
            let again = last.replace(file.object) == Some(file.object);
            if again {
                let _ = fs::remove_file(&file.path);
            }
            !again
        });
        staged
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        for file in lock(&self.staged).drain(..) {
            // What is left is a temporary file, which the home removes in time.
            let _ = fs::remove_file(&file.path);
        }
    }
}

impl Sink for &Staging {
    type Error = super::error::Error;

    fn put(&mut self, part: Part, object: Object, bytes: Vec<u8>) -> Result<()> {
        let outline = outline(&bytes, &object.digest);
        self.write(object, outline, &bytes, BYTES + 1 + part as u8)?;
        Ok(())
    }
}

/// The outline of an object in memory.
fn outline(bytes: &[u8], digest: &Digest) -> Vec<u8> {
    if bytes.len() as u64 <= crate::outline::BLOCK_SIZE {
        return Vec::new();
    }
    let mut hasher = StreamHasher::default();
    hasher.update(bytes);
    let (found, outline) = hasher.finalize();
    debug_assert_eq!(found, *digest);
    outline
}
