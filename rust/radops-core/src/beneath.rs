//! Folders below a root that are reached through no symbolic link.
//!
//! In a folder that several people share, one of them can put a symbolic link in the place of a
//! folder at any time. Here each folder is opened by a call that follows no link: `openat2` where
//! the kernel has it, otherwise one `openat` per component. What is then done by the descriptor is
//! done below the root.

use crate::error::Error;
use rustix::fs::{self, AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// A root folder, held open. It may itself be reached through a link.
pub struct Root {
    path: PathBuf,
    folder: OwnedFd,
    /// Permission bits of folders that are made, whatever the umask; `None`: as the umask says.
    folder_mode: Option<u32>,
}

/// The open folder of a file and the file's name in it.
pub(crate) struct Place<'a> {
    folder: OwnedFd,
    name: &'a OsStr,
}

impl Root {
    /// Open a root.
    ///
    /// # Errors
    ///
    /// It is not there, or no folder.
    pub fn open(path: &Path, folder_mode: Option<u32>) -> Result<Self, Error> {
        match fs::open(path, FOLDER, Mode::empty()) {
            Ok(folder) => Ok(Self {
                path: path.to_owned(),
                folder,
                folder_mode,
            }),
            Err(error) => Err(Error::io(path, error)),
        }
    }

    /// Open a folder; its path begins with that of the root.
    ///
    /// # Errors
    ///
    /// It is not there, or one of its components is a link or a file.
    pub fn folder(&self, path: &Path) -> io::Result<OwnedFd> {
        open_below(self.folder.as_fd(), self.relative(path)?)
    }

    /// Open the folder that a file is in or is to be in.
    pub(crate) fn place<'a>(&self, path: &'a Path) -> io::Result<Place<'a>> {
        let (parent, name) = split(path)?;
        let folder = self.folder(parent)?;
        Ok(Place { folder, name })
    }

    /// As `place`; folders that are not there are made.
    pub(crate) fn make_place<'a>(&self, path: &'a Path) -> io::Result<Place<'a>> {
        let (parent, name) = split(path)?;
        let mut folder = self.folder.try_clone()?;
        for component in self.relative(parent)?.components() {
            folder = self.make_folder(folder.as_fd(), component.as_os_str())?;
        }
        Ok(Place { folder, name })
    }

    fn make_folder(&self, above: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
        let made = match fs::mkdirat(above, name, Mode::from_raw_mode(0o777)) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(error.into()),
        };
        let folder = fs::openat(above, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
        if let (true, Some(mode)) = (made, self.folder_mode) {
            set_mode(folder.as_fd(), mode)?;
        }
        Ok(folder)
    }

    fn relative<'a>(&self, path: &'a Path) -> io::Result<&'a Path> {
        let relative = path.strip_prefix(&self.path).ok();
        relative
            .filter(|path| {
                path.components()
                    .all(|part| matches!(part, Component::Normal(_)))
            })
            .ok_or_else(|| Errno::INVAL.into())
    }
}

impl Place<'_> {
    /// Create a file that must not exist.
    pub fn create_new(&self, mode: u32) -> io::Result<std::fs::File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let mode = Mode::from_raw_mode(mode as fs::RawMode);
        let file = fs::openat(&self.folder, self.name, flags | OFlags::CLOEXEC, mode)?;
        Ok(file.into())
    }

    /// Open an existing regular file for reading; neither follows a link nor waits for a FIFO.
    pub fn open(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = fs::openat(&self.folder, self.name, flags, Mode::empty())?;
        let kind = fs::FileType::from_raw_mode(fs::fstat(&file)?.st_mode);
        match kind {
            fs::FileType::RegularFile => Ok(file),
            _ => Err(Errno::LOOP.into()),
        }
    }

    /// Whether there is anything of that name.
    pub fn exists(&self) -> bool {
        fs::statat(&self.folder, self.name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Whether this is a file with more than one name.
    pub fn is_linked(&self) -> bool {
        fs::statat(&self.folder, self.name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|found| found.st_nlink > 1)
    }

    /// Remove a file.
    pub fn remove(&self) -> io::Result<()> {
        Ok(fs::unlinkat(&self.folder, self.name, AtFlags::empty())?)
    }

    /// Rename over what has the name.
    pub fn rename(&self, target: &Place<'_>) -> io::Result<()> {
        Ok(fs::renameat(
            &self.folder,
            self.name,
            &target.folder,
            target.name,
        )?)
    }

    /// Rename to a name that must not exist.
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    pub fn rename_noreplace(&self, target: &Place<'_>) -> io::Result<()> {
        Ok(fs::renameat_with(
            &self.folder,
            self.name,
            &target.folder,
            target.name,
            RenameFlags::NOREPLACE,
        )?)
    }

    /// No such rename here.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    pub fn rename_noreplace(&self, _target: &Place<'_>) -> io::Result<()> {
        Err(Errno::NOSYS.into())
    }

    /// Give a file a second name, which must not exist.
    pub fn link(&self, target: &Place<'_>) -> io::Result<()> {
        Ok(fs::linkat(
            &self.folder,
            self.name,
            &target.folder,
            target.name,
            AtFlags::empty(),
        )?)
    }
}

/// Set permission bits, where the file system has them.
pub(crate) fn set_mode(file: BorrowedFd<'_>, mode: u32) -> io::Result<()> {
    const REFUSED: [Errno; 5] = [
        Errno::PERM,
        Errno::NOSYS,
        Errno::NOTSUP,
        Errno::OPNOTSUPP,
        Errno::INVAL,
    ];
    match fs::fchmod(file, Mode::from_raw_mode(mode as fs::RawMode)) {
        Err(error) if REFUSED.contains(&error) => Ok(()),
        answer => Ok(answer?),
    }
}

fn split(path: &Path) -> io::Result<(&Path, &OsStr)> {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok((parent, name)),
        _ => Err(Errno::INVAL.into()),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn open_below(root: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    use rustix::fs::ResolveFlags;
    use std::sync::atomic::{AtomicBool, Ordering};
    static ABSENT: AtomicBool = AtomicBool::new(false);

    let wanted = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    if !ABSENT.load(Ordering::Relaxed) {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match fs::openat2(root, wanted, FOLDER, Mode::empty(), resolve) {
            // Older than Linux 5.6.
            Err(Errno::NOSYS) => ABSENT.store(true, Ordering::Relaxed),
            // A sandbox that does not know the call, or rights that are missing: the next calls
            // tell which.
            Err(Errno::PERM) => {}
            answer => return Ok(answer?),
        }
    }
    step_by_step(root, path)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn open_below(root: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    step_by_step(root, path)
}

fn step_by_step(root: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let mut folder = root.try_clone_to_owned()?;
    for component in path.components() {
        let flags = FOLDER | OFlags::NOFOLLOW;
        folder = fs::openat(&folder, component.as_os_str(), flags, Mode::empty())?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn both_ways_follow_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::create_dir_all(folder.path().join("outside/b")).unwrap();
        symlink(folder.path().join("outside"), root.join("link")).unwrap();
        symlink("a", root.join("inside")).unwrap();
        std::fs::write(root.join("file"), b"").unwrap();
        let open = fs::open(&root, FOLDER, Mode::empty()).unwrap();
        for way in [open_below, step_by_step] {
            for good in ["", "a", "a/b"] {
                assert!(way(open.as_fd(), Path::new(good)).is_ok(), "{good}");
            }
            for bad in ["link", "link/b", "inside", "inside/b", "file", "a/c"] {
                assert!(way(open.as_fd(), Path::new(bad)).is_err(), "{bad}");
            }
        }
        let root = Root::open(&root, None).unwrap();
        for bad in ["/etc", "a", ""] {
            assert!(root.folder(Path::new(bad)).is_err(), "{bad}");
        }
        assert!(root.folder(&root.path.join("a/../../outside")).is_err());
    }
}
