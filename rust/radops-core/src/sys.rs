//! The few system calls that the standard library does not have, and what they mean here.

use crate::error::Error;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(unix)]
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};

/// The fields of `stat` that show whether a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stat {
    /// Size in bytes.
    pub size: u64,
    /// Modification time: seconds and nanoseconds.
    pub mtime: (i64, i64),
    /// Change time: seconds and nanoseconds.
    pub ctime: (i64, i64),
    /// Inode number.
    pub inode: u64,
    /// Device number.
    pub device: u64,
}

impl Stat {
    #[cfg(unix)]
    pub(crate) fn new(meta: &Metadata) -> Self {
        Self {
            size: meta.len(),
            mtime: (meta.mtime(), meta.mtime_nsec()),
            ctime: (meta.ctime(), meta.ctime_nsec()),
            inode: meta.ino(),
            device: meta.dev(),
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn new(meta: &Metadata) -> Self {
        let time = |time: io::Result<std::time::SystemTime>| {
            time.ok()
                .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
                .map_or((0, 0), |time| {
                    (time.as_secs() as i64, i64::from(time.subsec_nanos()))
                })
        };
        Self {
            size: meta.len(),
            mtime: time(meta.modified()),
            ctime: time(meta.created()),
            inode: 0,
            device: 0,
        }
    }

    /// Whether another stat is equal, for a file on the same device.
    pub fn same(&self, other: &Self) -> bool {
        let device = other.device;
        Self { device, ..*self } == *other
    }

    /// Modification time in nanoseconds. Wider than 64 bits: file systems go past the year 2262.
    pub fn mtime_ns(&self) -> i128 {
        nanoseconds(self.mtime)
    }

    /// Change time in nanoseconds.
    pub fn ctime_ns(&self) -> i128 {
        nanoseconds(self.ctime)
    }
}

/// How coarse the kernel's clock for the times of files can be.
const TICK_NS: i128 = 50_000_000;

/// The longest step between two times on a file system that keeps whole seconds: FAT has 2 s.
const STEP_NS: i128 = 2 * SECOND_NS;

const SECOND_NS: i128 = 1_000_000_000;

/// Whether a file with these times was looked at so long after its last change that every later
/// change shows in them; git calls a file racy of which this does not hold.
///
/// Times that are both whole seconds are those of a file system that keeps no fractions: ext4 with
/// small inodes, HFS+, FAT, some shares.
pub fn is_settled(mtime_ns: i128, ctime_ns: i128, looked_ns: i128) -> bool {
    let is_coarse = mtime_ns % SECOND_NS == 0 && ctime_ns % SECOND_NS == 0;
    let unseen = TICK_NS + if is_coarse { STEP_NS } else { 0 };
    looked_ns - mtime_ns.max(ctime_ns) > unseen
}

#[cfg(unix)]
impl From<&rustix::fs::Stat> for Stat {
    // The types of these fields are not the same everywhere.
    #[allow(clippy::unnecessary_cast, clippy::cast_lossless)]
    fn from(found: &rustix::fs::Stat) -> Self {
        Self {
            size: found.st_size as u64,
            mtime: (found.st_mtime as i64, found.st_mtime_nsec as i64),
            ctime: (found.st_ctime as i64, found.st_ctime_nsec as i64),
            inode: found.st_ino as u64,
            device: found.st_dev as u64,
        }
    }
}

fn nanoseconds((seconds, nanoseconds): (i64, i64)) -> i128 {
    i128::from(seconds) * SECOND_NS + i128::from(nanoseconds)
}

/// Stat of an open file.
pub fn stat(file: &File, path: &Path) -> Result<Stat, Error> {
    match file.metadata() {
        Ok(meta) => Ok(Stat::new(&meta)),
        Err(error) => Err(Error::io(path, error)),
    }
}

/// Stat of a regular file, without following links; `None` if there is nothing of that name.
pub fn stat_regular(path: &Path) -> Result<Option<Stat>, Error> {
    match path.symlink_metadata() {
        Ok(meta) if meta.is_file() => Ok(Some(Stat::new(&meta))),
        Ok(meta) => Err(Error::NotAFile {
            path: path.to_owned(),
            directory: meta.is_dir(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path, error)),
    }
}

/// Open a regular file for reading. Symbolic links are followed; anything but a regular file is
/// an error at once, also a FIFO without a writer.
pub fn open_regular(path: &Path) -> Result<(File, Stat), Error> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    options.custom_flags((rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY).bits() as i32);
    let file = options.open(path).map_err(|error| Error::io(path, error))?;
    let meta = file.metadata().map_err(|error| Error::io(path, error))?;
    if !meta.is_file() {
        return Err(Error::NotAFile {
            path: path.to_owned(),
            directory: meta.is_dir(),
        });
    }
    Ok((file, Stat::new(&meta)))
}

/// Open a file for writing. A symbolic link is an error.
pub fn open_to_write(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
    options.open(path).map_err(|error| Error::io(path, error))
}

/// Create a file that must not exist, with its final mode (less the umask), for reading and
/// writing: a mode without write permission binds only later openers.
pub fn create_new(path: &Path, mode: u32) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    options.mode(mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path).map_err(|error| Error::io(path, error))
}

/// Read into `buffer` until at least `enough` bytes are there or the file ends; gives the bytes
/// read.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64, enough: usize) -> io::Result<usize> {
    let mut total = 0;
    loop {
        let (rest, at) = (&mut buffer[total..], offset + total as u64);
        #[cfg(unix)]
        let result = file.read_at(rest, at);
        #[cfg(windows)]
        let result = std::os::windows::fs::FileExt::seek_read(file, rest, at);
        match result {
            Ok(read) => {
                total += read;
                if read == 0 || total >= enough {
                    return Ok(total);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Write all of `data` at `offset`.
pub fn write_at(file: &File, data: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    return file.write_all_at(data, offset);
    #[cfg(windows)]
    {
        let (mut data, mut offset) = (data, offset);
        while !data.is_empty() {
            let written = std::os::windows::fs::FileExt::seek_write(file, data, offset)?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            data = &data[written..];
            offset += written as u64;
        }
        Ok(())
    }
}

/// Set permission bits, whatever the umask, and the time of modification to now.
///
/// # Errors
///
/// The file is not there, or belongs to another user.
pub fn set_mode_and_time(path: &Path, mode: u32) -> Result<(), Error> {
    set_both(path, mode).map_err(|error| Error::io(path, error))
}

#[cfg(unix)]
fn set_both(path: &Path, mode: u32) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, Mode, chmod, utimensat};
    chmod(path, Mode::from_raw_mode(mode as rustix::fs::RawMode))?;
    Ok(utimensat(CWD, path, &NOW, AtFlags::empty())?)
}

/// As [`set_mode_and_time`], for an open file.
#[cfg(unix)]
pub(crate) fn set_mode_and_time_of(file: &std::os::fd::OwnedFd, mode: u32) -> io::Result<()> {
    use rustix::fs::{Mode, fchmod, futimens};
    fchmod(file, Mode::from_raw_mode(mode as rustix::fs::RawMode))?;
    Ok(futimens(file, &NOW)?)
}

#[cfg(unix)]
const NOW: rustix::fs::Timestamps = {
    let now = rustix::fs::Timespec {
        tv_sec: 0,
        tv_nsec: rustix::fs::UTIME_NOW,
    };
    rustix::fs::Timestamps {
        last_access: now,
        last_modification: now,
    }
};

#[cfg(not(unix))]
fn set_both(path: &Path, _mode: u32) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_modified(std::time::SystemTime::now())
}

/// Rename a file, replacing what has the name, in one step.
///
/// # Errors
///
/// The file is not there, or the target is a folder, or on another file system.
pub fn rename(source: &Path, target: &Path) -> Result<(), Error> {
    let result = std::fs::rename(source, target);
    result.map_err(|error| Error::Io {
        path: source.to_owned(),
        other: Some(target.to_owned()),
        source: error,
    })
}

/// Rename a file to a name that must not exist, in one step.
///
/// # Errors
///
/// The target exists, or the file system or the platform has no such rename (`EINVAL`, `ENOSYS`).
pub fn rename_noreplace(source: &Path, target: &Path) -> Result<(), Error> {
    let result = rename_exclusive(source, target);
    result.map_err(|error| Error::Io {
        path: source.to_owned(),
        other: Some(target.to_owned()),
        source: error,
    })
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_exclusive(source: &Path, target: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(
        CWD,
        source,
        CWD,
        target,
        RenameFlags::NOREPLACE,
    )?)
}

#[cfg(all(
    unix,
    not(any(target_os = "linux", target_os = "android", target_vendor = "apple"))
))]
fn rename_exclusive(_source: &Path, _target: &Path) -> io::Result<()> {
    Err(rustix::io::Errno::NOSYS.into())
}

#[cfg(windows)]
fn rename_exclusive(source: &Path, target: &Path) -> io::Result<()> {
    // Windows renames over nothing by moving; the standard library replaces, so say no.
    let _ = (source, target);
    Err(io::ErrorKind::Unsupported.into())
}

/// Give a file a second name, which must not exist, and remove the first.
///
/// # Errors
///
/// The target exists, or the file system has no hard links.
pub fn rename_by_link(source: &Path, target: &Path) -> Result<(), Error> {
    match std::fs::hard_link(source, target) {
        Ok(()) => {}
        // The first try of a network file system did it, and its reply was lost.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && has_links(source) => {}
        Err(error) => {
            return Err(Error::Io {
                path: source.to_owned(),
                other: Some(target.to_owned()),
                source: error,
            });
        }
    }
    let _ = std::fs::remove_file(source); // the caller removes what is left of its temporary files
    Ok(())
}

fn has_links(path: &Path) -> bool {
    #[cfg(unix)]
    return path.symlink_metadata().is_ok_and(|found| found.nlink() > 1);
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// Flush the whole file system that the descriptor is on. Gives whether the platform can.
///
/// # Errors
///
/// The descriptor is not open, or writing back failed.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn sync_filesystem(descriptor: i32) -> io::Result<bool> {
    use std::os::fd::BorrowedFd;
    if descriptor < 0 {
        return Err(rustix::io::Errno::BADF.into());
    }
    // SAFETY: the descriptor is used for this one call only. If the caller closes it meanwhile,
    // another file system is flushed or EBADF comes back; no memory depends on it.
    #[allow(unsafe_code)]
    let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
    rustix::fs::syncfs(descriptor)?;
    Ok(true)
}

/// See the Linux version: no other platform flushes by file system.
///
/// # Errors
///
/// None here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn sync_filesystem(_descriptor: i32) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_need_longer_until_they_tell_of_a_change() {
        let (tick, step) = (TICK_NS, TICK_NS + STEP_NS);
        let second = 7 * SECOND_NS;
        for (mtime, ctime, unseen) in [
            (second + 1, second + 1, tick),
            (second, second + 1, tick), // the time that an archive or a copy gave it
            (second - 1, second, tick),
            (second, second, step),
            (0, second, step),
        ] {
            let newest = mtime.max(ctime);
            assert!(!is_settled(mtime, ctime, newest + unseen));
            assert!(is_settled(mtime, ctime, newest + unseen + 1));
        }
    }
}
