//! What differs between two directories. Only pages that differ are read.

use super::error::Result;
use super::reader::{Directory, OwnedEntry};
use crate::outline::Digest;
use crate::tree::{Entries, Entry, Object, RootBody};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// Only the second directory has this path.
    Added(Entry<'a>),
    /// Only the first directory has this path.
    Removed(Entry<'a>),
    /// Both have it, as different things.
    Changed(Entry<'a>, Entry<'a>),
}

/// All differences, in the order of the paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// Paths that only the second directory has, besides those moved.
    pub added: Vec<OwnedEntry>,
    /// Paths that only the first directory has, besides those moved.
    pub removed: Vec<OwnedEntry>,
    /// Paths that both have, as different things: before and after.
    pub changed: Vec<(OwnedEntry, OwnedEntry)>,
    /// Files with the same bytes under another path: before and after.
    pub moved: Vec<(OwnedEntry, OwnedEntry)>,
}

/// Collect all differences.
///
/// # Errors
///
/// A page is not here, damaged, or not what it should be.
pub fn diff(left: &Directory, right: &Directory) -> Result<Diff> {
    let mut found = Diff::default();
    each_change(left, right, |change| match change {
        Change::Added(entry) => found.added.push((&entry).into()),
        Change::Removed(entry) => found.removed.push((&entry).into()),
        Change::Changed(old, new) => found.changed.push(((&old).into(), (&new).into())),
    })?;
    found.find_moved();
    Ok(found)
}

impl Diff {
    /// Pair files that were removed and added with the same bytes, in order.
    fn find_moved(&mut self) {
        let key = |entry: &OwnedEntry| (entry.digest, entry.kind);
        let is_file = |entry: &OwnedEntry| entry.kind.is_file() && entry.size > 0;
        let mut by_content: HashMap<(Digest, _), Vec<usize>> = HashMap::new();
        for (index, entry) in self.removed.iter().enumerate().rev() {
            if is_file(entry) {
                by_content.entry(key(entry)).or_default().push(index);
            }
        }
        let mut gone = HashSet::new();
        let (mut added, mut moved) = (Vec::new(), Vec::new());
        for entry in self.added.drain(..) {
            let from = match is_file(&entry) {
                true => by_content.get_mut(&key(&entry)).and_then(Vec::pop),
                false => None,
            };
            match from {
                Some(index) => {
                    gone.insert(index);
                    moved.push((self.removed[index].clone(), entry));
                }
                None => added.push(entry),
            }
        }
        let mut index = 0..;
        self.removed
            .retain(|_| index.next().is_some_and(|index| !gone.contains(&index)));
        (self.added, self.moved) = (added, moved);
    }
}

/// Pages that are needed to compare two directories and are not here.
pub fn missing_to_diff(left: &Directory, right: &Directory) -> Vec<Object> {
    let pages = |directory: &Directory| -> Vec<Object> {
        match &directory.root().body {
            RootBody::Pages(pages) => pages.iter().map(|page| page.object).collect(),
            RootBody::Inline(_) => Vec::new(),
        }
    };
    let (left_pages, right_pages) = (pages(left), pages(right));
    let known: HashSet<_> = left_pages.iter().collect();
    let both: HashSet<_> = right_pages
        .iter()
        .filter(|page| known.contains(page))
        .collect();
    let mut missing = Vec::new();
    for (store, pages) in [(left.store(), &left_pages), (right.store(), &right_pages)] {
        let differ = pages
            .iter()
            .filter(|page| !both.contains(page) && !store.has(page));
        missing.extend(differ.copied());
    }
    missing
}

/// Run `visit` on every difference, in the order of the paths.
///
/// # Errors
///
/// A page is not here, damaged, or not what it should be.
pub fn each_change(
    left: &Directory,
    right: &Directory,
    mut visit: impl FnMut(Change<'_>),
) -> Result<()> {
    if left.object() == right.object() {
        return Ok(());
    }
    let (mut left, mut right) = (Side::new(left), Side::new(right));
    loop {
        // Equal pages side by side are passed without being read.
        while let (Some(old), Some(new)) = (left.at_page(), right.at_page()) {
            if old != new {
                break;
            }
            left.pass_page();
            right.pass_page();
        }
        if !left.load()? {
            while right.load()? {
                visit(Change::Added(right.entry()));
                right.pass();
            }
            return Ok(());
        }
        if !right.load()? {
            while left.load()? {
                visit(Change::Removed(left.entry()));
                left.pass();
            }
            return Ok(());
        }
        let (old, new) = (left.entry(), right.entry());
        match old.path.as_bytes().cmp(new.path.as_bytes()) {
            Ordering::Less => {
                visit(Change::Removed(old));
                left.pass();
            }
            Ordering::Greater => {
                visit(Change::Added(new));
                right.pass();
            }
            Ordering::Equal => {
                if old != new {
                    visit(Change::Changed(old, new));
                }
                left.pass();
                right.pass();
            }
        }
    }
}

/// One of two directories that are read side by side, and how far it was read.
pub(super) struct Side<'d> {
    directory: &'d Directory,
    page: usize,
    index: usize,
    /// The page, if it was read.
    entries: Option<Arc<Entries>>,
}

impl<'d> Side<'d> {
    pub fn new(directory: &'d Directory) -> Self {
        Self {
            directory,
            page: 0,
            index: 0,
            entries: None,
        }
    }

    /// The page whose first entry is next.
    fn at_page(&self) -> Option<Object> {
        match &self.directory.root().body {
            RootBody::Pages(pages) if self.index == 0 => {
                pages.get(self.page).map(|page| page.object)
            }
            _ => None,
        }
    }

    fn pass_page(&mut self) {
        self.page += 1;
        self.index = 0;
        self.entries = None;
    }

    /// Read the page with the next entry. Gives whether there is one.
    pub fn load(&mut self) -> Result<bool> {
        while self.page < self.directory.root().page_count() {
            let entries = match &self.entries {
                Some(entries) => entries,
                None => self.entries.insert(self.directory.entries(self.page)?),
            };
            if self.index < entries.len() {
                return Ok(true);
            }
            self.pass_page();
        }
        Ok(false)
    }

    /// The next entry; `load` said that there is one.
    pub fn entry(&self) -> Entry<'_> {
        match &self.entries {
            Some(entries) => entries.get(self.index),
            None => unreachable!("a page was loaded"),
        }
    }

    /// The directory, and the numbers of the page with the next entry and within it.
    pub fn position(&self) -> (&'d Directory, usize, usize) {
        (self.directory, self.page, self.index)
    }

    /// Pass the next entry.
    pub fn pass(&mut self) {
        self.index += 1;
        if self
            .entries
            .as_ref()
            .is_some_and(|page| self.index == page.len())
        {
            self.pass_page();
        }
    }
}
