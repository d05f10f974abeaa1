//! Reads the slots of a lake on this machine, many at once, and recognises plain records.

use crate::engine::{self, Job};
use crate::error::Error;
use crate::folder::{Entry, Folder, Walk, is_absent};
use crate::outline::Digest;
use crate::progress::Call;
use crate::reader::{Hashed, Source};
use crate::record::{MAX_PLAIN, Plain, plain, plain_uid};
use crate::sys;
use std::convert::Infallible;
use std::ffi::OsStr;
use std::path::Path;

/// The path of an object below `objects/`.
pub struct ObjectName([u8; 65]);

impl ObjectName {
    /// Of an object.
    pub fn new(digest: &Digest) -> Self {
        let digits = b"0123456789abcdef";
        let mut name = [b'/'; 65];
        for (index, byte) in digest.iter().enumerate() {
            // Behind the first two digits is the slash.
            let at = 2 * index + usize::from(index > 0);
            name[at] = digits[usize::from(byte >> 4)];
            name[at + 1] = digits[usize::from(byte & 15)];
        }
        Self(name)
    }

    /// The digest that a path below `objects/` spells, if it is an object's.
    pub fn parse(name: &OsStr) -> Option<Digest> {
        let name: &[u8; 65] = name.as_encoded_bytes().try_into().ok()?;
        let mut digest = Digest::default();
        for (index, byte) in digest.iter_mut().enumerate() {
            let at = 2 * index + usize::from(index > 0);
            let digit = |at: usize| match name[at] {
                digit @ b'0'..=b'9' => Some(digit - b'0'),
                digit @ b'a'..=b'f' => Some(digit - b'a' + 10),
                _ => None,
            };
            *byte = digit(at)? << 4 | digit(at + 1)?;
        }
        (name[2] == b'/').then_some(digest)
    }

    /// As a path.
    pub fn path(&self) -> &Path {
        Path::new(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

/// The slots of a lake on this machine whose names begin with a prefix.
pub(crate) struct Slots {
    refs: Option<Folder>,
    walk: Walk,
}

/// What a batch of slots holds.
pub struct Batch<T> {
    /// Names whose first slot holds a plain record, and what was made of it.
    pub plain: Vec<(String, T)>,
    /// All else: slots to be looked at in another way, and what is no slot at all.
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
    /// `look` is given name and record of those that are plain; where it makes nothing of them, the
    /// slot is left to others.
    pub fn next<T: Send + Sync>(
        &mut self,
        most: usize,
        call: &mut Call<'_>,
        look: impl Fn(&str, &Plain<'_>) -> Option<T> + Sync,
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
            plain: Vec::with_capacity(entries.len()),
            rest: Vec::new(),
        };
        for (entry, answer) in entries.into_iter().zip(answers) {
            match (answer, entry.key.to_str().and_then(plain_uid)) {
                (Some(plain), Some(uid)) => batch.plain.push((uid.to_owned(), plain)),
                _ => batch.rest.push(entry),
            }
        }
        Ok(Some(batch))
    }
}

/// What a listing tells of a file.
pub struct Row {
    /// Of its bytes.
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
    /// When it was made.
    pub created_at: String,
    /// Who made it.
    pub originator: String,
    /// Whether an object of that digest and size stands here.
    pub here: bool,
}

/// The plain records of a lake, for a listing.
pub struct Records {
    slots: Slots,
    objects: Option<Folder>,
}

impl Records {
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

    /// Read the next slots, at most `most`; `None` when there are no more.
    ///
    /// # Errors
    ///
    /// A folder cannot be read, or the call was stopped.
    pub fn next(&mut self, most: usize, call: &mut Call<'_>) -> Result<Option<Batch<Row>>, Error> {
        let objects = self.objects.as_ref();
        self.slots.next(most, call, |_, record| {
            let name = ObjectName::new(&record.digest);
            let status = objects.map(|folder| folder.status(name.path()));
            let here = match status {
                // A link, say: others follow it.
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

struct SlotJob<'a, F> {
    refs: &'a Folder,
    entries: &'a [Entry],
    look: F,
}

impl<T, F> SlotJob<'_, F>
where
    F: Fn(&str, &Plain<'_>) -> Option<T>,
{
    fn read(&self, entry: &Entry) -> Option<T> {
        let uid = entry.key.to_str().and_then(plain_uid)?;
        if !entry.regular {
            return None;
        }
        // Room for one byte more than there may be.
        let mut buffer = [0; MAX_PLAIN + 1];
        let file = self.refs.file(Path::new(&entry.key)).ok()?;
        let size = sys::read_at(&file, &mut buffer, 0, MAX_PLAIN + 1).ok()?;
        if size > MAX_PLAIN {
            return None;
        }
        (self.look)(uid, &plain(&buffer[..size], uid)?)
    }
}

impl<T, F> Job for SlotJob<'_, F>
where
    T: Send + Sync,
    F: Fn(&str, &Plain<'_>) -> Option<T> + Sync,
{
    /// Slots are short: they are answered for at once.
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
