//! Many small files at once: written, made ready, given their names, looked at.
//!
//! One file of these costs a few system calls and nothing else; what a caller saves is going
//! through the list one by one. Nothing is flushed to disk.

use crate::engine;
use crate::error::{Cancelled, Error};
use crate::progress::Call;
use crate::sys::{self, Stat};
use std::fs;
use std::path::Path;

/// An answer for each file, in order.
pub type Answers<T> = Result<Vec<Result<T, Error>>, Cancelled>;

/// Write files that must not exist, each with its whole content and permission bits. A file that
/// could not be written whole is removed.
///
/// # Errors
///
/// Only that the whole call was stopped; then every file it made is removed.
pub fn write_files<P, B>(files: &[(P, B)], mode: u32, call: &mut Call<'_>) -> Answers<()>
where
    P: AsRef<Path> + Sync,
    B: AsRef<[u8]> + Sync,
{
    let write = |index: usize| {
        let (path, content) = &files[index];
        write_file(path.as_ref(), content.as_ref(), mode)
    };
    let discard = |index: usize, answer: Result<(), Error>| {
        if answer.is_ok() {
            // There is nobody to tell; what is left is a file that was never announced.
            let _ = fs::remove_file(files[index].0.as_ref());
        }
    };
    engine::each(files.len(), write, discard, call)
}

fn write_file(path: &Path, content: &[u8], mode: u32) -> Result<(), Error> {
    let file = sys::create_new(path, mode)?;
    sys::write_at(&file, content, 0).map_err(|error| {
        let _ = fs::remove_file(path);
        Error::io(path, error)
    })
}

/// Give files permission bits, whatever the umask, and now as their time of modification.
///
/// # Errors
///
/// Only that the whole call was stopped; then some are done and some are not.
pub fn finish_files<P: AsRef<Path> + Sync>(
    paths: &[P],
    mode: u32,
    call: &mut Call<'_>,
) -> Answers<()> {
    let finish = |index: usize| sys::set_mode_and_time(paths[index].as_ref(), mode);
    engine::each(paths.len(), finish, |_, _| (), call)
}

/// Rename files, each in one step: over what has the name, or only if nothing has it.
///
/// Folders that are not there are made.
///
/// # Errors
///
/// Only that the whole call was stopped; then some have their new names and some do not.
pub fn place_files<P: AsRef<Path> + Sync>(
    pairs: &[(P, P)],
    replace: bool,
    call: &mut Call<'_>,
) -> Answers<()> {
    let place = |index: usize| {
        let (source, target) = (pairs[index].0.as_ref(), pairs[index].1.as_ref());
        let rename = || match replace {
            true => sys::rename(source, target),
            false => sys::rename_noreplace(source, target),
        };
        match rename() {
            // Nothing is made where the source is gone as well: a share that was unmounted leaves
            // an empty folder behind.
            Err(error) if error.is_absent() && source.symlink_metadata().is_ok() => {
                if let Some(folder) = target.parent() {
                    fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
                }
                rename()
            }
            answer => answer,
        }
    };
    engine::each(pairs.len(), place, |_, _| (), call)
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
