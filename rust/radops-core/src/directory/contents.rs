//! Every content of a directory once: its digest, and its place in a pack if it has one.

use crate::outline::Digest;
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};

/// A content's number.
pub(super) type Row = u32;

/// No row.
pub(super) const NO_ROW: Row = u32::MAX;

/// No source: the content has no place yet, or needs none.
pub(super) const NO_SOURCE: u32 = u32::MAX;

/// Contents in columns: ten million cost some 450 MB.
#[derive(Default)]
pub(super) struct Contents {
    table: HashTable<Row>,
    /// Seeded, so that digests in a hostile pack cannot be chosen to collide.
    hasher: RandomState,
    digests: Vec<Digest>,
    /// Number of the pack.
    sources: Vec<u32>,
    offsets: Vec<u32>,
}

impl Contents {
    pub fn len(&self) -> usize {
        self.digests.len()
    }

    pub fn find(&self, digest: &Digest) -> Option<Row> {
        let hash = self.hasher.hash_one(digest);
        let same = |row: &Row| self.digests[*row as usize] == *digest;
        self.table.find(hash, same).copied()
    }

    /// The row of a content, which is made if there is none; gives whether it was made.
    pub fn insert(&mut self, digest: &Digest) -> (Row, bool) {
        if let Some(row) = self.find(digest) {
            return (row, false);
        }
        let row = self.digests.len() as Row;
        assert!(row < NO_ROW, "more than four billion contents");
        self.digests.push(*digest);
        self.sources.push(NO_SOURCE);
        self.offsets.push(0);
        let (digests, hasher) = (&self.digests, &self.hasher);
        let rehash = |row: &Row| hasher.hash_one(digests[*row as usize]);
        self.table
            .insert_unique(hasher.hash_one(digest), row, rehash);
        (row, true)
    }

    pub fn digest(&self, row: Row) -> &Digest {
        &self.digests[row as usize]
    }

    /// Number of the pack and offset there; `None` if the content has no place.
    pub fn place(&self, row: Row) -> Option<(u32, u32)> {
        let source = self.sources[row as usize];
        (source != NO_SOURCE).then(|| (source, self.offsets[row as usize]))
    }

    pub fn put(&mut self, row: Row, source: u32, offset: u32) {
        self.sources[row as usize] = source;
        self.offsets[row as usize] = offset;
    }
}
