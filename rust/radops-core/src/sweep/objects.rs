//! The objects of a sweep: which records need them, and whether they are good.

use crate::engine::{self, Job};
use crate::error::Error;
use crate::folder::{Folder, Status};
use crate::object_name::ObjectName;
use crate::outline::{BLOCK_SIZE, Digest};
use crate::progress::{Call, Progress};
use crate::reader::{Hashed, Source};
use crate::sys::Stat;
use std::convert::Infallible;
use std::fs::File;
use std::path::Path;

/// The size of an object that no record gives.
const UNKNOWN: u32 = u32::MAX;

/// An object that records name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object {
    pub digest: Digest,
    /// At most a block, or [`UNKNOWN`].
    size: u32,
    /// How many records name it as their file.
    files: u32,
    /// Left to Python, with all files that need it.
    pub left: bool,
    /// Not read, as nothing changed since it was last checked.
    trusted: bool,
}

/// What an earlier check found.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// The object.
    pub digest: Digest,
    /// Its file's stat as it was checked.
    pub stat: Stat,
    /// Whether the check came so long after the file's last change that a later change would show
    /// in the stat.
    pub settled: bool,
}

/// What is good in the end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Files, several of which may share an object.
    pub files: u64,
    /// Objects.
    pub objects: u64,
    /// Bytes of the objects.
    pub bytes: u64,
    /// Objects that were not read, as nothing changed since they were last checked.
    pub trusted: u64,
}

impl Object {
    /// The object with a file's bytes; `None` if it has more than a block.
    pub fn file(digest: Digest, size: u64) -> Option<Self> {
        let size = u32::try_from(size).ok()?;
        let object = Self {
            size,
            files: 1,
            ..Self::other(digest)
        };
        (u64::from(size) <= BLOCK_SIZE).then_some(object)
    }

    /// An object that a record keeps besides its file. The record does not give its size.
    pub fn other(digest: Digest) -> Self {
        Self {
            digest,
            size: UNKNOWN,
            files: 0,
            left: false,
            trusted: false,
        }
    }

    /// Add what another record gives for the same object.
    fn merge(&mut self, other: &Self) {
        self.files = self.files.saturating_add(other.files);
        if self.size == UNKNOWN {
            self.size = other.size;
        }
        // If they differ, one of the records is wrong.
        self.left |= other.size != UNKNOWN && other.size != self.size;
    }

    /// 0 if it is not known.
    fn known_size(&self) -> u64 {
        match self.size {
            UNKNOWN => 0,
            size => u64::from(size),
        }
    }

    fn is_whole(&self, status: &Status) -> bool {
        let size = status.stat.size;
        let right = match self.size {
            UNKNOWN => size <= BLOCK_SIZE,
            known => size == u64::from(known),
        };
        status.regular && !status.writable && right
    }

    fn note_size(&mut self, size: u64) {
        self.size = u32::try_from(size).unwrap_or(UNKNOWN);
    }
}

/// Sort by digest, each digest once.
pub(super) fn sort(list: &mut Vec<Object>) {
    list.sort_unstable_by_key(|object| object.digest);
    list.dedup_by(|again, first| {
        let same = again.digest == first.digest;
        if same {
            first.merge(again);
        }
        same
    });
}

/// The place of an object in a sorted list.
pub(super) fn find(list: &[Object], digest: &Digest) -> Option<usize> {
    list.binary_search_by(|object| object.digest.cmp(digest))
        .ok()
}

/// Totals of all objects that are not left.
pub(super) fn totals(list: &[Object]) -> Totals {
    let good = list.iter().filter(|object| !object.left);
    good.fold(Totals::default(), |totals, object| Totals {
        files: totals.files + u64::from(object.files),
        objects: totals.objects + 1,
        bytes: totals.bytes + object.known_size(),
        trusted: totals.trusted + u64::from(object.trusted),
    })
}

/// Leave objects whose files are not as they should be, without reading them.
pub(super) fn survey(
    objects: Option<&Folder>,
    list: &mut [Object],
    call: &mut Call<'_>,
) -> Result<(), Error> {
    let job = SurveyJob { objects, list };
    let answers = engine::run(&job, call).map_err(|_| Error::Cancelled)?;
    for (object, good) in list.iter_mut().zip(answers) {
        object.left |= !good;
    }
    Ok(())
}

/// Check the bytes of objects and leave those that are not good. Gives what was read and is good,
/// unless the same is known already.
pub(super) fn check(
    objects: Option<&Folder>,
    list: &mut [Object],
    known: &[Known],
    quick: bool,
    call: &mut Call<'_>,
) -> Result<Vec<(Digest, Stat)>, Error> {
    let mut items: Vec<(&mut Object, Option<&Known>)> = Vec::with_capacity(list.len());
    let mut known = known.iter().peekable();
    for object in list.iter_mut().filter(|object| !object.left) {
        while known
            .next_if(|known| known.digest < object.digest)
            .is_some()
        {}
        let found = known.next_if(|known| known.digest == object.digest);
        items.push((object, found.filter(|known| known.settled)));
    }
    let job = ObjectJob {
        objects,
        items: &items,
        quick,
        progress: call.progress,
    };
    let answers = engine::run(&job, call).map_err(|_| Error::Cancelled)?;
    let mut news = Vec::new();
    for ((object, known), verdict) in items.iter_mut().zip(answers) {
        match verdict {
            Verdict::Trusted(size) => {
                object.note_size(size);
                object.trusted = true;
            }
            Verdict::Good(stat) => {
                object.note_size(stat.size);
                if !known.is_some_and(|known| known.stat.same(&stat)) {
                    news.push((object.digest, stat));
                }
            }
            Verdict::Left => object.left = true,
        }
    }
    Ok(news)
}

struct SurveyJob<'a> {
    objects: Option<&'a Folder>,
    list: &'a [Object],
}

impl Job for SurveyJob<'_> {
    type Open = Infallible;
    type Output = bool;

    fn count(&self) -> usize {
        self.list.len()
    }

    fn open(&self, index: usize) -> Result<Self::Open, Self::Output> {
        let object = &self.list[index];
        let name = ObjectName::new(&object.digest);
        let status = self.objects.map(|folder| folder.status(name.path()));
        Err(matches!(status, Some(Ok(status)) if object.is_whole(&status)))
    }

    fn source<'a>(&'a self, open: &'a Self::Open) -> Source<'a> {
        match *open {}
    }

    fn finish(&self, open: Self::Open, _read: Result<Hashed, Error>) -> Self::Output {
        match open {}
    }
}

struct ObjectJob<'a> {
    objects: Option<&'a Folder>,
    items: &'a [(&'a mut Object, Option<&'a Known>)],
    quick: bool,
    progress: &'a Progress,
}

enum Verdict {
    /// With the size.
    Trusted(u64),
    Good(Stat),
    Left,
}

struct OpenObject {
    file: File,
    before: Status,
    digest: Digest,
}

impl ObjectJob<'_> {
    /// The size of an object that did not change since it was found good.
    fn trusted(&self, index: usize, name: &ObjectName) -> Option<u64> {
        let (object, known) = &self.items[index];
        let (true, Some(known), Some(folder)) = (self.quick, known, self.objects) else {
            return None;
        };
        let status = folder.status(name.path()).ok()?;
        let unchanged = object.is_whole(&status) && known.stat.same(&status.stat);
        unchanged.then_some(status.stat.size)
    }

    fn open_whole(&self, index: usize, name: &ObjectName) -> Option<OpenObject> {
        let (object, _) = &self.items[index];
        let file = self.objects?.file(name.path()).ok()?;
        let before = Status::of(&file).ok()?;
        object.is_whole(&before).then_some(OpenObject {
            file,
            before,
            digest: object.digest,
        })
    }
}

impl Job for ObjectJob<'_> {
    type Open = OpenObject;
    type Output = Verdict;

    fn count(&self) -> usize {
        self.items.len()
    }

    fn open(&self, index: usize) -> Result<Self::Open, Self::Output> {
        let name = ObjectName::new(&self.items[index].0.digest);
        if let Some(size) = self.trusted(index, &name) {
            self.progress.add_bytes(size);
            return Err(Verdict::Trusted(size));
        }
        self.open_whole(index, &name).ok_or(Verdict::Left)
    }

    fn source<'a>(&'a self, open: &'a Self::Open) -> Source<'a> {
        Source {
            // Only errors would name it, and they are not reported: Python looks at it again.
            path: Path::new(""),
            file: &open.file,
            size: open.before.stat.size,
            sink: None,
            values_only: false,
        }
    }

    fn finish(&self, open: Self::Open, read: Result<Hashed, Error>) -> Self::Output {
        let right = read.is_ok_and(|hashed| hashed.digest == open.digest);
        // A change of mode shows in the time of change.
        match Status::of(&open.file) {
            Ok(after) if right && after == open.before => Verdict::Good(after.stat),
            _ => Verdict::Left,
        }
    }
}
