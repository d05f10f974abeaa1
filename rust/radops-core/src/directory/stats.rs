//! Remembers the stats of a folder's files as they were hashed, so that they need not be read again
//! while they are the same.
//!
//! The file has a row for each entry of the directory that was made, in its order; what the bytes
//! were is in the directory. It can be lost or damaged without harm.

use super::contents::{Contents, NO_ROW, Row};
use super::crew::Poll;
use super::error::Result;
use super::node::Item;
use super::reader::Directory;
use super::scan::Scan;
use super::store::Store;
use crate::outline::{Digest, VALUE_SIZE};
use crate::progress::Call;
use crate::sys::is_settled;
use crate::tree::{Entry, Kind, Object, is_packed};
use std::cmp::Ordering;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

const MAGIC: &[u8; 8] = b"radopsS1";
const HEAD: usize = 8 + VALUE_SIZE + 8;
const ROW: usize = 24;

/// Stats of a folder's files.
pub(super) struct Stats {
    /// The directory that was made.
    pub root: Object,
    rows: Vec<u8>,
}

/// Collects the stats of a folder's files.
pub(super) struct StatsWriter {
    /// When reading began, by the clock of the system.
    began_ns: i128,
    rows: Vec<u8>,
}

/// Now, in nanoseconds since 1970.
pub(super) fn now_ns() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as i128)
}

impl StatsWriter {
    pub fn new(began_ns: i128) -> Self {
        let rows = Vec::new();
        Self { began_ns, rows }
    }

    /// Add the next entry.
    pub fn push(&mut self, item: &Item) {
        let trusted = is_settled(item.mtime_ns.into(), item.ctime_ns.into(), self.began_ns);
        // No file has inode 0.
        let inode = if trusted { item.inode } else { 0 };
        self.rows.extend_from_slice(&item.mtime_ns.to_le_bytes());
        self.rows.extend_from_slice(&item.ctime_ns.to_le_bytes());
        self.rows.extend_from_slice(&inode.to_le_bytes());
    }

    /// The file.
    pub fn finish(self, root: &Object) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD + self.rows.len() + VALUE_SIZE);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&root.digest);
        out.extend_from_slice(&root.size.to_le_bytes());
        out.extend_from_slice(&self.rows);
        let sum = blake3::hash(&out);
        out.extend_from_slice(sum.as_bytes());
        out
    }
}

impl Stats {
    /// Read the file; `None` if it is not there or not whole.
    pub fn read(path: &Path) -> Option<Self> {
        let bytes = std::fs::read(path).ok()?;
        let (body, sum) = bytes.split_last_chunk::<VALUE_SIZE>()?;
        if body.len() < HEAD || &body[..8] != MAGIC || blake3::hash(body).as_bytes() != sum {
            return None;
        }
        let mut digest = Digest::default();
        digest.copy_from_slice(&body[8..8 + VALUE_SIZE]);
        let mut size = [0; 8];
        size.copy_from_slice(&body[8 + VALUE_SIZE..HEAD]);
        let size = u64::from_le_bytes(size);
        Some(Self {
            root: Object { digest, size },
            rows: body[HEAD..].to_vec(),
        })
    }

    fn is_same(&self, index: u64, item: &Item) -> bool {
        let start = index as usize * ROW;
        let Some(row) = self.rows.get(start..start + ROW) else {
            return false;
        };
        let field = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&row[at..at + 8]);
            i64::from_le_bytes(bytes)
        };
        item.inode != 0
            && (field(0), field(8), field(16) as u64) == (item.mtime_ns, item.ctime_ns, item.inode)
    }

    /// Enter the contents of files that are as they were, and whose bytes are here, into `rows`,
    /// which has a place for each file of the scan.
    ///
    /// A directory that cannot be read any more is not used, as if there were no stats.
    pub fn apply(
        &self,
        scan: &Scan,
        store: &Store,
        contents: &mut Contents,
        rows: &mut [Row],
        call: &mut Call<'_>,
    ) -> Result<()> {
        self.apply_to(scan, store, rows, call, |entry| {
            at_hand(store, contents, entry)
        })
    }

    /// Enter the contents of files that are as they were into `rows`, wherever their bytes are.
    pub fn apply_digests(
        &self,
        scan: &Scan,
        store: &Store,
        contents: &mut Contents,
        rows: &mut [Row],
        call: &mut Call<'_>,
    ) -> Result<()> {
        self.apply_to(scan, store, rows, call, |entry| match entry.size {
            0 => NO_ROW,
            _ => contents.insert(&entry.digest).0,
        })
    }

    fn apply_to(
        &self,
        scan: &Scan,
        store: &Store,
        rows: &mut [Row],
        call: &mut Call<'_>,
        mut row_of: impl FnMut(&Entry<'_>) -> Row,
    ) -> Result<()> {
        let Ok(directory) = Directory::open(store.clone(), self.root, None) else {
            return Ok(());
        };
        let mut leaves = scan.leaves();
        let (mut ordinal, mut number) = (0, 0);
        let mut path = String::new();
        let mut next = None;
        let mut advance = |path: &mut String| {
            let (node, index) = leaves.next()?;
            let node = &scan.nodes[node as usize];
            let item = node.item(index);
            node.write_path(item, path);
            let file = item.kind().is_file().then(|| {
                ordinal += 1;
                ordinal - 1
            });
            Some((*item, file))
        };
        next = next.or_else(|| advance(&mut path));
        let (mut poll, mut stopped) = (Poll::new(), Ok(()));
        let found = directory.each("", "", |entry, _, _| {
            stopped = poll.step(call);
            while let Some((item, file)) = next {
                match path.as_str().cmp(entry.path) {
                    Ordering::Less => next = advance(&mut path),
                    Ordering::Greater => break,
                    Ordering::Equal => {
                        if let Some(file) = file
                            && self.matches(number, &item, entry)
                        {
                            rows[file] = row_of(entry);
                        }
                        next = advance(&mut path);
                        break;
                    }
                }
            }
            number += 1;
            next.is_some() && stopped.is_ok()
        });
        stopped?;
        // Pages that were lost or damaged since: what was found until then is right.
        drop(found);
        Ok(())
    }

    fn matches(&self, number: u64, item: &Item, entry: &Entry<'_>) -> bool {
        let file = matches!(entry.kind, Kind::File | Kind::Executable);
        file && entry.size == item.size && self.is_same(number, item)
    }
}

/// The row of a content whose bytes are here; `NO_ROW` if they are not.
fn at_hand(store: &Store, contents: &mut Contents, entry: &Entry<'_>) -> Row {
    if is_packed(entry.size) {
        return contents.find(&entry.digest).unwrap_or(NO_ROW);
    }
    let object = Object {
        digest: entry.digest,
        size: entry.size,
    };
    if entry.size > 0 && store.has(&object) {
        return contents.insert(&entry.digest).0;
    }
    NO_ROW
}
