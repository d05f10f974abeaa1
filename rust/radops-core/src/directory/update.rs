//! Makes a new directory of an earlier one: with what a folder has, without what is removed.

use super::add::Added;
use super::base::Base;
use super::contents::{Contents, NO_ROW, Row};
use super::cover::Cover;
use super::crew::Poll;
use super::diff::Side;
use super::error::{Error, Result};
use super::glob::Patterns;
use super::pack::Filler;
use super::reader::Directory;
use super::refusal::{Reason, Refusal};
use super::slices::{Slices, place_of};
use super::staging::Staging;
use crate::copy::copy_files;
use crate::error::Error as FileError;
use crate::progress::Call;
use crate::tree::{Entry, Kind, Object, TreeBuilder, is_packed};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// Where the new version's files are.
#[derive(Debug)]
pub struct UpdateOptions {
    /// The folder, whose files take precedence.
    pub folder: PathBuf,
    /// What the names of temporary files begin with.
    pub stem: PathBuf,
}

/// What an update did to the earlier directory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replaced {
    /// Entries of the earlier directory that are in the new one.
    pub kept: u64,
    /// Those that patterns removed.
    pub removed: u64,
}

/// An entry of the new directory.
struct Merged<'e> {
    entry: Entry<'e>,
    /// Where its bytes are in the earlier directory; `None` for a file of the folder, and for what
    /// has no bytes.
    place: Option<(Object, u64)>,
    /// Whether it is from the folder.
    fresh: bool,
}

/// Make the new version of `base`, whose packs are used as far as they are good enough. What
/// the folder holds is named by `over`. A base's pack need not be in the store, unless files of it
/// are to be packed again.
///
/// # Errors
///
/// Files of the folder changed, a page or a pack is not here, the disk is full, or the call was
/// stopped. Then no temporary file is left.
pub fn update(
    base: &Directory,
    over: &Directory,
    removed: Option<&Patterns>,
    options: &UpdateOptions,
    call: &mut Call<'_>,
) -> Result<(Added, Replaced)> {
    let store = base.store();
    let mut contents = Contents::default();
    let mut packs = Base::load_all(store, &base.sources()?, &mut contents)?;
    let mut poll = Poll::new();
    let mut stopped = Ok(());
    merge(base, over, removed, |one| {
        stopped = poll.step(call);
        if let (true, Some((pack, offset))) = (is_packed(one.entry.size), one.place) {
            packs.place(
                &mut contents,
                &pack,
                &one.entry.digest,
                one.entry.size,
                offset,
            );
        }
        stopped.is_ok()
    })?;
    stopped?;
    let mut live = vec![0; contents.len()];
    merge(base, over, removed, |one| {
        if one.entry.kind.is_file() && is_packed(one.entry.size) {
            let (row, _) = contents.insert(&one.entry.digest);
            live.resize(contents.len(), 0);
            live[row as usize] = one.entry.size as u32;
        }
        true
    })?;
    packs.choose(&live, &mut contents);
    let numbered = (0..packs.len() as u32).map(|number| packs.object(number));
    let mut work = Update {
        options,
        staging: Staging::new(&options.stem),
        slices: Slices::new(store),
        filler: Filler::new(numbered.collect()),
        contents,
        rows: Vec::new(),
        refusal: Refusal::default(),
        read: 0,
    };
    let mut large = Vec::new();
    let mut failure = None;
    let replaced = merge(base, over, removed, |one| {
        let done = poll.step(call).map_err(Error::from);
        let done = done.and_then(|()| work.pack(&one, &mut large));
        failure = done.err();
        failure.is_none()
    })?;
    failure.map_or(Ok(()), Err)?;
    if let Some(pack) = work.filler.close() {
        let object = work.staging.write_pack(&pack.bytes)?;
        work.filler.written(pack, object);
    }
    let mut reused = work.copy_large(large, call)?;
    if !work.refusal.is_empty() {
        return Err(Error::Refused(work.refusal));
    }
    let known = packs.len() as u32;
    let (tree, used) = work.name(base, over, removed, known)?;
    reused.extend(used);
    reused.sort_unstable();
    reused.dedup();
    let added = Added {
        tree,
        staged: work.staging.take(),
        reused,
        stats: Vec::new(),
        read: work.read,
    };
    Ok((added, replaced))
}

struct Update<'u> {
    options: &'u UpdateOptions,
    staging: Staging,
    slices: Slices<'u>,
    filler: Filler,
    contents: Contents,
    /// The content of each packed file, in order.
    rows: Vec<Row>,
    refusal: Refusal,
    read: u64,
}

impl Update<'_> {
    /// Pack an entry whose content has no place yet; remember large files of the folder.
    fn pack(&mut self, one: &Merged<'_>, large: &mut Vec<(String, Object)>) -> Result<()> {
        let entry = &one.entry;
        if !entry.kind.is_file() || entry.size == 0 {
            return Ok(());
        }
        if !is_packed(entry.size) {
            if one.fresh {
                let (digest, size) = (entry.digest, entry.size);
                large.push((entry.path.to_owned(), Object { digest, size }));
            }
            return Ok(());
        }
        let (row, _) = self.contents.insert(&entry.digest);
        self.rows.push(row);
        if self.contents.place(row).is_some() {
            return Ok(());
        }
        let full = match one.place {
            Some(place) => {
                let bytes = self
                    .slices
                    .read_here(entry.path, &entry.digest, entry.size, place)?;
                self.filler
                    .push(&mut self.contents, row, &entry.digest, bytes)
            }
            None => {
                let Some(bytes) = self.read_file(entry) else {
                    self.rows.pop();
                    self.rows.push(NO_ROW);
                    return Ok(());
                };
                self.filler
                    .push(&mut self.contents, row, &entry.digest, &bytes)
            }
        };
        for pack in full.into_iter().flatten() {
            let object = self.staging.write_pack(&pack.bytes)?;
            self.filler.written(pack, object);
        }
        Ok(())
    }

    /// The bytes of a file of the folder; `None` if it changed since it was hashed.
    fn read_file(&mut self, entry: &Entry<'_>) -> Option<Vec<u8>> {
        self.read += 1;
        let path = self.options.folder.join(entry.path);
        let found = fs::read(&path).ok();
        let found = found.filter(|bytes| blake3::hash(bytes) == entry.digest);
        if found.is_none() {
            self.refusal.add(Reason::Changed, entry.path);
        }
        found
    }

    /// Copy large files of the folder that are not in the store; gives those that are.
    fn copy_large(
        &mut self,
        large: Vec<(String, Object)>,
        call: &mut Call<'_>,
    ) -> Result<Vec<Object>> {
        let (mut here, mut seen) = (Vec::new(), BTreeSet::new());
        let mut wanted = Vec::new();
        for (path, object) in large {
            if !seen.insert(object) {
                continue;
            }
            match self.slices.store().has(&object) {
                true => here.push(object),
                false => wanted.push((path, object)),
            }
        }
        let pairs: Vec<_> = wanted
            .iter()
            .map(|(path, _)| (self.options.folder.join(path), self.staging.temporary()))
            .collect();
        self.read += wanted.len() as u64;
        let answers = copy_files(&pairs, 0o444, call)?;
        for (((path, object), (_, target)), answer) in wanted.into_iter().zip(pairs).zip(answers) {
            match answer {
                Ok(hash) => {
                    self.staging.keep_copy(target, object, hash.outline);
                    if hash.digest != object.digest {
                        self.refusal.add(Reason::Changed, path);
                    }
                }
                Err(FileError::Cancelled) => return Err(FileError::Cancelled.into()),
                Err(error) if error.is_about(&target) => return Err(error.into()),
                Err(FileError::Changed { .. }) => self.refusal.add(Reason::Changed, path),
                Err(_) => self.refusal.add(Reason::Unreadable, path),
            }
        }
        Ok(here)
    }

    /// Write pages, root and layout; gives the directory, and objects in use that are not new.
    fn name(
        &mut self,
        base: &Directory,
        over: &Directory,
        removed: Option<&Patterns>,
        known: u32,
    ) -> Result<(crate::tree::Tree, BTreeSet<Object>)> {
        let mut sink = &self.staging;
        let mut builder = TreeBuilder::new(&mut sink);
        let mut used = BTreeSet::new();
        let mut rows = self.rows.iter();
        let mut failure = None;
        merge(base, over, removed, |one| {
            let entry = &one.entry;
            let mut place = None;
            if entry.kind.is_file() && is_packed(entry.size) {
                let row = rows.next().copied().unwrap_or(NO_ROW);
                place = self.contents.place(row).and_then(|(number, offset)| {
                    let pack = self.filler.object(number)?;
                    if number < known {
                        used.insert(pack);
                    }
                    Some((pack, offset))
                });
            } else if let Some((object, _)) = one.place {
                used.insert(object);
            }
            failure = builder.push(entry, place).err();
            failure.is_none()
        })?;
        failure.map_or(Ok(()), Err)?;
        Ok((builder.finish()?, used))
    }
}

/// Run `visit` on every entry of the new directory in the order of the paths, until it gives
/// `false`.
fn merge(
    base: &Directory,
    over: &Directory,
    removed: Option<&Patterns>,
    mut visit: impl FnMut(Merged<'_>) -> bool,
) -> Result<Replaced> {
    let mut replaced = Replaced::default();
    let (mut old, mut new) = (Side::new(base), Side::new(over));
    let mut cover = Cover::new(over);
    loop {
        let (has_old, has_new) = (old.load()?, new.load()?);
        let order = match (has_old, has_new) {
            (false, false) => return Ok(replaced),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (true, true) => {
                let (old, new) = (old.entry().path, new.entry().path);
                old.as_bytes().cmp(new.as_bytes())
            }
        };
        if order == Ordering::Less {
            let entry = old.entry();
            let next = has_new.then(|| new.entry().path);
            if removed.is_some_and(|removed| removed.matches(entry.path)) {
                replaced.removed += 1;
            } else if !cover.replaces(entry.path, next)? {
                replaced.kept += 1;
                let place = old.place()?;
                let fresh = false;
                if !visit(Merged {
                    entry,
                    place,
                    fresh,
                }) {
                    return Ok(replaced);
                }
            }
            old.pass();
            continue;
        }
        if order == Ordering::Equal {
            old.pass();
        }
        let (entry, place, fresh) = (new.entry(), None, true);
        let filled = entry.kind == Kind::Folder && is_filled(base, removed, entry.path)?;
        if !filled
            && !visit(Merged {
                entry,
                place,
                fresh,
            })
        {
            return Ok(replaced);
        }
        new.pass();
    }
}

/// Whether a folder that is empty in the new folder holds something of the earlier directory.
fn is_filled(base: &Directory, removed: Option<&Patterns>, path: &str) -> Result<bool> {
    let mut filled = false;
    base.each(&format!("{path}/"), "", |entry, _, _| {
        filled = !removed.is_some_and(|removed| removed.matches(entry.path));
        !filled
    })?;
    Ok(filled)
}

impl Side<'_> {
    /// The object with the bytes of the next entry, and where they begin in it.
    fn place(&self) -> Result<Option<(Object, u64)>> {
        let (directory, page, index) = self.position();
        let places = directory.places(page)?;
        Ok(place_of(&self.entry(), places.as_deref(), index))
    }
}
