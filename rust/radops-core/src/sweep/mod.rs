//! Checks a lake of very many small files in bulk, and finds out which files need a closer look.
//!
//! A sweep reads the slots, takes the records of small files (imported, or results of calls), and
//! checks each object that these need once. What is good is only counted. Everything else is left
//! to Python, which looks at it again, one by one, and words what is wrong: slots that do not hold
//! such records, large objects, directories, and every file of which an object is missing, wrong or
//! not in the state that it should be in.
//!
//! A file is either checked here with all of its objects, or left with all of them: so nothing is
//! counted twice.

mod objects;

pub use objects::{Known, Totals};

use crate::error::Error;
use crate::folder::{Entry, Folder, Walk};
use crate::object_name::ObjectName;
use crate::outline::Digest;
use crate::progress::Call;
use crate::record::{Origin, Record, is_edge};
use crate::slots::{Batch, Slots, open_folder, with_small};
use crate::sys::Stat;
use objects::Object;
use std::path::{Path, PathBuf};

/// What reading a batch of slots gave.
#[derive(Debug, Default)]
pub struct Read {
    /// Names of files whose objects are checked here.
    pub names: Vec<String>,
    /// What is left to Python.
    pub rest: Vec<Entry>,
}

/// A check of one lake. Call `read` until there is no more, then `sort`, and so on downwards.
pub struct Sweep {
    store: PathBuf,
    lake: PathBuf,
    prefix: String,
    slots: Slots,
    files: Option<Folder>,
    edges: Option<Folder>,
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
            edges: open_folder(&lake.join("edges"))?,
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
        let (views, edges) = (self.files.as_ref(), self.edges.as_ref());
        let batch = self.slots.next(most, call, |uid, record| {
            let needs = needs(record)?;
            let simple = !has_view(views, uid) && has_edges(edges, record, uid);
            simple.then_some(needs)
        })?;
        let Some(Batch { found, rest }) = batch else {
            return Ok(None);
        };
        let mut names = Vec::with_capacity(found.len());
        for (name, (file, others)) in found {
            names.push(name);
            self.list.push(file);
            self.list.extend(others);
        }
        Ok(Some(Read { names, rest }))
    }

    /// Sort the objects, once all slots were read, and merge what records say of the same object.
    pub fn sort(&mut self) {
        objects::sort(&mut self.list);
    }

    /// How many objects there are.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// The digest of an object.
    pub fn digest(&self, index: usize) -> Option<&Digest> {
        self.list.get(index).map(|object| &object.digest)
    }

    /// Leave an object to Python, if it is one of these.
    pub fn leave(&mut self, digest: &Digest) {
        if let Some(index) = objects::find(&self.list, digest) {
            self.list[index].left = true;
        }
    }

    /// At most `most` objects from the one numbered `start`.
    fn slice(&mut self, start: usize, most: usize) -> &mut [Object] {
        let end = self.list.len().min(start.saturating_add(most));
        &mut self.list[start.min(end)..end]
    }

    /// Leave objects whose files are not as they should be, without reading them: at most `most`
    /// are looked at from the one numbered `start`.
    ///
    /// # Errors
    ///
    /// The call was stopped.
    pub fn survey(&mut self, start: usize, most: usize, call: &mut Call<'_>) -> Result<(), Error> {
        let folder = self.objects.take();
        let done = objects::survey(folder.as_ref(), self.slice(start, most), call);
        self.objects = folder;
        done
    }

    /// Check the bytes of at most `most` objects from the one numbered `start`, and leave those
    /// that are not good. Gives those that were read and are good, unless the same is known.
    ///
    /// With `quick` an object whose stat is as in `known` is not read. `known` is sorted by digest.
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
    ) -> Result<Vec<(Digest, Stat)>, Error> {
        let folder = self.objects.take();
        let news = objects::check(folder.as_ref(), self.slice(start, most), known, quick, call);
        self.objects = folder;
        news
    }

    /// Totals of all that was not left.
    pub fn totals(&self) -> Totals {
        objects::totals(&self.list)
    }

    /// How many objects were left.
    pub fn left(&self) -> usize {
        self.list.iter().filter(|object| object.left).count()
    }

    /// Read the slots once more from the beginning, for `users`.
    ///
    /// # Errors
    ///
    /// A folder cannot be read.
    pub fn rewind(&mut self) -> Result<(), Error> {
        self.slots = Slots::new(&self.lake, &self.prefix, true)?;
        Ok(())
    }

    /// The names of files that need an object which was left, among the next slots, at most
    /// `most`; `None` when there are no more. All other objects of these files are left too, so
    /// more files may need one: rewind and read again until no more objects are left.
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
            let found = record
                .keeps
                .iter()
                .filter_map(|one| objects::find(list, one));
            let indices: Vec<_> = found.collect();
            indices
                .iter()
                .any(|index| list[*index].left)
                .then_some(indices)
        })?;
        let Some(batch) = batch else {
            return Ok(None);
        };
        let mut names = Vec::with_capacity(batch.found.len());
        for (name, indices) in batch.found {
            names.push(name);
            for index in indices {
                self.list[index].left = true;
            }
        }
        Ok(Some(names))
    }

    /// What is below `objects/` and is not one of the objects that were found good, at most
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
            let digest = ObjectName::parse(&entry.key);
            let index = digest.and_then(|digest| objects::find(&self.list, &digest));
            index.is_none_or(|index| self.list[index].left)
        });
        Ok(Some(found))
    }
}

/// The objects that a record keeps: its file and others. `None` if it keeps directories, whose
/// objects are more than the record names, or if its file is large.
fn needs(record: &Record<'_>) -> Option<(Object, Vec<Object>)> {
    let file = Object::file(record.digest, record.size)?;
    if !record.trees.is_empty() {
        return None;
    }
    let others = record.keeps.iter().filter(|one| **one != record.digest);
    Some((file, others.copied().map(Object::other).collect()))
}

/// Whether there is a file under a name in `files/`; folders there hold names of other files.
fn has_view(files: Option<&Folder>, uid: &str) -> bool {
    let found = files.map(|folder| folder.status(Path::new(uid)));
    matches!(found, Some(Ok(status)) if !status.folder)
}

/// Whether each file that `uid` was made from certainly has an edge that leads to it.
fn has_edges(edges: Option<&Folder>, record: &Record<'_>, uid: &str) -> bool {
    let mut sources = match &record.origin {
        Origin::Import => return true,
        // The edges of a call of many outputs lead to the first.
        Origin::SharedCall(_) => return record.primary.uid != uid,
        Origin::CallObject(_) => return false,
        Origin::Call(call) => call.sources.clone(),
    };
    sources.sort_unstable();
    sources.dedup();
    sources.iter().all(|source| {
        let name = format!("{}/{uid}.radops", blake3::hash(source.as_bytes()).to_hex());
        let found = edges.and_then(|edges| {
            with_small(edges, Path::new(&name), |raw| {
                is_edge(raw, uid).then_some(())
            })
        });
        found.is_some()
    })
}
