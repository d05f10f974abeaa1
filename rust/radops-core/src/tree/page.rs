//! Pages of entries: where they are cut, and how they are read.

use super::entry::Entry;
use super::error::{Fault, FormatError};
use super::wire::{Cursor, decode_map, head_size, put_array, put_map, put_text};
use super::{Object, cut_number};
use std::cmp::Ordering;

const KIND: &str = "radops/page";
const WHAT: &str = "page";

/// A page ends at one path in so many.
const PAGE_MODULUS: u64 = 2048;

/// Entries that a page has before its paths are asked whether it ends.
pub const MIN_PAGE_ENTRIES: usize = 512;

/// Most entries of a page.
pub const MAX_PAGE_ENTRIES: usize = 8192;

/// Most bytes of a page's encoding.
pub const MAX_PAGE_SIZE: usize = 2 << 20;

/// Bytes of a page's encoding besides the head of the array and the entries.
const PAGE_FRAME: usize = 1 + 2 + 1 + 5 + 1 + KIND.len() + 8;

/// Decides where pages end.
#[derive(Debug, Default, Clone)]
pub struct PageCutter {
    entries: usize,
    /// Bytes of the encoded entries.
    bytes: usize,
}

impl PageCutter {
    /// Whether the page ends before an entry whose encoding has so many bytes.
    pub fn ends_before(&self, encoded: usize) -> bool {
        let entries = self.entries + 1;
        PAGE_FRAME + head_size(entries as u64) + self.bytes + encoded > MAX_PAGE_SIZE
    }

    /// Add an entry. Gives whether the page ends after it; then the next entry begins a new one.
    pub fn push(&mut self, path: &str, encoded: usize) -> bool {
        self.entries += 1;
        self.bytes += encoded;
        let ends =
            self.entries >= MAX_PAGE_ENTRIES || (self.entries >= MIN_PAGE_ENTRIES && is_cut(path));
        if ends {
            *self = Self::default();
        }
        ends
    }

    /// Begin a new page.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

fn is_cut(path: &str) -> bool {
    cut_number(blake3::hash(path.as_bytes()).as_bytes()).is_multiple_of(PAGE_MODULUS)
}

/// Collects the entries of one page.
#[derive(Debug, Default)]
pub struct PageBuilder {
    cutter: PageCutter,
    /// The encoded entries.
    body: Vec<u8>,
    scratch: Vec<u8>,
    entries: usize,
    files: u64,
    bytes: u64,
    first: String,
    last: String,
}

/// A page that is complete.
#[derive(Debug)]
pub struct BuiltPage {
    /// The encoded entries, without any head.
    pub body: Vec<u8>,
    /// How many they are.
    pub entries: usize,
    /// How many of them are files.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
    /// Path of the first entry; empty without entries.
    pub first: String,
    /// Path of the last entry.
    pub last: String,
}

impl BuiltPage {
    /// The page as an object.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(PAGE_FRAME + 9 + self.body.len());
        put_map(&mut out, KIND, 1);
        put_text(&mut out, "entries");
        put_array(&mut out, self.entries);
        out.extend_from_slice(&self.body);
        out
    }
}

impl PageBuilder {
    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Add an entry; they come in order. Gives the page that ended before it, and the one that
    /// ends after it.
    pub fn push(&mut self, entry: &Entry<'_>) -> [Option<BuiltPage>; 2] {
        let mut encoded = std::mem::take(&mut self.scratch);
        encoded.clear();
        entry.put(&mut encoded);
        let before = (self.entries > 0 && self.cutter.ends_before(encoded.len())).then(|| {
            self.cutter.reset();
            self.take()
        });
        if self.entries == 0 {
            self.first.clear();
            self.first.push_str(entry.path);
        }
        self.entries += 1;
        if entry.kind.is_file() {
            self.files += 1;
            self.bytes += entry.size;
        }
        self.body.extend_from_slice(&encoded);
        self.last.clear();
        self.last.push_str(entry.path);
        let ends = self.cutter.push(entry.path, encoded.len());
        self.scratch = encoded;
        [before, ends.then(|| self.take())]
    }

    /// The entries so far as a page.
    pub fn take(&mut self) -> BuiltPage {
        let page = BuiltPage {
            body: std::mem::take(&mut self.body),
            entries: self.entries,
            files: self.files,
            bytes: self.bytes,
            first: std::mem::take(&mut self.first),
            last: std::mem::take(&mut self.last),
        };
        (self.entries, self.files, self.bytes) = (0, 0, 0);
        page
    }
}

/// Checks that entries come in order, each path once, and none below another.
#[derive(Debug, Default)]
pub struct Ancestors {
    last: String,
    /// Lengths of the paths seen that the last path begins with, itself included.
    prefixes: Vec<u16>,
}

impl Ancestors {
    /// Add the next path, which was checked by itself.
    ///
    /// # Errors
    ///
    /// It is not after the last one, or an entry before it is a folder above it.
    pub fn push(&mut self, path: &str) -> Result<(), &'static str> {
        if !self.prefixes.is_empty() && path.as_bytes() <= self.last.as_bytes() {
            return Err("paths that are not sorted, or twice the same");
        }
        // What the new path does not begin with, no later path does either.
        let pairs = path.bytes().zip(self.last.bytes());
        let common = pairs.take_while(|(new, old)| new == old).count();
        while self
            .prefixes
            .last()
            .is_some_and(|length| usize::from(*length) > common)
        {
            self.prefixes.pop();
        }
        let bytes = path.as_bytes();
        let below = |length: &u16| bytes.get(usize::from(*length)) == Some(&b'/');
        if self.prefixes.iter().any(below) {
            return Err("an entry below another entry");
        }
        self.last.clear();
        self.last.push_str(path);
        // A checked path has at most 1,024 bytes.
        self.prefixes.push(path.len() as u16);
        Ok(())
    }
}

/// Entries of a page or of a root, in their encoding.
#[derive(Debug)]
pub struct Entries {
    raw: Vec<u8>,
    /// Where each entry begins in `raw`.
    starts: Vec<u32>,
    files: u64,
    bytes: u64,
}

impl Entries {
    /// Decode a page.
    ///
    /// # Errors
    ///
    /// The bytes are not a page, or entries break a rule.
    pub fn decode(raw: Vec<u8>) -> Result<Self, FormatError> {
        if raw.len() > MAX_PAGE_SIZE {
            return Err(FormatError::corrupt(
                WHAT,
                format!("more than {MAX_PAGE_SIZE} bytes"),
            ));
        }
        let parsed = decode_map(&raw, WHAT, KIND, &["entries"], |cursor, fields| {
            if fields != 1 {
                return Err("another number of fields".into());
            }
            cursor.key("entries")?;
            let parsed = Parsed::read(cursor)?;
            if parsed.starts.is_empty() {
                return Err("a page without entries".into());
            }
            Ok(parsed)
        })?;
        Ok(parsed.with(raw))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// How many entries are files.
    pub fn files(&self) -> u64 {
        self.files
    }

    /// Bytes of these files.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Memory that they take, in bytes.
    pub fn memory(&self) -> usize {
        self.raw.capacity() + 4 * self.starts.capacity()
    }

    /// Entry `index`.
    ///
    /// # Panics
    ///
    /// There are not so many entries.
    pub fn get(&self, index: usize) -> Entry<'_> {
        let mut cursor = Cursor::at(&self.raw, self.starts[index] as usize);
        match Entry::read_checked(&mut cursor) {
            Ok(entry) => entry,
            Err(fault) => unreachable!("an entry that was decoded before: {fault}"),
        }
    }

    /// All entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// The index of the entry with this path, or of the first one after it.
    pub fn find(&self, path: &[u8]) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(middle).path.as_bytes().cmp(path) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(middle),
            }
        }
        Err(low)
    }

    /// The object that these entries are as a page.
    pub fn object(&self) -> Object {
        Object::of(&self.raw)
    }
}

/// Where entries are within bytes that hold them.
pub(super) struct Parsed {
    starts: Vec<u32>,
    files: u64,
    bytes: u64,
}

impl Parsed {
    /// Read an array of entries.
    pub fn read(cursor: &mut Cursor<'_>) -> Result<Self, Fault> {
        let count = cursor.array()?;
        if count > MAX_PAGE_ENTRIES {
            return Err(Fault::rule(format!("more than {MAX_PAGE_ENTRIES} entries")));
        }
        let mut starts = Vec::with_capacity(count);
        let (mut files, mut bytes) = (0, 0_u64);
        let mut ancestors = Ancestors::default();
        for _ in 0..count {
            starts.push(cursor.position() as u32);
            let entry = Entry::read(cursor)?;
            ancestors.push(entry.path)?;
            if entry.kind.is_file() {
                files += 1;
                bytes = add(bytes, entry.size)?;
            }
        }
        Ok(Self {
            starts,
            files,
            bytes,
        })
    }

    pub fn with(self, raw: Vec<u8>) -> Entries {
        let Self {
            starts,
            files,
            bytes,
        } = self;
        Entries {
            raw,
            starts,
            files,
            bytes,
        }
    }

    pub fn totals(&self) -> (u64, u64) {
        (self.files, self.bytes)
    }
}

/// A sum that an encoding can hold.
pub(super) fn add(left: u64, right: u64) -> Result<u64, Fault> {
    let sum = left
        .checked_add(right)
        .filter(|sum| i64::try_from(*sum).is_ok());
    sum.ok_or_else(|| Fault::rule("a total of more than 64 bits"))
}
