//! What versions of a directory send, each with the last one as its base: by numbers, without
//! bytes, so that many versions of large directories can be made.

use super::base::{Base, MOST_SMALL, MOST_WASTE, SMALL_PACK};
use super::contents::Contents;
use crate::outline::Digest;
use crate::tree::{Object, PackCutter, Packed, Trailer, encode_trailer};
use std::collections::{BTreeMap, HashSet};

/// A directory over its versions.
struct History {
    /// Content and size of each file, in the order of the paths.
    files: Vec<(Digest, u64)>,
    /// The packs in use, in the order of their digests.
    packs: BTreeMap<Object, Trailer>,
    contents_made: u64,
}

impl History {
    fn new(count: usize, size: u64) -> Self {
        let mut history = Self {
            files: vec![([0; 32], size); count],
            packs: BTreeMap::new(),
            contents_made: 0,
        };
        (0..count).for_each(|index| history.change(index));
        history.add();
        history
    }

    fn change(&mut self, index: usize) {
        self.contents_made += 1;
        self.files[index].0 = *blake3::hash(&self.contents_made.to_le_bytes()).as_bytes();
    }

    /// Change so many files here and there; gives their bytes.
    fn change_some(&mut self, count: usize) -> u64 {
        let mut changed = 0;
        for _ in 0..count {
            let hash = blake3::hash(&self.contents_made.to_be_bytes());
            let mut place = [0; 8];
            place.copy_from_slice(&hash.as_bytes()[..8]);
            let index = (u64::from_le_bytes(place) % self.files.len() as u64) as usize;
            self.change(index);
            changed += self.files[index].1;
        }
        changed
    }

    /// Make the next version; gives the bytes of new packs, trailers and all.
    fn add(&mut self) -> u64 {
        let (mut contents, mut base) = (Contents::default(), Base::default());
        for (object, trailer) in &self.packs {
            base.enter(*object, trailer, &mut contents);
        }
        let rows = self
            .files
            .iter()
            .map(|(digest, _)| contents.insert(digest).0);
        let rows: Vec<_> = rows.collect();
        let mut live = vec![0; contents.len()];
        for (row, (_, size)) in rows.iter().zip(&self.files) {
            live[*row as usize] = *size as u32;
        }
        base.choose(&live, &mut contents);
        let mut used = BTreeMap::new();
        let (mut cutter, mut pack) = (PackCutter::default(), Vec::new());
        let mut sent = 0;
        let mut close = |pack: &mut Vec<Packed>, used: &mut BTreeMap<Object, Trailer>| {
            let files = std::mem::take(pack);
            let trailer = encode_trailer(&files);
            let bytes = files.iter().map(|file| u64::from(file.size)).sum();
            let digest = Object::of(&trailer).digest;
            let size = bytes + trailer.len() as u64;
            used.insert(Object { digest, size }, Trailer { files, bytes });
            sent += size;
        };
        let mut offset = 0;
        for (row, (digest, size)) in rows.iter().zip(&self.files) {
            if let Some((number, _)) = contents.place(*row) {
                let object = base.object(number);
                used.entry(object)
                    .or_insert_with(|| self.packs[&object].clone());
                continue;
            }
            if cutter.ends_before(*size) {
                cutter.reset();
                close(&mut pack, &mut used);
                offset = 0;
            }
            pack.push(Packed {
                digest: *digest,
                size: *size as u32,
                offset,
            });
            offset += *size as u32;
            if cutter.push(digest, *size) {
                close(&mut pack, &mut used);
                offset = 0;
            }
        }
        if !pack.is_empty() {
            close(&mut pack, &mut used);
        }
        self.packs = used;
        sent
    }

    /// Check that packs are few and mostly needed.
    fn check(&self) {
        let live: HashSet<_> = self.files.iter().map(|file| file.0).collect();
        for trailer in self.packs.values() {
            let needed = trailer
                .files
                .iter()
                .filter(|file| live.contains(&file.digest));
            let needed: u64 = needed.map(|file| u64::from(file.size)).sum();
            assert!(needed * MOST_WASTE >= trailer.bytes);
        }
        let small = self.packs.keys().filter(|pack| pack.size < SMALL_PACK);
        // And the one that ends the new version.
        assert!(small.count() <= MOST_SMALL + 1);
    }
}

/// Bytes sent for each byte that changed.
fn amplification(count: usize, size: u64, changes: usize, versions: usize) -> f64 {
    let mut history = History::new(count, size);
    let (mut changed, mut sent) = (0, 0);
    for _ in 0..versions {
        changed += history.change_some(changes);
        sent += history.add();
        history.check();
    }
    sent as f64 / changed as f64
}

#[test]
fn of_scattered_changes_little_more_than_they_is_sent_over_a_hundred_versions() {
    // One percent of 200 MiB, of 450 MiB, and five of 64 MiB.
    for (count, changes) in [(3200, 32), (7200, 72), (1024, 51)] {
        let found = amplification(count, 64 << 10, changes, 100);
        assert!(found <= 1.5, "{changes} of {count}: {found}");
    }
}

#[test]
fn changes_that_make_small_packs_only_are_packed_again_about_once() {
    // One percent of 16 MiB: of a hundred packs of 160 KiB at least 83 have to be packed again.
    let found = amplification(4096, 4 << 10, 41, 100);
    assert!((1.7..2.2).contains(&found), "{found}");
    // However many versions come, and however small they are.
    for (count, changes) in [(1024, 1), (256, 1), (1024, 10)] {
        let found = amplification(count, 16 << 10, changes, 800);
        assert!(found <= 4.0, "{changes} of {count}: {found}");
    }
}
