//! The root of a directory, whose digest is the directory's.

use super::error::{Fault, FormatError};
use super::page::{BuiltPage, Entries, MAX_PAGE_ENTRIES, MAX_PAGE_SIZE, Parsed, add};
use super::wire::{Cursor, decode_map, put_array, put_bytes, put_map, put_text, put_uint};
use super::{MAX_TOP_SIZE, Object};
use std::sync::Arc;

const KIND: &str = "radops/directory";
const WHAT: &str = "directory root";
const FIELDS: [&str; 4] = ["bytes", "files", "pages", "entries"];

/// A page as the root lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRef {
    /// Sorts after the last path of the page before and not after the first of this one.
    pub start: Vec<u8>,
    /// The page.
    pub object: Object,
    /// How many entries it has.
    pub entries: u64,
    /// How many of them are files.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
}

impl PageRef {
    /// Check that a page is the one that is listed, in its place between its neighbours.
    ///
    /// # Errors
    ///
    /// It has other totals or other paths.
    pub fn check(&self, page: &Entries, next: Option<&Self>) -> Result<(), FormatError> {
        let found = (page.len() as u64, page.files(), page.bytes());
        if found != (self.entries, self.files, self.bytes) {
            return Err(FormatError::corrupt(
                "page",
                "totals that are not those in the root",
            ));
        }
        let inside = page.get(0).path.as_bytes() >= self.start.as_slice()
            && next.is_none_or(|next| {
                page.get(page.len() - 1).path.as_bytes() < next.start.as_slice()
            });
        if !inside {
            return Err(FormatError::corrupt(
                "page",
                "paths that belong to another page",
            ));
        }
        Ok(())
    }
}

/// What a root holds besides the totals.
#[derive(Debug)]
pub enum RootBody {
    /// Two pages or more.
    Pages(Vec<PageRef>),
    /// The entries of the only page.
    Inline(Arc<Entries>),
}

/// A root, decoded.
#[derive(Debug)]
pub struct Root {
    /// Files in the directory.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Its pages or entries.
    pub body: RootBody,
}

impl Root {
    /// Decode a root.
    ///
    /// # Errors
    ///
    /// The bytes are not a root, or a rule is broken.
    pub fn decode(raw: Vec<u8>) -> Result<Self, FormatError> {
        enum Body {
            Pages(Vec<PageRef>),
            Inline(Parsed),
        }
        if raw.len() as u64 > MAX_TOP_SIZE {
            return Err(FormatError::corrupt(
                WHAT,
                format!("more than {MAX_TOP_SIZE} bytes"),
            ));
        }
        let (files, bytes, body) = decode_map(&raw, WHAT, KIND, &FIELDS, |cursor, fields| {
            if fields != 3 {
                return Err("another number of fields".into());
            }
            cursor.key("bytes")?;
            let bytes = cursor.uint()?;
            cursor.key("files")?;
            let files = cursor.uint()?;
            let body = if cursor.is_key("pages") {
                Body::Pages(read_pages(cursor, files, bytes)?)
            } else {
                cursor.key("entries")?;
                let parsed = Parsed::read(cursor)?;
                if parsed.totals() != (files, bytes) {
                    return Err("totals that are not those of its entries".into());
                }
                Body::Inline(parsed)
            };
            Ok((files, bytes, body))
        })?;
        let body = match body {
            Body::Pages(pages) => RootBody::Pages(pages),
            Body::Inline(parsed) => RootBody::Inline(Arc::new(parsed.with(raw))),
        };
        Ok(Self { files, bytes, body })
    }

    /// How many pages it has; entries within the root count as one.
    pub fn page_count(&self) -> usize {
        match &self.body {
            RootBody::Pages(pages) => pages.len(),
            RootBody::Inline(_) => 1,
        }
    }

    /// How many entries it has.
    pub fn entries(&self) -> u64 {
        match &self.body {
            RootBody::Pages(pages) => pages.iter().map(|page| page.entries).sum(),
            RootBody::Inline(entries) => entries.len() as u64,
        }
    }

    /// The page that holds a path if any does.
    pub fn page_of(&self, path: &[u8]) -> usize {
        match &self.body {
            RootBody::Pages(pages) => pages
                .partition_point(|page| page.start.as_slice() <= path)
                .saturating_sub(1),
            RootBody::Inline(_) => 0,
        }
    }
}

fn read_pages(cursor: &mut Cursor<'_>, files: u64, bytes: u64) -> Result<Vec<PageRef>, Fault> {
    let count = cursor.array()?;
    if count < 2 {
        return Err("a list of fewer than two pages".into());
    }
    let mut pages: Vec<PageRef> = Vec::new();
    let (mut all_files, mut all_bytes) = (0, 0);
    for _ in 0..count {
        cursor.array_of(6)?;
        let page = PageRef {
            start: cursor.bytes()?.to_vec(),
            object: Object {
                digest: cursor.digest()?,
                size: cursor.uint()?,
            },
            entries: cursor.uint()?,
            files: cursor.uint()?,
            bytes: cursor.uint()?,
        };
        let in_order = match pages.last() {
            None => page.start.is_empty(),
            Some(last) => page.start > last.start,
        };
        if !in_order {
            return Err("pages that are not sorted, or do not begin at the beginning".into());
        }
        if !(1..=MAX_PAGE_ENTRIES as u64).contains(&page.entries) || page.files > page.entries {
            return Err("a page with an impossible number of entries".into());
        }
        // What is read whole must be small, whatever a root names.
        if page.object.size > MAX_PAGE_SIZE as u64 {
            return Err("a page of an impossible size".into());
        }
        all_files = add(all_files, page.files)?;
        all_bytes = add(all_bytes, page.bytes)?;
        pages.push(page);
    }
    if (all_files, all_bytes) != (files, bytes) {
        return Err("totals that are not those of its pages".into());
    }
    Ok(pages)
}

/// Where a page starts: the shortest beginning of its first path that sorts after `last`, the last
/// path of the page before.
pub fn page_start<'a>(last: &str, first: &'a str) -> &'a [u8] {
    let pairs = last.bytes().zip(first.bytes());
    let common = pairs.take_while(|(left, right)| left == right).count();
    &first.as_bytes()[..common + 1]
}

/// Encode the root of a directory with two pages or more.
///
/// # Errors
///
/// More than 8 MiB.
pub fn encode_root(pages: &[PageRef]) -> Result<Vec<u8>, FormatError> {
    debug_assert!(pages.len() > 1);
    let mut out = Vec::with_capacity(64 * pages.len() + 64);
    put_totals(
        &mut out,
        pages.iter().map(|page| page.files).sum(),
        pages.iter().map(|page| page.bytes).sum(),
    );
    put_text(&mut out, "pages");
    put_array(&mut out, pages.len());
    for page in pages {
        put_array(&mut out, 6);
        put_bytes(&mut out, &page.start);
        put_bytes(&mut out, &page.object.digest);
        put_uint(&mut out, page.object.size);
        put_uint(&mut out, page.entries);
        put_uint(&mut out, page.files);
        put_uint(&mut out, page.bytes);
    }
    check_size(WHAT, out)
}

/// Encode the root of a directory with one page, which is not an object then.
pub(super) fn encode_inline(page: &BuiltPage) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + page.body.len());
    put_totals(&mut out, page.files, page.bytes);
    put_text(&mut out, "entries");
    put_array(&mut out, page.entries);
    out.extend_from_slice(&page.body);
    out
}

fn put_totals(out: &mut Vec<u8>, files: u64, bytes: u64) {
    put_map(out, KIND, 3);
    put_text(out, "bytes");
    put_uint(out, bytes);
    put_text(out, "files");
    put_uint(out, files);
}

/// Refuse a root or a layout of more bytes than there may be.
pub(super) fn check_size(what: &'static str, out: Vec<u8>) -> Result<Vec<u8>, FormatError> {
    let (size, limit) = (out.len() as u64, MAX_TOP_SIZE);
    if size > limit {
        return Err(FormatError::TooLarge { what, size, limit });
    }
    Ok(out)
}
