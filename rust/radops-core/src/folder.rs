//! A folder held open, and walking through all that is below one.

use crate::error::Error;
use crate::sys::Stat;
use std::ffi::{OsStr, OsString};
use std::fs::{File, ReadDir};
use std::io;
use std::path::{Path, PathBuf};

/// A folder that many files are reached from, without the way to it being walked for each.
pub(crate) struct Folder {
    #[cfg(unix)]
    descriptor: std::os::fd::OwnedFd,
    #[cfg(not(unix))]
    path: PathBuf,
}

/// The attributes of an entry that checks need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status {
    pub regular: bool,
    pub folder: bool,
    /// Whether any user may write to it.
    pub writable: bool,
    pub stat: Stat,
}

#[cfg(unix)]
mod unix {
    use super::{File, Folder, Path, Stat, Status, io};
    use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};

    impl Folder {
        pub fn open(path: &Path) -> io::Result<Self> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let descriptor = fs::open(path, flags, Mode::empty())?;
            Ok(Self { descriptor })
        }

        /// Open a file below for reading; neither a link in its place is followed, nor a FIFO
        /// waited for.
        pub fn file(&self, name: &Path) -> io::Result<File> {
            let flags = OFlags::RDONLY
                | OFlags::NOFOLLOW
                | OFlags::NONBLOCK
                | OFlags::NOCTTY
                | OFlags::CLOEXEC;
            let descriptor = fs::openat(&self.descriptor, name, flags, Mode::empty())?;
            Ok(File::from(descriptor))
        }

        /// What a name is of, links not followed.
        pub fn status(&self, name: &Path) -> io::Result<Status> {
            let found = fs::statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW)?;
            Ok(Status::from(&found))
        }
    }

    impl Status {
        pub fn of(file: &File) -> io::Result<Self> {
            Ok(Self::from(&fs::fstat(file)?))
        }
    }

    impl From<&fs::Stat> for Status {
        fn from(found: &fs::Stat) -> Self {
            let kind = FileType::from_raw_mode(found.st_mode);
            Self {
                regular: kind == FileType::RegularFile,
                folder: kind == FileType::Directory,
                writable: found.st_mode & 0o222 != 0,
                stat: Stat::from(found),
            }
        }
    }
}

#[cfg(not(unix))]
mod other {
    use super::{File, Folder, Path, Status, io};
    use crate::sys;
    use std::fs::{self, Metadata};

    impl Folder {
        pub fn open(path: &Path) -> io::Result<Self> {
            let path = path.to_owned();
            Ok(Self { path })
        }

        pub fn file(&self, name: &Path) -> io::Result<File> {
            File::open(self.path.join(name))
        }

        pub fn status(&self, name: &Path) -> io::Result<Status> {
            Ok(Status::new(&fs::symlink_metadata(self.path.join(name))?))
        }
    }

    impl Status {
        pub fn of(file: &File) -> io::Result<Self> {
            Ok(Self::new(&file.metadata()?))
        }

        fn new(meta: &Metadata) -> Self {
            Self {
                regular: meta.is_file(),
                folder: meta.is_dir(),
                writable: !meta.permissions().readonly(),
                stat: sys::Stat::new(meta),
            }
        }
    }
}

/// Something below a folder; a folder only where a walk is not to go into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path below the root of the walk, with `/` between folders and behind one.
    pub key: OsString,
    /// Whether it is a regular file; a link is none.
    pub regular: bool,
}

/// A walk through everything below a folder, or all that is in it, in no order; memory is bounded by the depth.
pub(crate) struct Walk {
    root: PathBuf,
    /// The folders that are not complete, with what their names begin with below the root.
    stack: Vec<(ReadDir, OsString)>,
    /// What names in the folder begun with have to begin with.
    start: String,
    depth: usize,
    recursive: bool,
}

impl Walk {
    /// Walk through what has a key below `root` that begins with `prefix`. A folder that is not
    /// there is empty.
    pub fn new(root: &Path, prefix: &str, recursive: bool) -> Result<Self, Error> {
        let (base, start) = prefix.split_at(prefix.rfind('/').map_or(0, |slash| slash + 1));
        let mut walk = Self {
            root: root.to_owned(),
            stack: Vec::new(),
            start: start.to_owned(),
            depth: 0,
            recursive,
        };
        walk.enter(OsString::from(base))?;
        walk.depth = walk.stack.len();
        Ok(walk)
    }

    fn enter(&mut self, base: OsString) -> Result<(), Error> {
        let path = self.root.join(&base);
        match path.read_dir() {
            Ok(entries) => self.stack.push((entries, base)),
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(Error::io(&path, error)),
        }
        Ok(())
    }

    /// The next entries, at most `most`; none when there are no more.
    pub fn next(&mut self, most: usize) -> Result<Vec<Entry>, Error> {
        let mut found = Vec::new();
        while found.len() < most {
            let first = self.stack.len() == self.depth;
            let Some((entries, base)) = self.stack.last_mut() else {
                break;
            };
            let entry = match entries.next() {
                None => {
                    self.stack.pop();
                    continue;
                }
                Some(Ok(entry)) => entry,
                Some(Err(error)) => return Err(Error::io(&self.root.join(&*base), error)),
            };
            let name = entry.file_name();
            if first && !begins_with(&name, &self.start) {
                continue;
            }
            let mut key = base.clone();
            key.push(&name);
            // Unknown if it was removed by now: then opening it fails.
            let kind = entry.file_type().ok();
            if kind.is_some_and(|kind| kind.is_dir()) {
                key.push("/");
                if self.recursive {
                    self.enter(key)?;
                    continue;
                }
            }
            let regular = kind.is_some_and(|kind| kind.is_file());
            found.push(Entry { key, regular });
        }
        Ok(found)
    }
}

fn begins_with(name: &OsStr, start: &str) -> bool {
    name.as_encoded_bytes().starts_with(start.as_bytes())
}

pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
