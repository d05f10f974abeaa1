//! Builds pages, source lists, layout pages, root and layout from entries that come in order.

use super::entry::Entry;
use super::error::FormatError;
use super::layout::{
    Layout, LayoutBody, LayoutPage, Place, encode_layout, encode_layout_page, is_own, needs_place,
};
use super::page::{BuiltPage, PageBuilder};
use super::root::{PageRef, encode_inline, encode_root, page_start};
use super::{Object, source_lists};
use std::collections::HashSet;

/// The parts of a directory besides packs and large files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A page of entries.
    Page,
    /// A source list.
    SourceList,
    /// A layout page.
    LayoutPage,
    /// The root.
    Root,
    /// The layout.
    Layout,
}

/// Takes the objects that a directory consists of.
pub trait Sink {
    /// Why one could not be taken.
    type Error: From<FormatError>;

    /// Take an object. Parts that are alike may come twice.
    ///
    /// # Errors
    ///
    /// Whatever the sink cannot do.
    fn put(&mut self, part: Part, object: Object, bytes: Vec<u8>) -> Result<(), Self::Error>;
}

/// A directory that was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tree {
    /// The root, whose digest is the directory's.
    pub root: Object,
    /// The layout.
    pub layout: Object,
    /// How many entries there are.
    pub entries: u64,
    /// How many of them are files.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
}

/// Builds a directory.
pub struct TreeBuilder<'s, S: Sink> {
    sink: &'s mut S,
    builder: PageBuilder,
    /// Where the files of the page being built are: the pack and the offset.
    places: Vec<Option<(Object, u32)>>,
    /// Large files of the page being built.
    own: Vec<Object>,
    /// The first page, until it is known whether there is another.
    first: Option<(BuiltPage, LayoutPage)>,
    last_path: String,
    pages: Vec<PageRef>,
    layout_pages: Vec<Object>,
    sources: HashSet<Object>,
}

impl<'s, S: Sink> TreeBuilder<'s, S> {
    /// Build into a sink.
    pub fn new(sink: &'s mut S) -> Self {
        Self {
            sink,
            builder: PageBuilder::default(),
            places: Vec::new(),
            own: Vec::new(),
            first: None,
            last_path: String::new(),
            pages: Vec::new(),
            layout_pages: Vec::new(),
            sources: HashSet::new(),
        }
    }

    /// Add an entry, which keeps all rules and comes after those before it; `place` is the pack
    /// with its bytes and the offset there, exactly for files of 1 byte to 4 MiB.
    ///
    /// # Errors
    ///
    /// What the sink says.
    pub fn push(
        &mut self,
        entry: &Entry<'_>,
        place: Option<(Object, u32)>,
    ) -> Result<(), S::Error> {
        debug_assert_eq!(place.is_some(), needs_place(entry));
        let [before, after] = self.builder.push(entry);
        if let Some(page) = before {
            self.end_page(page)?;
        }
        self.places.push(place);
        if is_own(entry) {
            self.own.push(Object {
                digest: entry.digest,
                size: entry.size,
            });
        }
        if let Some(page) = after {
            self.end_page(page)?;
        }
        Ok(())
    }

    fn end_page(&mut self, page: BuiltPage) -> Result<(), S::Error> {
        let layout = self.layout_page();
        if self.pages.is_empty() && self.first.is_none() {
            self.first = Some((page, layout));
            return Ok(());
        }
        if let Some((first, first_layout)) = self.first.take() {
            self.put_page(first, &first_layout)?;
        }
        self.put_page(page, &layout)
    }

    /// The places collected so far as a layout page.
    fn layout_page(&mut self) -> LayoutPage {
        let packs = self.places.iter().flatten().map(|(pack, _)| *pack);
        let mut sources: Vec<_> = packs.chain(self.own.drain(..)).collect();
        sources.sort_unstable();
        sources.dedup();
        let place = |found: Option<(Object, u32)>| {
            let (pack, offset) = found?;
            // Each pack was put among the sources above.
            let source = sources.partition_point(|source| *source < pack) as u32;
            Some(Place { source, offset })
        };
        let places = self.places.drain(..).map(place).collect();
        self.sources.extend(sources.iter().copied());
        LayoutPage { sources, places }
    }

    fn put_page(&mut self, page: BuiltPage, layout: &LayoutPage) -> Result<(), S::Error> {
        let start = match self.pages.is_empty() {
            true => Vec::new(),
            false => page_start(&self.last_path, &page.first).to_vec(),
        };
        let object = self.put(Part::Page, page.encode())?;
        self.pages.push(PageRef {
            start,
            object,
            entries: page.entries as u64,
            files: page.files,
            bytes: page.bytes,
        });
        self.last_path = page.last;
        let object = self.put(Part::LayoutPage, encode_layout_page(layout))?;
        self.layout_pages.push(object);
        Ok(())
    }

    fn put(&mut self, part: Part, bytes: Vec<u8>) -> Result<Object, S::Error> {
        let object = Object::of(&bytes);
        self.sink.put(part, object, bytes)?;
        Ok(object)
    }

    /// All entries came.
    ///
    /// # Errors
    ///
    /// The root or the layout would have more than 8 MiB, or what the sink says.
    pub fn finish(mut self) -> Result<Tree, S::Error> {
        if !self.builder.is_empty() || (self.pages.is_empty() && self.first.is_none()) {
            let page = self.builder.take();
            self.end_page(page)?;
        }
        if let Some((page, layout)) = self.first.take() {
            let root = self.put(Part::Root, encode_inline(&page))?;
            let (entries, files, bytes) = (page.entries as u64, page.files, page.bytes);
            return self.finish_layout(root, LayoutBody::Inline(layout), (entries, files, bytes));
        }
        let raw = encode_root(&self.pages)?;
        let mut sources: Vec<_> = self.sources.drain().collect();
        sources.sort_unstable();
        let mut lists = Vec::new();
        for list in source_lists(&sources) {
            lists.push(self.put(Part::SourceList, list)?);
        }
        let root = self.put(Part::Root, raw)?;
        let pages = std::mem::take(&mut self.layout_pages);
        let sum = |field: fn(&PageRef) -> u64| self.pages.iter().map(field).sum();
        let totals = (
            sum(|page| page.entries),
            sum(|page| page.files),
            sum(|page| page.bytes),
        );
        self.finish_layout(root, LayoutBody::Pages { pages, lists }, totals)
    }

    fn finish_layout(
        &mut self,
        root: Object,
        body: LayoutBody,
        (entries, files, bytes): (u64, u64, u64),
    ) -> Result<Tree, S::Error> {
        let layout = Layout {
            root: root.digest,
            body,
        };
        let layout = self.put(Part::Layout, encode_layout(&layout)?)?;
        Ok(Tree {
            root,
            layout,
            entries,
            files,
            bytes,
        })
    }
}
