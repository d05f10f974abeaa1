//! Many small files at once: written, made ready, given their names, removed, looked at.
//!
//! One file of these costs a few system calls and nothing else; what a caller saves is going
//! through the list one by one. Nothing is flushed to disk.

#[cfg(unix)]
use crate::beneath::{Place, Root, set_mode};
use crate::engine;
use crate::error::{Cancelled, Error};
use crate::progress::Call;
use crate::sys::{self, Stat};
use std::fs;
use std::io;
use std::path::Path;

/// An answer for each file, in order.
pub type Answers<T> = Result<Vec<Result<T, Error>>, Cancelled>;

/// Where files are: anywhere, or below one root without a link on the way.
pub enum Site {
    /// Paths are followed as the system follows them.
    Anywhere,
    /// Paths begin with that of the root, and no symbolic link below it is followed.
    #[cfg(unix)]
    Beneath(Root),
}

/// How a file gets a new name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// A rename over what has the name.
    Replace,
    /// A rename that fails if anything has the name.
    Rename,
    /// A second name, which must not exist; then the first is removed. For network file systems:
    /// where the reply was lost, the number of links shows that the name is ours.
    Link,
}

/// Write files that must not exist, each with its whole content and permission bits. A file that
/// could not be written whole is removed.
///
/// The umask counts anywhere, not below a root.
///
/// # Errors
///
/// Only that the whole call was stopped; then every file it made is removed.
pub fn write_files<P, B>(
    site: &Site,
    files: &[(P, B)],
    mode: u32,
    call: &mut Call<'_>,
) -> Answers<()>
where
    P: AsRef<Path> + Sync,
    B: AsRef<[u8]> + Sync,
{
    let write = |index: usize| {
        let (path, content) = (files[index].0.as_ref(), files[index].1.as_ref());
        match site {
            Site::Anywhere => write_file(path, content, mode),
            #[cfg(unix)]
            Site::Beneath(root) => {
                write_beneath(root, path, content, mode).map_err(|error| Error::io(path, error))
            }
        }
    };
    let discard = |index: usize, answer: Result<(), Error>| {
        if answer.is_ok() {
            // Nothing can be reported any more; what is left is a file that was never announced.
            let _ = remove_file(site, files[index].0.as_ref());
        }
    };
    engine::each(files.len(), write, discard, call)
}

pub(crate) fn write_file(path: &Path, content: &[u8], mode: u32) -> Result<(), Error> {
    let file = sys::create_new(path, mode)?;
    sys::write_at(&file, content, 0).map_err(|error| {
        let _ = fs::remove_file(path);
        Error::io(path, error)
    })
}

#[cfg(unix)]
fn write_beneath(root: &Root, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    use std::os::fd::AsFd;
    let place = root.place(path)?;
    let file = place.create_new(mode)?;
    let written = set_mode(file.as_fd(), mode).and_then(|()| sys::write_at(&file, content, 0));
    written.inspect_err(|_| {
        let _ = place.remove();
    })
}

/// Give files permission bits, whatever the umask, and now as their time of modification.
///
/// # Errors
///
/// Only that the whole call was stopped; then some are done and some are not.
pub fn finish_files<P: AsRef<Path> + Sync>(
    site: &Site,
    paths: &[P],
    mode: u32,
    call: &mut Call<'_>,
) -> Answers<()> {
    let finish = |index: usize| {
        let path = paths[index].as_ref();
        match site {
            Site::Anywhere => sys::set_mode_and_time(path, mode),
            #[cfg(unix)]
            Site::Beneath(root) => {
                let opened = root.place(path).and_then(|place| place.open());
                let done = opened.and_then(|file| sys::set_mode_and_time_of(&file, mode));
                done.map_err(|error| Error::io(path, error))
            }
        }
    };
    engine::each(paths.len(), finish, |_, _| (), call)
}

/// Give files new names, each in one step.
///
/// Folders that are not there are made.
///
/// # Errors
///
/// Only that the whole call was stopped; then some have their new names and some do not.
pub fn place_files<P: AsRef<Path> + Sync>(
    site: &Site,
    pairs: &[(P, P)],
    naming: Naming,
    call: &mut Call<'_>,
) -> Answers<()> {
    let place = |index: usize| {
        let (source, target) = (pairs[index].0.as_ref(), pairs[index].1.as_ref());
        match site {
            Site::Anywhere => place_anywhere(source, target, naming),
            #[cfg(unix)]
            Site::Beneath(root) => {
                place_beneath(root, source, target, naming).map_err(|error| Error::Io {
                    path: source.to_owned(),
                    other: Some(target.to_owned()),
                    source: error,
                })
            }
        }
    };
    engine::each(pairs.len(), place, |_, _| (), call)
}

fn place_anywhere(source: &Path, target: &Path, naming: Naming) -> Result<(), Error> {
    let name = || match naming {
        Naming::Replace => sys::rename(source, target),
        Naming::Rename => sys::rename_noreplace(source, target),
        Naming::Link => sys::rename_by_link(source, target),
    };
    match name() {
        // Nothing is made where the source is gone as well: a share that was unmounted leaves
        // an empty folder behind.
        Err(error) if error.is_absent() && source.symlink_metadata().is_ok() => {
            if let Some(folder) = target.parent() {
                fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
            }
            name()
        }
        answer => answer,
    }
}

#[cfg(unix)]
fn place_beneath(root: &Root, source: &Path, target: &Path, naming: Naming) -> io::Result<()> {
    let from = root.place(source)?;
    let name = |to: &Place<'_>| match naming {
        Naming::Replace => from.rename(to),
        Naming::Rename => from.rename_noreplace(to),
        Naming::Link => match from.link(to) {
            // The first try of a network file system did it, and its reply was lost.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && from.is_linked() => {
                Ok(())
            }
            answer => answer,
        }
        .map(|()| {
            let _ = from.remove(); // the caller removes what is left of its temporary files
        }),
    };
    match root.place(target).and_then(|to| name(&to)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && from.exists() => {
            name(&root.make_place(target)?)
        }
        answer => answer,
    }
}

/// Remove files. One that is not there is an error of its own, as any other.
///
/// # Errors
///
/// Only that the whole call was stopped; then some are removed and some are not.
pub fn remove_files<P: AsRef<Path> + Sync>(
    site: &Site,
    paths: &[P],
    call: &mut Call<'_>,
) -> Answers<()> {
    let remove = |index: usize| {
        let path = paths[index].as_ref();
        remove_file(site, path).map_err(|error| Error::io(path, error))
    };
    engine::each(paths.len(), remove, |_, _| (), call)
}

fn remove_file(site: &Site, path: &Path) -> io::Result<()> {
    match site {
        Site::Anywhere => fs::remove_file(path),
        #[cfg(unix)]
        Site::Beneath(root) => root.place(path)?.remove(),
    }
}

/// Look at files without following links: the stat of a regular file, `None` if there is nothing
/// of that name; an error for what is neither.
///
/// # Errors
///
/// Only that the whole call was stopped.
pub fn stat_files<P: AsRef<Path> + Sync>(
    paths: &[P],
    call: &mut Call<'_>,
) -> Answers<Option<Stat>> {
    let look = |index: usize| sys::stat_regular(paths[index].as_ref());
    engine::each(paths.len(), look, |_, _| (), call)
}
