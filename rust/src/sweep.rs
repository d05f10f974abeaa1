//! Confirms what is as it should be in a lake of very many small files, and tells what is not.
//!
//! A sweep reads the slots, takes those with plain records, and checks each object that these name
//! once. What is good is only counted. All else is left to others, who look at it again, one by
//! one, and say what is wrong: slots that are not plain, large objects, and every file whose object
//! is missing, wrong or not what it should be.

use crate::engine::{self, Job};
use crate::error::Error;
use crate::folder::{Entry, Folder, Status, Walk};
use crate::outline::{BLOCK_SIZE, Digest};
use crate::progress::{Call, Progress};
use crate::reader::{Hashed, Source};
use crate::slots::{Batch, ObjectName, Slots, open_folder};
use crate::sys::Stat;
use std::convert::Infallible;
use std::fs::File;
use std::path::{Path, PathBuf};

/// An object that plain records name.
struct Object {
    digest: Digest,
    /// At most a block.
    size: u32,
    /// How many records name it.
    users: u32,
    /// Left to others, with all files that need it.
    left: bool,
}

/// What an earlier check found.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// The object.
    pub digest: Digest,
    /// Its file's stat as it was checked.
    pub stat: Stat,
    /// Whether the check came so long after the file's last change that the stat tells.
    pub settled: bool,
}

/// What a batch of objects came to.
#[derive(Debug, Default)]
pub struct Checked {
    /// How many were trusted as nothing changed since they were checked.
    pub trusted: usize,
    /// Those that are good, unless the same is known already.
    pub news: Vec<(Digest, Stat)>,
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
}

/// What reading a batch of slots gave.
#[derive(Debug, Default)]
pub struct Read {
    /// Names of files that are taken care of.
    pub names: Vec<String>,
    /// What is left to others.
    pub rest: Vec<Entry>,
}

/// A check of one lake. Call `read` until there is no more, then `sort`, and so on downwards.
pub struct Sweep {
    store: PathBuf,
    lake: PathBuf,
    prefix: String,
    slots: Slots,
    files: Option<Folder>,
    objects: Option<Folder>,
    /// Forty-four bytes each; sorted once all slots were read.
    list: Vec<Object>,
    strays: Option<Walk>,
}

impl Sweep {
    /// A sweep of the files of a lake whose names begin with a prefix.
    ///
    /// # Errors
    ///
    /// A folder cannot be read.
    pub fn new(store: &Path, lake: &Path, prefix: &str) -> Result<Self, Error> {
        Ok(Self {
            store: store.to_owned(),
            lake: lake.to_owned(),
            prefix: prefix.to_owned(),
            slots: Slots::new(lake, prefix, true)?,
            files: open_folder(&lake.join("files"))?,
            objects: open_folder(&store.join("objects"))?,
            list: Vec::new(),
            strays: None,
        })
    }

    /// Read the next slots, at most `most`; `None` when there are no more.
    ///
    /// # Errors
    ///
    /// A folder cannot be read, or the call was stopped.
    pub fn read(&mut self, most: usize, call: &mut Call<'_>) -> Result<Option<Read>, Error> {
        let views = self.files.as_ref();
        let batch = self.slots.next(most, call, |uid, record| {
            let size = u32::try_from(record.size).ok()?;
            let small = u64::from(size) <= BLOCK_SIZE;
            (small && !has_view(views, uid)).then_some((record.digest, size))
        })?;
        let Some(Batch { plain, rest }) = batch else {
            return Ok(None);
        };
        let mut names = Vec::with_capacity(plain.len());
        for (name, (digest, size)) in plain {
            names.push(name);
            self.list.push(Object {
                digest,
                size,
                users: 1,
                left: false,
            });
        }
        Ok(Some(Read { names, rest }))
    }

    /// Have each object once.
    pub fn sort(&mut self) {
        self.list.sort_unstable_by_key(|object| object.digest);
        self.list.dedup_by(|again, first| {
            let same = again.digest == first.digest;
            if same {
                first.users = first.users.saturating_add(again.users);
                // One of the records is wrong.
                first.left |= again.size != first.size;
            }
            same
        });
    }

    /// How many objects there are.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// The digest of an object.
    pub fn digest(&self, index: usize) -> Option<&Digest> {
        self.list.get(index).map(|object| &object.digest)
    }

    /// Leave an object to others, if it is one of these.
    pub fn leave(&mut self, digest: &Digest) {
        if let Ok(index) = self.find(digest) {
            self.list[index].left = true;
        }
    }

    fn find(&self, digest: &Digest) -> Result<usize, usize> {
        self.list
            .binary_search_by(|object| object.digest.cmp(digest))
    }

    /// Leave objects that do not stand as they should to others, without reading them: at most
    /// `most` are looked at from the one numbered `start`.
    ///
    /// # Errors
    ///
    /// The call was stopped.
    pub fn survey(&mut self, start: usize, most: usize, call: &mut Call<'_>) -> Result<(), Error> {
        let end = self.list.len().min(start.saturating_add(most));
        let job = SurveyJob {
            objects: self.objects.as_ref(),
            list: &self.list[start.min(end)..end],
        };
        let answers = engine::run(&job, call).map_err(|_| Error::Cancelled)?;
        for (object, good) in self.list[start.min(end)..end].iter_mut().zip(answers) {
            object.left |= !good;
        }
        Ok(())
    }

    /// Check the bytes of at most `most` objects from the one numbered `start`, and leave those
    /// that are not good to others.
    ///
    /// With `quick` an object whose stat is as `known` says is not read. `known` is sorted by
    /// digest.
    ///
    /// # Errors
    ///
    /// The call was stopped.
    pub fn check(
        &mut self,
        start: usize,
        most: usize,
        known: &[Known],
        quick: bool,
        call: &mut Call<'_>,
    ) -> Result<Checked, Error> {
        let end = self.list.len().min(start.saturating_add(most));
        let list = &mut self.list[start.min(end)..end];
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
            objects: self.objects.as_ref(),
            items: &items,
            quick,
            progress: call.progress,
        };
        let answers = engine::run(&job, call).map_err(|_| Error::Cancelled)?;
        let mut checked = Checked::default();
        for ((object, known), verdict) in items.iter_mut().zip(answers) {
            match verdict {
                Verdict::Trusted => checked.trusted += 1,
                Verdict::Good(stat) if known.is_some_and(|known| known.stat.same(&stat)) => {}
                Verdict::Good(stat) => checked.news.push((object.digest, stat)),
                Verdict::Left => object.left = true,
            }
        }
        Ok(checked)
    }

    /// What was not left to others.
    pub fn totals(&self) -> Totals {
        let good = self.list.iter().filter(|object| !object.left);
        good.fold(Totals::default(), |totals, object| Totals {
            files: totals.files + u64::from(object.users),
            objects: totals.objects + 1,
            bytes: totals.bytes + u64::from(object.size),
        })
    }

    /// How many objects were left to others.
    pub fn left(&self) -> usize {
        self.list.iter().filter(|object| object.left).count()
    }

    /// Begin to read the slots anew, for `users`.
    ///
    /// # Errors
    ///
    /// A folder cannot be read.
    pub fn rewind(&mut self) -> Result<(), Error> {
        self.slots = Slots::new(&self.lake, &self.prefix, true)?;
        Ok(())
    }

    /// The names of files whose object was left to others, among the next slots, at most `most`;
    /// `None` when there are no more.
    ///
    /// # Errors
    ///
    /// A folder cannot be read, or the call was stopped.
    pub fn users(
        &mut self,
        most: usize,
        call: &mut Call<'_>,
    ) -> Result<Option<Vec<String>>, Error> {
        let list = &self.list;
        let batch = self.slots.next(most, call, |_, record| {
            let found = list.binary_search_by(|object| object.digest.cmp(&record.digest));
            found.is_ok_and(|index| list[index].left).then_some(())
        })?;
        Ok(batch.map(|batch| batch.plain.into_iter().map(|(name, ())| name).collect()))
    }

    /// What stands below `objects/` and is not one of the objects that were found good, at most
    /// `most` of it; `None` when there is no more.
    ///
    /// # Errors
    ///
    /// A folder cannot be read.
    pub fn strangers(&mut self, most: usize) -> Result<Option<Vec<Entry>>, Error> {
        let mut walk = match self.strays.take() {
            Some(walk) => walk,
            None => Walk::new(&self.store.join("objects"), "", true)?,
        };
        let mut found = walk.next(most)?;
        if found.is_empty() {
            return Ok(None);
        }
        self.strays = Some(walk);
        found.retain(|entry| {
            let index = ObjectName::parse(&entry.key).and_then(|digest| self.find(&digest).ok());
            index.is_none_or(|index| self.list[index].left)
        });
        Ok(Some(found))
    }
}

/// Whether something stands under a name for people; folders there hold names of other files.
fn has_view(files: Option<&Folder>, uid: &str) -> bool {
    let found = files.map(|folder| folder.status(Path::new(uid)));
    matches!(found, Some(Ok(status)) if !status.folder)
}

fn is_whole(status: &Status, object: &Object) -> bool {
    status.regular && !status.writable && status.stat.size == u64::from(object.size)
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
        Err(matches!(status, Some(Ok(status)) if is_whole(&status, object)))
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
    Trusted,
    Good(Stat),
    Left,
}

struct OpenObject {
    file: File,
    before: Status,
    digest: Digest,
}

impl ObjectJob<'_> {
    /// Whether nothing changed since the object was found good.
    fn is_trusted(&self, index: usize, name: &ObjectName) -> bool {
        let (object, known) = &self.items[index];
        let (true, Some(known), Some(folder)) = (self.quick, known, self.objects) else {
            return false;
        };
        let status = folder.status(name.path());
        status.is_ok_and(|status| is_whole(&status, object) && known.stat.same(&status.stat))
    }

    fn open_whole(&self, index: usize, name: &ObjectName) -> Option<OpenObject> {
        let (object, _) = &self.items[index];
        let file = self.objects?.file(name.path()).ok()?;
        let before = Status::of(&file).ok()?;
        is_whole(&before, object).then_some(OpenObject {
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
        let object = &self.items[index].0;
        let name = ObjectName::new(&object.digest);
        if self.is_trusted(index, &name) {
            self.progress.add_bytes(u64::from(object.size));
            return Err(Verdict::Trusted);
        }
        self.open_whole(index, &name).ok_or(Verdict::Left)
    }

    fn source<'a>(&'a self, open: &'a Self::Open) -> Source<'a> {
        Source {
            // Nobody is told: whoever looks at it again finds out what is wrong.
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
