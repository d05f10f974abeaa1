//! Reads the slots of a lake on this machine, many at once, and decodes what they hold.

use crate::engine::{self, Job};
use crate::error::Error;
use crate::folder::{Entry, Folder, Walk, is_absent};
use crate::object_name::ObjectName;
use crate::outline::Digest;
use crate::progress::Call;
use crate::reader::{Hashed, Source};
use crate::record::{Record, Slot, SlotName, decode, first_slot};
use crate::sys;
use std::convert::Infallible;
use std::io;
use std::path::Path;

/// Almost every record is shorter: a buffer on the stack holds it.
const SHORT: usize = 4096;

/// A record with a call in it has little more than 64 KiB. Longer ones are left to Python.
const LONG: usize = 256 * 1024;

/// The slots of a lake on this machine whose names begin with a prefix.
pub(crate) struct Slots {
    refs: Option<Folder>,
    walk: Walk,
}

/// What a batch of slots holds.
pub struct Batch<T> {
    /// Names whose first slot holds the record of a file that exists, and what was made of it.
    pub found: Vec<(String, T)>,
    /// All else: slots to be looked at in another way, and keys that are not of slots.
    pub rest: Vec<Entry>,
}

impl Slots {
    /// The slots in `lake`, the folder of a lake, whose names begin with `prefix`.
    pub fn new(lake: &Path, prefix: &str, recursive: bool) -> Result<Self, Error> {
        let path = lake.join("refs");
        Ok(Self {
            refs: open_folder(&path)?,
            walk: Walk::new(&path, prefix, recursive)?,
        })
    }

    /// Read the next slots, at most `most`; `None` when there are no more.
    ///
    /// `look` is given name and record of each first slot with the record of a file or directory
    /// whose commit has happened. Where it returns `None`, the slot is part of the rest.
    pub fn next<T: Send + Sync>(
        &mut self,
        most: usize,
        call: &mut Call<'_>,
        look: impl Fn(&str, &Record<'_>) -> Option<T> + Sync,
    ) -> Result<Option<Batch<T>>, Error> {
        let entries = self.walk.next(most)?;
        let Some(refs) = self.refs.as_ref().filter(|_| !entries.is_empty()) else {
            return Ok(None);
        };
        let job = SlotJob {
            refs,
            entries: &entries,
            look,
        };
        let answers = engine::run(&job, call).map_err(|_| Error::Cancelled)?;
        let mut batch = Batch {
            found: Vec::with_capacity(entries.len()),
            rest: Vec::new(),
        };
        for (entry, answer) in entries.into_iter().zip(answers) {
            match (answer, entry.key.to_str().and_then(first_slot)) {
                (Some(found), Some(uid)) => batch.found.push((uid.to_owned(), found)),
                _ => batch.rest.push(entry),
            }
        }
        Ok(Some(batch))
    }
}

/// What a listing shows of a file.
pub struct Row {
    /// Of its bytes.
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
    /// When it was made.
    pub created_at: String,
    /// Who made it.
    pub originator: String,
    /// Whether an object of that digest and size is on this machine.
    pub here: bool,
}

/// The files of a lake, for a listing.
pub struct Files {
    slots: Slots,
    objects: Option<Folder>,
}

impl Files {
    /// Those in the folder of a lake whose names begin with a prefix; without `recursive` not those
    /// with a further slash in their names.
    ///
    /// # Errors
    ///
    /// A folder cannot be read.
    pub fn new(store: &Path, lake: &Path, prefix: &str, recursive: bool) -> Result<Self, Error> {
        Ok(Self {
            slots: Slots::new(lake, prefix, recursive)?,
            objects: open_folder(&store.join("objects"))?,
        })
    }

    /// Read the next slots, at most `most`; `None` when there are no more. Directories are part of
    /// the rest: whether they are here depends on more than one object.
    ///
    /// # Errors
    ///
    /// A folder cannot be read, or the call was stopped.
    pub fn next(&mut self, most: usize, call: &mut Call<'_>) -> Result<Option<Batch<Row>>, Error> {
        let objects = self.objects.as_ref();
        self.slots.next(most, call, |_, record| {
            if record.directory.is_some() {
                return None;
            }
            let name = ObjectName::new(&record.digest);
            let status = objects.map(|folder| folder.status(name.path()));
            let here = match status {
                // A link, say: Python follows it.
                Some(Ok(status)) if !status.regular => return None,
                Some(Ok(status)) => status.stat.size == record.size,
                _ => false,
            };
            Some(Row {
                digest: record.digest,
                size: record.size,
                created_at: record.created_at.to_owned(),
                originator: record.originator.to_owned(),
                here,
            })
        })
    }
}

/// Open a folder; `None` if it is not there.
pub(crate) fn open_folder(path: &Path) -> Result<Option<Folder>, Error> {
    match Folder::open(path) {
        Ok(folder) => Ok(Some(folder)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(Error::io(path, error)),
    }
}

/// Read a small file below a folder and return what `look` makes of its bytes; `None` if it cannot
/// be read, or is too long for a record that is decoded here.
pub(crate) fn with_small<T>(
    folder: &Folder,
    name: &Path,
    look: impl FnOnce(&[u8]) -> Option<T>,
) -> Option<T> {
    let file = folder.file(name).ok()?;
    let read = |buffer: &mut [u8]| -> io::Result<usize> {
        let enough = buffer.len();
        sys::read_at(&file, buffer, 0, enough)
    };
    // One byte more than there may be.
    let mut short = [0; SHORT + 1];
    let size = read(&mut short).ok()?;
    if size <= SHORT {
        return look(&short[..size]);
    }
    let expected = usize::try_from(file.metadata().ok()?.len()).ok()?;
    if expected > LONG {
        return None;
    }
    let mut long = vec![0; expected + 1];
    let size = read(&mut long).ok()?;
    // Otherwise it grew meanwhile.
    if size > expected {
        return None;
    }
    look(&long[..size])
}

struct SlotJob<'a, F> {
    refs: &'a Folder,
    entries: &'a [Entry],
    look: F,
}

impl<T, F> SlotJob<'_, F>
where
    F: Fn(&str, &Record<'_>) -> Option<T>,
{
    fn read(&self, entry: &Entry) -> Option<T> {
        let uid = entry.key.to_str().and_then(first_slot)?;
        if !entry.regular {
            return None;
        }
        with_small(self.refs, Path::new(&entry.key), |raw| {
            let Some(Slot::File(record)) = decode(raw, uid) else {
                return None;
            };
            if !self.is_committed(&record, uid) {
                return None;
            }
            (self.look)(uid, &record)
        })
    }

    /// Whether the commit of the record in the first slot of `uid` certainly has happened.
    fn is_committed(&self, record: &Record<'_>, uid: &str) -> bool {
        record.commits_itself(uid, 0) || {
            let SlotName { uid: first, .. } = record.primary;
            let key = record.primary.key();
            let happened = with_small(self.refs, Path::new(&key), |raw| {
                Some(decode(raw, first)?.commits(&record.commit_id))
            });
            happened == Some(true)
        }
    }
}

impl<T, F> Job for SlotJob<'_, F>
where
    T: Send + Sync,
    F: Fn(&str, &Record<'_>) -> Option<T> + Sync,
{
    /// Slots are short: each is read at once.
    type Open = Infallible;
    type Output = Option<T>;

    fn count(&self) -> usize {
        self.entries.len()
    }

    fn open(&self, index: usize) -> Result<Self::Open, Self::Output> {
        Err(self.read(&self.entries[index]))
    }

    fn source<'a>(&'a self, open: &'a Self::Open) -> Source<'a> {
        match *open {}
    }

    fn finish(&self, open: Self::Open, _read: Result<Hashed, Error>) -> Self::Output {
        match open {}
    }
}
