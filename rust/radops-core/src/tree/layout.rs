//! Layouts: where in which packs the files of a directory are.

use super::entry::{Entry, Kind};
use super::error::{Fault, FormatError};
use super::pack::{MAX_PACKED, PACK_LIMIT, is_packed};
use super::page::{Entries, MAX_PAGE_ENTRIES};
use super::root::check_size;
use super::sources::MAX_LIST_SIZE;
use super::wire::{
    Cursor, decode_map, put_array, put_bytes, put_map, put_null, put_objects, put_text, put_uint,
};
use super::{MAX_TOP_SIZE, Object};
use crate::outline::Digest;

const KIND: &str = "radops/layout";
const WHAT: &str = "layout";
const FIELDS: [&str; 4] = ["root", "pages", "places", "sources"];
const PAGE_KIND: &str = "radops/layout-page";
const PAGE_WHAT: &str = "layout page";

/// Bytes that no layout page has: a place takes at most 9, a source 44, and no page has more of
/// either than entries.
const MAX_LAYOUT_PAGE: u64 = 1 << 20;

/// Where a file is: in which source of its page, and how far from the pack's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// An index into the page's sources.
    pub source: u32,
    /// In bytes.
    pub offset: u32,
}

/// Places of one page's entries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayoutPage {
    /// Packs and large files that the entries use: sorted by digest, each once.
    pub sources: Vec<Object>,
    /// One for each entry; `None` for what is not in a pack.
    pub places: Vec<Option<Place>>,
}

/// What a layout holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayoutBody {
    /// Layout pages, one for each page of the root, and source lists.
    Pages {
        /// The layout pages.
        pages: Vec<Object>,
        /// The source lists, in the order of what is in them.
        lists: Vec<Object>,
    },
    /// The places of the only page.
    Inline(LayoutPage),
}

/// A layout, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The directory that it is a layout of.
    pub root: Digest,
    /// Places, or where they are.
    pub body: LayoutBody,
}

impl Layout {
    /// Decode a layout.
    ///
    /// # Errors
    ///
    /// The bytes are not a layout, or a rule is broken.
    pub fn decode(raw: &[u8]) -> Result<Self, FormatError> {
        if raw.len() as u64 > MAX_TOP_SIZE {
            return Err(FormatError::corrupt(
                WHAT,
                format!("more than {MAX_TOP_SIZE} bytes"),
            ));
        }
        decode_map(raw, WHAT, KIND, &FIELDS, |cursor, fields| {
            if fields != 3 {
                return Err("another number of fields".into());
            }
            cursor.key("root")?;
            let root = cursor.digest()?;
            let body = if cursor.is_key("pages") {
                let pages = cursor.objects()?;
                cursor.key("sources")?;
                let lists = cursor.objects()?;
                if pages.len() < 2 {
                    return Err("a list of fewer than two pages".into());
                }
                // What is read whole must be small, whatever a layout names.
                if pages.iter().any(|page| page.size > MAX_LAYOUT_PAGE)
                    || lists.iter().any(|list| list.size > MAX_LIST_SIZE)
                {
                    return Err("a layout page or source list of an impossible size".into());
                }
                LayoutBody::Pages { pages, lists }
            } else {
                LayoutBody::Inline(LayoutPage::read(cursor)?)
            };
            Ok(Self { root, body })
        })
    }

    /// How many pages it has; places within the layout count as one.
    pub fn page_count(&self) -> usize {
        match &self.body {
            LayoutBody::Pages { pages, .. } => pages.len(),
            LayoutBody::Inline(_) => 1,
        }
    }
}

impl LayoutPage {
    /// Decode a layout page.
    ///
    /// # Errors
    ///
    /// The bytes are not a layout page, or a rule is broken.
    pub fn decode(raw: &[u8]) -> Result<Self, FormatError> {
        let fields = ["places", "sources"];
        decode_map(raw, PAGE_WHAT, PAGE_KIND, &fields, |cursor, fields| {
            if fields != 2 {
                return Err("another number of fields".into());
            }
            let page = Self::read(cursor)?;
            if page.places.is_empty() {
                return Err("a page without places".into());
            }
            Ok(page)
        })
    }

    /// Memory that it takes, in bytes.
    pub fn memory(&self) -> usize {
        size_of::<Option<Place>>() * self.places.capacity()
            + size_of::<Object>() * self.sources.capacity()
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Fault> {
        cursor.key("places")?;
        let count = cursor.array()?;
        if count > MAX_PAGE_ENTRIES {
            return Err(Fault::rule(format!("more than {MAX_PAGE_ENTRIES} places")));
        }
        let mut places = Vec::with_capacity(count);
        for _ in 0..count {
            places.push(read_place(cursor)?);
        }
        cursor.key("sources")?;
        let sources = cursor.sorted_objects()?;
        let known = |place: &Place| (place.source as usize) < sources.len();
        if !places.iter().flatten().all(known) {
            return Err("a place in a source that is not listed".into());
        }
        Ok(Self { sources, places })
    }

    /// The pack that entry `index` is in, and the offset; `None` if it is not in a pack.
    pub fn place(&self, index: usize) -> Option<(Object, u64)> {
        let place = self.places.get(index).copied().flatten()?;
        Some((self.sources[place.source as usize], u64::from(place.offset)))
    }

    /// Check that this is a layout of these entries: a place for each that needs one, within its
    /// source, and no other sources than those used.
    ///
    /// # Errors
    ///
    /// The first rule that is broken.
    pub fn check(&self, entries: &Entries) -> Result<(), FormatError> {
        self.disagreement(entries)
            .map_or(Ok(()), |why| Err(FormatError::corrupt(PAGE_WHAT, why)))
    }

    fn disagreement(&self, entries: &Entries) -> Option<&'static str> {
        if self.places.len() != entries.len() {
            return Some("another number of places than entries");
        }
        let mut used = vec![false; self.sources.len()];
        for (entry, place) in entries.iter().zip(&self.places) {
            let source = match place {
                Some(_) if !needs_place(&entry) => return Some("a place for what needs none"),
                None if needs_place(&entry) => return Some("a packed file without a place"),
                Some(place) => {
                    let end = u64::from(place.offset) + entry.size;
                    if end > self.sources[place.source as usize].size {
                        return Some("a place past the end of its pack");
                    }
                    place.source as usize
                }
                None if is_own(&entry) => {
                    let wanted = |source: &Object| source.digest.cmp(&entry.digest);
                    match self.sources.binary_search_by(wanted) {
                        Ok(index) if self.sources[index].size == entry.size => index,
                        _ => return Some("a large file that is not among the sources"),
                    }
                }
                None => continue,
            };
            used[source] = true;
        }
        (!used.into_iter().all(|used| used)).then_some("a source that no entry uses")
    }
}

/// Whether an entry's bytes are in a pack.
pub(super) fn needs_place(entry: &Entry<'_>) -> bool {
    entry.kind.is_file() && is_packed(entry.size)
}

/// Whether an entry's bytes are an object of their own.
pub(super) fn is_own(entry: &Entry<'_>) -> bool {
    matches!(entry.kind, Kind::File | Kind::Executable) && entry.size > MAX_PACKED
}

fn read_place(cursor: &mut Cursor<'_>) -> Result<Option<Place>, Fault> {
    if cursor.null() {
        return Ok(None);
    }
    let items = cursor.array()?;
    if items > 0 && cursor.at_array() {
        return Err(Fault::Newer("a file in several places"));
    }
    if items != 2 {
        return Err("a place that is not a source and an offset".into());
    }
    let source = cursor.uint()?;
    let offset = cursor.uint()?;
    if offset >= PACK_LIMIT {
        return Err("an offset past the end of any pack".into());
    }
    let source = u32::try_from(source).map_err(|_| Fault::rule("an impossible source"))?;
    let offset = offset as u32;
    Ok(Some(Place { source, offset }))
}

/// Encode a layout page.
pub fn encode_layout_page(page: &LayoutPage) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + 8 * page.places.len() + 44 * page.sources.len());
    put_map(&mut out, PAGE_KIND, 2);
    put_page(&mut out, page);
    out
}

/// Encode a layout.
///
/// # Errors
///
/// More than 8 MiB.
pub fn encode_layout(layout: &Layout) -> Result<Vec<u8>, FormatError> {
    let mut out = Vec::new();
    put_map(&mut out, KIND, 3);
    put_text(&mut out, "root");
    put_bytes(&mut out, &layout.root);
    match &layout.body {
        LayoutBody::Pages { pages, lists } => {
            put_text(&mut out, "pages");
            put_objects(&mut out, pages);
            put_text(&mut out, "sources");
            put_objects(&mut out, lists);
        }
        LayoutBody::Inline(page) => put_page(&mut out, page),
    }
    check_size(WHAT, out)
}

fn put_page(out: &mut Vec<u8>, page: &LayoutPage) {
    put_text(out, "places");
    put_array(out, page.places.len());
    for place in &page.places {
        match place {
            None => put_null(out),
            Some(place) => {
                put_array(out, 2);
                put_uint(out, u64::from(place.source));
                put_uint(out, u64::from(place.offset));
            }
        }
    }
    put_text(out, "sources");
    put_objects(out, &page.sources);
}
