//! The folders that a call writes into, made and entered through descriptors, following no link.

use super::error::{Error, Result};
use crate::error::Error as FileError;
use rustix::fd::OwnedFd;
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RawMode, Timespec, Timestamps, UTIME_OMIT, fchmod,
    futimens, mkdirat, openat, statat, symlinkat, utimensat,
};
use rustix::io::Errno;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A fresh folder and those made in it.
pub(super) struct Folders {
    target: PathBuf,
    top: Arc<OwnedFd>,
    /// The folder that was entered last.
    last: (String, Arc<OwnedFd>),
    /// All folders that were made, relative to the target.
    made: Vec<String>,
}

impl Folders {
    /// Make the folder `target`, which must not exist.
    pub fn new(target: &Path) -> Result<Self> {
        let failed = |error: Errno| FileError::io(target, error);
        mkdirat(CWD, target, Mode::from_raw_mode(0o700)).map_err(failed)?;
        let top = Arc::new(open_folder(CWD, target).map_err(failed)?);
        Ok(Self {
            target: target.to_owned(),
            last: (String::new(), Arc::clone(&top)),
            top,
            made: vec![String::new()],
        })
    }

    /// The folder with this path, which is made with those above it if it was not yet.
    pub fn enter(&mut self, path: &str) -> Result<Arc<OwnedFd>> {
        if self.last.0 == path {
            return Ok(Arc::clone(&self.last.1));
        }
        let mut folder = Arc::clone(&self.top);
        let mut end = 0;
        // The folder of the last entry and those above it exist; as entries are sorted, no other
        // folder that exists is above this one.
        for name in path.split('/').filter(|name| !name.is_empty()) {
            end += name.len() + usize::from(end > 0);
            let here = &path[..end];
            let exists = self.last.0.starts_with(here)
                && matches!(self.last.0.as_bytes().get(end), None | Some(b'/'));
            if !exists {
                match mkdirat(&*folder, name, Mode::from_raw_mode(0o700)) {
                    Ok(()) => self.made.push(here.to_owned()),
                    Err(Errno::EXIST) => return Err(taken(&folder, name, self.target.join(here))),
                    Err(error) => return Err(FileError::io(&self.target.join(here), error).into()),
                }
            }
            let opened = open_folder(&*folder, Path::new(name));
            let opened = opened.map_err(|error| FileError::io(&self.target.join(here), error))?;
            folder = Arc::new(opened);
        }
        self.last = (path.to_owned(), Arc::clone(&folder));
        Ok(folder)
    }

    /// Make a link.
    pub fn link(&self, path: &str, to: &str, time: i64) -> Result<()> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = self.reopen(folder)?;
        let full = || self.target.join(path);
        match symlinkat(to, &folder, name) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Err(taken(&folder, name, full())),
            Err(error) => return Err(FileError::io(&full(), error).into()),
        }
        // Some file systems keep no times of links.
        let _ = utimensat(&folder, name, &times(time), AtFlags::SYMLINK_NOFOLLOW);
        Ok(())
    }

    /// Give all folders their times and permissions, the deepest first.
    pub fn finish(&self, mode: u32, time: i64) -> Result<()> {
        for path in self.made.iter().rev() {
            let folder = File::from(self.reopen(path)?);
            set(&folder, mode, time)
                .map_err(|error| FileError::io(&self.target.join(path), error))?;
        }
        Ok(())
    }

    /// Open a folder that was made, without following a link on the way.
    fn reopen(&self, path: &str) -> Result<OwnedFd> {
        let failed = |error: Errno| FileError::io(&self.target.join(path), error);
        let mut folder = open_folder(&*self.top, Path::new(".")).map_err(failed)?;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            folder = open_folder(&folder, Path::new(name)).map_err(failed)?;
        }
        Ok(folder)
    }
}

fn open_folder(folder: impl rustix::fd::AsFd, name: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(folder, name, flags, Mode::empty())
}

fn times(seconds: i64) -> Timestamps {
    let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    Timestamps {
        last_access: time(0, UTIME_OMIT),
        last_modification: time(seconds, 0),
    }
}

/// Set permission bits, whatever the umask, and the time of modification.
pub(super) fn set(file: &File, mode: u32, seconds: i64) -> rustix::io::Result<()> {
    futimens(file, &times(seconds))?;
    fchmod(file, Mode::from_raw_mode(mode as RawMode))
}

/// The error for a name that exists in a folder where only this call makes names: the file system
/// does not tell it from another. That other is found by its inode.
pub(super) fn taken(folder: &OwnedFd, name: &str, path: PathBuf) -> Error {
    let find = || {
        let found = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        for entry in Dir::read_from(folder).ok()?.flatten() {
            let other = entry.file_name();
            let same = entry.ino() == found.st_ino
                || (entry.file_type() == FileType::Unknown
                    && statat(folder, other, AtFlags::SYMLINK_NOFOLLOW)
                        .is_ok_and(|stat| stat.st_ino == found.st_ino));
            if same {
                return Some(other.to_string_lossy().into_owned());
            }
        }
        None
    };
    let other = find().unwrap_or_default();
    Error::Taken { path, other }
}
