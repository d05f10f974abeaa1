//! Writes the files of a directory into a fresh folder.
//!
//! Everything is made through descriptors of folders that this call made, nothing is replaced, no
//! link is followed, and links come last. So whatever a directory contains, nothing outside is
//! touched.

use super::crew::{self, lock};
use super::error::{Error, Result};
use super::glob::Patterns;
use super::reader::Directory;
use super::slices::{Slices, place_of};
use super::written_folders::{Folders, set, taken};
use crate::error::Error as FileError;
use crate::outline::{Digest, StreamHasher};
use crate::progress::Call;
use crate::reader::Control;
use crate::sys;
use crate::tree::{Entries, Kind, LayoutPage, Object, is_packed};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, RawMode, openat};
use rustix::io::Errno;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Most files of a batch.
const BATCH_FILES: usize = 256;

/// Bytes of files after which a batch ends.
const BATCH_BYTES: u64 = 4 << 20;

/// How much of a large file is copied at once.
const PIECE: usize = 1 << 20;

/// How a folder is written.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Permission bits of files.
    pub file_mode: u32,
    /// Permission bits of files that can be executed.
    pub executable_mode: u32,
    /// Permission bits of folders.
    pub folder_mode: u32,
    /// Time of modification of everything, in seconds since 1970.
    pub time: i64,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Entries.
    pub entries: u64,
    /// Bytes of files.
    pub bytes: u64,
}

/// Write the files that match into `target`, which must not exist. What was written stays if the
/// call fails.
///
/// # Errors
///
/// The folder exists, a pack is not here or its bytes are wrong, the file system does not
/// distinguish two names, the disk is full, or the call was stopped.
pub fn write(
    directory: &Directory,
    patterns: &Patterns,
    target: &Path,
    options: &WriteOptions,
    call: &mut Call<'_>,
) -> Result<Written> {
    let folders = Folders::new(target)?;
    let writer = Writer {
        directory,
        patterns,
        options,
        target,
        plan: Mutex::new(Plan {
            page: 0,
            index: 0,
            loaded: None,
            folders,
            links: Vec::new(),
            written: Written::default(),
            failure: None,
        }),
    };
    crew::run(call, |control| writer.work(control))?;
    let plan = writer.plan.into_inner();
    let mut plan = plan.unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(error) = plan.failure.take() {
        return Err(error);
    }
    for (path, link) in &plan.links {
        plan.folders.link(path, link, options.time)?;
    }
    plan.folders.finish(options.folder_mode, options.time)?;
    Ok(plan.written)
}

/// A file to be written.
struct Job {
    folder: Arc<OwnedFd>,
    path: String,
    name_start: usize,
    mode: u32,
    digest: Digest,
    size: u64,
    place: Option<(Object, u64)>,
}

/// How far the entries were taken, and the folders made for them.
struct Plan {
    page: usize,
    index: usize,
    loaded: Option<(Arc<Entries>, Option<Arc<LayoutPage>>)>,
    folders: Folders,
    /// Paths and targets.
    links: Vec<(String, String)>,
    written: Written,
    failure: Option<Error>,
}

struct Writer<'w> {
    directory: &'w Directory,
    patterns: &'w Patterns,
    options: &'w WriteOptions,
    target: &'w Path,
    plan: Mutex<Plan>,
}

impl Writer<'_> {
    fn work(&self, control: &Control<'_>) {
        let mut slices = Slices::new(self.directory.store());
        loop {
            let jobs = {
                let mut plan = lock(&self.plan);
                if control.stopped() || plan.failure.is_some() {
                    return;
                }
                match self.take(&mut plan) {
                    Ok(jobs) => jobs,
                    Err(error) => {
                        plan.failure = Some(error);
                        return;
                    }
                }
            };
            if jobs.is_empty() {
                return;
            }
            for job in jobs {
                if control.stopped() {
                    return;
                }
                if let Err(error) = self.write(&job, &mut slices, control) {
                    lock(&self.plan).failure.get_or_insert(error);
                    return;
                }
            }
        }
    }

    /// Take the next files, and make their folders.
    fn take(&self, plan: &mut Plan) -> Result<Vec<Job>> {
        let mut jobs = Vec::new();
        let mut bytes = 0;
        while jobs.len() < BATCH_FILES && bytes < BATCH_BYTES {
            if plan.page == self.directory.root().page_count() {
                break;
            }
            if plan.loaded.is_none() && !self.is_wanted(plan.page) {
                plan.page += 1;
                continue;
            }
            let (entries, places) = match &plan.loaded {
                Some(loaded) => loaded.clone(),
                None => {
                    let entries = self.directory.entries(plan.page)?;
                    let places = self.directory.places(plan.page)?;
                    plan.loaded.insert((entries, places)).clone()
                }
            };
            if plan.index == entries.len() {
                (plan.page, plan.index, plan.loaded) = (plan.page + 1, 0, None);
                continue;
            }
            let index = plan.index;
            plan.index += 1;
            let entry = entries.get(index);
            if !self.patterns.matches(entry.path) {
                continue;
            }
            plan.written.entries += 1;
            let name_start = entry.path.rfind('/').map_or(0, |slash| slash + 1);
            let folder = &entry.path[..name_start.saturating_sub(1)];
            let mode = match entry.kind {
                Kind::Folder => {
                    plan.folders.enter(entry.path)?;
                    continue;
                }
                Kind::Link => {
                    plan.folders.enter(folder)?;
                    let link = (entry.path.to_owned(), entry.target.to_owned());
                    plan.links.push(link);
                    continue;
                }
                Kind::File => self.options.file_mode,
                Kind::Executable => self.options.executable_mode,
            };
            bytes += entry.size;
            plan.written.bytes += entry.size;
            jobs.push(Job {
                folder: plan.folders.enter(folder)?,
                path: entry.path.to_owned(),
                name_start,
                mode,
                digest: entry.digest,
                size: entry.size,
                place: place_of(&entry, places.as_deref(), index),
            });
        }
        Ok(jobs)
    }

    /// Whether a page may have paths that match.
    fn is_wanted(&self, page: usize) -> bool {
        let prefixes = self.patterns.prefixes().iter();
        prefixes
            .into_iter()
            .any(|prefix| self.directory.pages_with(prefix).contains(&page))
    }

    fn write(&self, job: &Job, slices: &mut Slices<'_>, control: &Control<'_>) -> Result<()> {
        let path = || self.target.join(&job.path);
        let name = &job.path[job.name_start..];
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(job.mode as RawMode);
        let file = match openat(&*job.folder, name, flags, mode) {
            Ok(file) => File::from(file),
            Err(Errno::EXIST) => return Err(taken(&job.folder, name, path())),
            Err(error) => return Err(FileError::io(&path(), error).into()),
        };
        match job.place {
            Some(place) if is_packed(job.size) => {
                let bytes = slices.read_here(&job.path, &job.digest, job.size, place)?;
                sys::write_at(&file, bytes, 0).map_err(|error| FileError::io(&path(), error))?;
                control.add_bytes(job.size);
            }
            Some((own, _)) => self.copy(job, &own, &file, control)?,
            None => {}
        }
        set(&file, job.mode, self.options.time).map_err(|error| FileError::io(&path(), error))?;
        control.file_done();
        Ok(())
    }

    /// Copy a large file, and hash it.
    fn copy(&self, job: &Job, own: &Object, file: &File, control: &Control<'_>) -> Result<()> {
        let store = self.directory.store();
        let source = store.open(own)?;
        let mut hasher = StreamHasher::default();
        let mut buffer = vec![0; PIECE];
        for start in (0..own.size).step_by(PIECE) {
            if control.stopped() {
                return Err(FileError::Cancelled.into());
            }
            let length = (own.size - start).min(PIECE as u64) as usize;
            let piece = &mut buffer[..length];
            let read = sys::read_at(&source, piece, start, length)
                .map_err(|error| FileError::io(&store.path(&own.digest), error))?;
            if read != length {
                return Err(Error::Damaged(*own));
            }
            hasher.update(piece);
            sys::write_at(file, piece, start)
                .map_err(|error| FileError::io(&self.target.join(&job.path), error))?;
            control.add_bytes(length as u64);
        }
        if hasher.finalize().0 != job.digest {
            return Err(Error::Damaged(*own));
        }
        Ok(())
    }
}
