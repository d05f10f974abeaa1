//! Reads a directory: its entries, one or many, and where their bytes are. Only the pages that are
//! asked for are read, and a bounded part of them is kept.

use super::crew::lock;
use super::error::{Error, Result};
use super::pages::Pages;
use super::store::Store;
use crate::outline::Digest;
use crate::tree::{
    Entries, Entry, FormatError, Kind, Layout, LayoutBody, LayoutPage, MAX_TOP_SIZE, Object,
    PageRef, Root, RootBody,
};
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// An entry with its own memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedEntry {
    /// See [`Entry`].
    pub path: String,
    /// See [`Entry`].
    pub kind: Kind,
    /// See [`Entry`].
    pub size: u64,
    /// See [`Entry`].
    pub digest: Digest,
    /// See [`Entry`].
    pub target: String,
}

impl From<&Entry<'_>> for OwnedEntry {
    fn from(entry: &Entry<'_>) -> Self {
        Self {
            path: entry.path.to_owned(),
            kind: entry.kind,
            size: entry.size,
            digest: entry.digest,
            target: entry.target.to_owned(),
        }
    }
}

/// A directory, open for reading.
pub struct Directory {
    store: Store,
    object: Object,
    root: Root,
    layout: Option<Layout>,
    pages: Mutex<Pages>,
}

impl Directory {
    /// Open a directory by its root, and its layout if places are to be known.
    ///
    /// # Errors
    ///
    /// One of the two is not here, damaged, or not what it should be.
    pub fn open(store: Store, root: Object, layout: Option<Object>) -> Result<Self> {
        check_size("directory root", &root)?;
        let decoded = Root::decode(store.read(&root)?)?;
        let layout = layout
            .map(|object| -> Result<Layout> {
                check_size("layout", &object)?;
                let layout = Layout::decode(&store.read(&object)?)?;
                let inline = matches!(layout.body, LayoutBody::Inline(_));
                let one = matches!(decoded.body, RootBody::Inline(_));
                let fits = layout.root == root.digest
                    && inline == one
                    && layout.page_count() == decoded.page_count();
                if !fits {
                    let why = "it is the layout of another directory";
                    return Err(FormatError::corrupt("layout", why).into());
                }
                if let (LayoutBody::Inline(page), RootBody::Inline(entries)) =
                    (&layout.body, &decoded.body)
                {
                    page.check(entries)?;
                }
                Ok(layout)
            })
            .transpose()?;
        Ok(Self {
            store,
            object: root,
            root: decoded,
            layout,
            pages: Mutex::default(),
        })
    }

    /// The root.
    pub fn object(&self) -> Object {
        self.object
    }

    /// The root, decoded.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The store that it is read from.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Page `index` as the root lists it; `None` for entries within the root.
    fn page_ref(&self, index: usize) -> Option<&PageRef> {
        match &self.root.body {
            RootBody::Pages(pages) => pages.get(index),
            RootBody::Inline(_) => None,
        }
    }

    /// The page that this object is, or that it is the layout page of, and the page after it;
    /// `None` if it is neither.
    pub fn span_of(&self, digest: &Digest) -> Option<(&PageRef, Option<&PageRef>)> {
        let RootBody::Pages(pages) = &self.root.body else {
            return None;
        };
        let layouts = match self.layout.as_ref().map(|layout| &layout.body) {
            Some(LayoutBody::Pages { pages, .. }) => &pages[..],
            _ => &[],
        };
        let page = pages.iter().position(|page| page.object.digest == *digest);
        let layout = || layouts.iter().position(|page| page.digest == *digest);
        let index = page.or_else(layout)?;
        Some((pages.get(index)?, pages.get(index + 1)))
    }

    /// Objects that are needed to read these pages, with their places if `places`, and that are
    /// not here.
    pub fn missing(&self, pages: impl IntoIterator<Item = usize>, places: bool) -> Vec<Object> {
        let mut needed = Vec::new();
        for index in pages {
            needed.extend(self.page_ref(index).map(|page| page.object));
            if let (true, Some(layout)) = (places, &self.layout)
                && let LayoutBody::Pages { pages, .. } = &layout.body
            {
                needed.extend(pages.get(index));
            }
        }
        needed.retain(|object| !self.store.has(object));
        needed
    }

    /// The entries of a page.
    ///
    /// # Errors
    ///
    /// The page is not here, damaged, or not what it should be.
    pub fn entries(&self, index: usize) -> Result<Arc<Entries>> {
        let pages = match &self.root.body {
            RootBody::Inline(entries) => return Ok(Arc::clone(entries)),
            RootBody::Pages(pages) => pages,
        };
        if let Some(found) = lock(&self.pages).entries(index) {
            return Ok(found);
        }
        let page = &pages[index];
        let entries = Entries::decode(self.store.read(&page.object)?)?;
        page.check(&entries, pages.get(index + 1))?;
        let entries = Arc::new(entries);
        lock(&self.pages).keep_entries(index, &entries);
        Ok(entries)
    }

    /// The places of a page's entries; `None` if no layout was given.
    ///
    /// # Errors
    ///
    /// As [`Directory::entries`], also for the layout page.
    pub fn places(&self, index: usize) -> Result<Option<Arc<LayoutPage>>> {
        let pages = match self.layout.as_ref().map(|layout| &layout.body) {
            None => return Ok(None),
            Some(LayoutBody::Inline(page)) => return Ok(Some(Arc::new(page.clone()))),
            Some(LayoutBody::Pages { pages, .. }) => pages,
        };
        if let Some(found) = lock(&self.pages).layout(index) {
            return Ok(Some(found));
        }
        let page = LayoutPage::decode(&self.store.read(&pages[index])?)?;
        page.check(&*self.entries(index)?)?;
        let page = Arc::new(page);
        lock(&self.pages).keep_layout(index, &page);
        Ok(Some(page))
    }

    /// The entry with this path, with the numbers of its page and within it.
    ///
    /// # Errors
    ///
    /// As [`Directory::entries`].
    pub fn find(&self, path: &str) -> Result<Option<(OwnedEntry, usize, usize)>> {
        let page = self.root.page_of(path.as_bytes());
        let entries = self.entries(page)?;
        let found = entries.find(path.as_bytes()).ok();
        Ok(found.map(|index| (OwnedEntry::from(&entries.get(index)), page, index)))
    }

    /// The pages with the paths that begin with `prefix`.
    pub fn pages_with(&self, prefix: &str) -> Range<usize> {
        let first = self.root.page_of(prefix.as_bytes());
        let last = match after(prefix.as_bytes()) {
            Some(end) => self.root.page_of(&end) + 1,
            None => self.root.page_count(),
        };
        first..last
    }

    /// Run `visit` on every entry whose path begins with `prefix` and sorts after `after`, in
    /// order, with the numbers of its page and within it, until it gives `false`.
    ///
    /// # Errors
    ///
    /// As [`Directory::entries`].
    pub fn each(
        &self,
        prefix: &str,
        after: &str,
        mut visit: impl FnMut(&Entry<'_>, usize, usize) -> bool,
    ) -> Result<()> {
        let from = prefix.as_bytes().max(after.as_bytes());
        let pages = self.pages_with(prefix);
        for page in self.root.page_of(from).max(pages.start)..pages.end {
            let entries = self.entries(page)?;
            let start = match entries.find(from) {
                Ok(found) => found + usize::from(from == after.as_bytes()),
                Err(next) => next,
            };
            for index in start..entries.len() {
                let entry = entries.get(index);
                if !entry.path.starts_with(prefix) || !visit(&entry, page, index) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// What is directly in a folder: names, those of folders with a slash, after `after`, at most
    /// `most`. The top is the empty path.
    ///
    /// # Errors
    ///
    /// As [`Directory::entries`].
    pub fn children(
        &self,
        folder: &str,
        after_name: &str,
        most: usize,
    ) -> Result<Vec<(String, Option<OwnedEntry>)>> {
        let prefix = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        // Whatever is below a folder sorts before its name with the byte after the slash.
        let mut from = [prefix.as_bytes(), after_name.as_bytes()].concat();
        if after_name.ends_with('/') {
            from.pop();
            from.push(b'/' + 1);
        } else if !after_name.is_empty() {
            from.push(0);
        }
        let mut found = Vec::new();
        // Where the next entry is, if it follows the one before; else it is looked up.
        let mut next: Option<(usize, Arc<Entries>, usize)> = None;
        while found.len() < most {
            let at = match next.take() {
                Some((page, entries, index)) if index < entries.len() => {
                    Some((page, entries, index))
                }
                Some((page, ..)) => self.first_of(page + 1)?,
                None => self.first_from(&from)?,
            };
            let Some((page, entries, index)) = at else {
                break;
            };
            let entry = entries.get(index);
            if !entry.path.starts_with(&prefix) {
                break;
            }
            let name = &entry.path[prefix.len()..];
            if let Some(slash) = name.find('/') {
                from.clear();
                from.extend_from_slice(&entry.path.as_bytes()[..prefix.len() + slash]);
                from.push(b'/' + 1);
                found.push((name[..=slash].to_owned(), None));
            } else {
                found.push((name.to_owned(), Some(OwnedEntry::from(&entry))));
                next = Some((page, entries, index + 1));
            }
        }
        Ok(found)
    }

    /// Where the first entry from `from` on is: its page, and its number there.
    fn first_from(&self, from: &[u8]) -> Result<Option<(usize, Arc<Entries>, usize)>> {
        let page = self.root.page_of(from);
        let entries = self.entries(page)?;
        let index = entries.find(from).unwrap_or_else(|next| next);
        match index < entries.len() {
            true => Ok(Some((page, entries, index))),
            false => self.first_of(page + 1),
        }
    }

    /// Where the first entry of a page is; only a root without pages has none.
    fn first_of(&self, page: usize) -> Result<Option<(usize, Arc<Entries>, usize)>> {
        if page >= self.root.page_count() {
            return Ok(None);
        }
        let entries = self.entries(page)?;
        Ok((!entries.is_empty()).then_some((page, entries, 0)))
    }

    /// Check all pages: that they are here, whole and in order, and that a writer would have cut
    /// them where they are cut. Gives how many entries there are.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<u64> {
        super::check::check(self)
    }

    /// All source lists together; sources within the layout if it has no lists.
    ///
    /// # Errors
    ///
    /// One is not here, damaged, or not what it should be.
    pub fn sources(&self) -> Result<Vec<Object>> {
        match self.layout.as_ref().map(|layout| &layout.body) {
            None => Ok(Vec::new()),
            Some(LayoutBody::Inline(page)) => Ok(page.sources.clone()),
            Some(LayoutBody::Pages { lists, .. }) => {
                let mut sources: Vec<Object> = Vec::new();
                for (index, list) in lists.iter().enumerate() {
                    let raw = self.store.read(list)?;
                    let last = index + 1 == lists.len();
                    let found = crate::tree::decode_source_list(&raw, last)?;
                    let before = sources.last();
                    if before.is_some_and(|before| before.digest >= found[0].digest) {
                        let why = "lists that are not sorted";
                        return Err(FormatError::corrupt("layout", why).into());
                    }
                    sources.extend(found);
                }
                Ok(sources)
            }
        }
    }

    /// The same, if there is a layout and its source lists are here and whole.
    ///
    /// # Errors
    ///
    /// A list is not what it should be.
    pub fn sources_here(&self) -> Result<Option<Vec<Object>>> {
        match self.layout.as_ref().map(|_| self.sources()) {
            None | Some(Err(Error::Missing(_) | Error::Damaged(_))) => Ok(None),
            Some(found) => found.map(Some),
        }
    }

    /// Objects besides the sources: pages, layout pages and source lists.
    pub fn parts(&self) -> Vec<Object> {
        let mut parts = Vec::new();
        if let RootBody::Pages(pages) = &self.root.body {
            parts.extend(pages.iter().map(|page| page.object));
        }
        if let Some(LayoutBody::Pages { pages, lists }) = self.layout.as_ref().map(|l| &l.body) {
            parts.extend(lists);
            parts.extend(pages);
        }
        parts
    }
}

/// Refuse to read what no root and no layout can be: a record can name any object.
fn check_size(what: &'static str, object: &Object) -> Result<()> {
    if object.size <= MAX_TOP_SIZE {
        return Ok(());
    }
    let why = format!("more than {MAX_TOP_SIZE} bytes");
    Err(FormatError::corrupt(what, why).into())
}

/// What sorts after everything that begins with `prefix`; `None` if nothing does.
fn after(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}
