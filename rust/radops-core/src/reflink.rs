//! Copies that share their blocks with the source until one of them is written.

use crate::error::Error;
use crate::hash::OpenFile;
use crate::sys;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Make `target`, which must not exist, a reflink of `source`, with its permission bits. Gives
/// whether the file system could; if not, there is no target.
///
/// # Errors
///
/// The source cannot be read, or the target exists or cannot be made.
pub fn reflink(source: &Path, target: &Path) -> Result<bool, Error> {
    let source = OpenFile::new(source)?;
    let mode = mode_of(&source)?;
    let (_, cloned) = Cloner::default().create(&source, target, mode)?;
    if !cloned {
        fs::remove_file(target).map_err(|error| Error::io(target, error))?;
    }
    Ok(cloned)
}

#[cfg(unix)]
fn mode_of(source: &OpenFile<'_>) -> Result<u32, Error> {
    use std::os::unix::fs::PermissionsExt;
    let meta = source.file.metadata();
    let meta = meta.map_err(|error| Error::io(source.path, error))?;
    Ok(meta.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode_of(_source: &OpenFile<'_>) -> Result<u32, Error> {
    Ok(0o666)
}

/// Makes the targets of one call; remembers when the file system cannot clone at all, so that a
/// batch asks once and not for each file.
#[derive(Default)]
pub(crate) struct Cloner {
    hopeless: AtomicBool,
}

/// Why a clone was not made.
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android", target_vendor = "apple")),
    allow(dead_code)
)]
enum Refusal {
    /// This file system never will.
    Always,
    /// Not these two files: other file systems, say.
    ThisTime,
    /// A failure that a plain copy would meet as well.
    Failed(io::Error),
}

impl Cloner {
    /// Create `target`, as a clone of `source` if that can be. Gives the file, for reading and,
    /// if it was not cloned, writing, and whether it was cloned.
    pub fn create(
        &self,
        source: &OpenFile<'_>,
        target: &Path,
        mode: u32,
    ) -> Result<(File, bool), Error> {
        if source.before.size > 0 && !self.hopeless.load(Ordering::Relaxed) {
            match clone(source, target, mode) {
                Ok(file) => return Ok((file, true)),
                Err((file, Refusal::Failed(error))) => {
                    if file.is_some() {
                        let _ = fs::remove_file(target);
                    }
                    return Err(Error::io(target, error));
                }
                Err((file, refusal)) => {
                    if matches!(refusal, Refusal::Always) {
                        self.hopeless.store(true, Ordering::Relaxed);
                    }
                    if let Some(file) = file {
                        return Ok((file, false));
                    }
                }
            }
        }
        Ok((sys::create_new(target, mode)?, false))
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn clone(source: &OpenFile<'_>, target: &Path, mode: u32) -> Result<File, (Option<File>, Refusal)> {
    use rustix::io::Errno;
    let file = match sys::create_new(target, mode) {
        Ok(file) => file,
        Err(Error::Io { source, .. }) => return Err((None, Refusal::Failed(source))),
        Err(_) => return Err((None, Refusal::ThisTime)),
    };
    match rustix::fs::ioctl_ficlone(&file, &source.file) {
        Ok(()) => Ok(file),
        Err(Errno::OPNOTSUPP | Errno::NOTTY | Errno::NOSYS) => Err((Some(file), Refusal::Always)),
        Err(Errno::XDEV | Errno::INVAL | Errno::PERM | Errno::ACCESS | Errno::TXTBSY) => {
            Err((Some(file), Refusal::ThisTime))
        }
        Err(error) => Err((Some(file), Refusal::Failed(error.into()))),
    }
}

#[cfg(target_vendor = "apple")]
fn clone(source: &OpenFile<'_>, target: &Path, mode: u32) -> Result<File, (Option<File>, Refusal)> {
    use rustix::fs::{CWD, CloneFlags, fclonefileat};
    use rustix::io::Errno;
    use std::os::unix::fs::PermissionsExt;
    match fclonefileat(&source.file, CWD, target, CloneFlags::empty()) {
        Ok(()) => {}
        Err(Errno::NOTSUP | Errno::NOSYS) => return Err((None, Refusal::Always)),
        Err(Errno::XDEV | Errno::INVAL) => return Err((None, Refusal::ThisTime)),
        Err(error) => return Err((None, Refusal::Failed(error.into()))),
    }
    // The clone came with the source's mode.
    let opened = File::open(target).and_then(|file| {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        Ok(file)
    });
    opened.map_err(|error| {
        let _ = fs::remove_file(target);
        (None, Refusal::Failed(error))
    })
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn clone(
    _source: &OpenFile<'_>,
    _target: &Path,
    _mode: u32,
) -> Result<File, (Option<File>, Refusal)> {
    Err((None, Refusal::Always))
}
