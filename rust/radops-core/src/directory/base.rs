//! Packs of earlier directories: what is in them, and which are good enough to be used again.

use super::contents::{Contents, NO_SOURCE, Row};
use super::error::Result;
use super::store::Store;
use crate::outline::Digest;
use crate::tree::{Object, PACK_LIMIT, TAIL_SIZE, Trailer, trailer_length};
use std::collections::HashMap;
use std::fs::File;

/// A pack is used again if at least one byte in so many is still needed.
pub(super) const MOST_WASTE: u64 = 4;

/// Packs smaller than this are used again only if they are among the best of them, so that a
/// directory with a hundred versions does not end in a hundred small packs.
pub(super) const SMALL_PACK: u64 = 4 << 20;

/// How many small packs are used again, at most.
pub(super) const MOST_SMALL: usize = 16;

/// Packs that may be used again, numbered from 0.
#[derive(Default)]
pub(super) struct Base {
    packs: Vec<BasePack>,
    /// Second and further places of contents that several packs hold.
    also: HashMap<Row, Vec<(u32, u32)>>,
    /// Bytes of each content that a pack holds.
    sizes: Vec<u32>,
}

struct BasePack {
    object: Object,
    /// Bytes of the files that its trailer lists.
    bytes: u64,
    kept: bool,
}

impl Base {
    /// Read the trailers of those objects that are packs and are here, and enter what they hold.
    /// What is no pack, or is damaged, is passed over.
    pub fn load(store: &Store, objects: &[Object], contents: &mut Contents) -> Result<Self> {
        Self::read(store, objects, contents, false)
    }

    /// As `load`, and number also what is not here and may be a pack: `place` enters later what is
    /// in it.
    pub fn load_all(store: &Store, objects: &[Object], contents: &mut Contents) -> Result<Self> {
        Self::read(store, objects, contents, true)
    }

    fn read(
        store: &Store,
        objects: &[Object],
        contents: &mut Contents,
        absent: bool,
    ) -> Result<Self> {
        let mut objects = objects.to_vec();
        objects.sort_unstable();
        objects.dedup();
        let mut base = Self::default();
        for object in objects {
            let Some(trailer) = read_trailer(store, &object)? else {
                if absent && !store.has(&object) {
                    base.packs.push(BasePack {
                        object,
                        bytes: object.size,
                        kept: true,
                    });
                }
                continue;
            };
            base.enter(object, &trailer, contents);
        }
        Ok(base)
    }

    /// Enter a pack and what it holds. They come in the order of their digests.
    pub fn enter(&mut self, object: Object, trailer: &Trailer, contents: &mut Contents) {
        let number = self.packs.len() as u32;
        for file in &trailer.files {
            let (row, _) = contents.insert(&file.digest);
            if self.sizes.len() < contents.len() {
                self.sizes.push(file.size);
            }
            if contents.place(row).is_none() {
                contents.put(row, number, file.offset);
            } else if self.sizes[row as usize] == file.size {
                self.also
                    .entry(row)
                    .or_default()
                    .push((number, file.offset));
            }
        }
        self.packs.push(BasePack {
            object,
            bytes: trailer.bytes,
            kept: true,
        });
    }

    /// Enter a file of a pack that is not here, as a layout has it.
    pub fn place(
        &mut self,
        contents: &mut Contents,
        pack: &Object,
        digest: &Digest,
        size: u64,
        offset: u64,
    ) {
        let Ok(number) = self.packs.binary_search_by(|one| one.object.cmp(pack)) else {
            return;
        };
        let (row, _) = contents.insert(digest);
        if self.sizes.len() < contents.len() {
            self.sizes.push(size as u32);
        }
        let place = (number as u32, offset as u32);
        match contents.place(row) {
            None => contents.put(row, place.0, place.1),
            Some(found) if found == place => {}
            Some(_) => {
                let also = self.also.entry(row).or_default();
                if self.sizes[row as usize] == size as u32 && !also.contains(&place) {
                    also.push(place);
                }
            }
        }
    }

    /// How many packs there are.
    pub fn len(&self) -> usize {
        self.packs.len()
    }

    /// Pack `number`.
    pub fn object(&self, number: u32) -> Object {
        self.packs[number as usize].object
    }

    /// Decide which packs are used again, given the bytes of each content that the new directory
    /// has in packs, and 0 for all others. Each content then has its place in the kept pack with
    /// the lowest digest that holds it, or none.
    pub fn choose(&mut self, live: &[u32], contents: &mut Contents) {
        // First with every content counted in each pack that holds it, so that two packs with the
        // same contents do not both seem to be waste.
        let mut bytes = vec![0; self.packs.len()];
        for row in (0..self.sizes.len() as Row).filter(|row| live[*row as usize] > 0) {
            for (number, _) in self.places(row, contents) {
                bytes[number as usize] += u64::from(self.sizes[row as usize]);
            }
        }
        self.drop_wasteful(&bytes);
        loop {
            let bytes = self.live_bytes(live, contents);
            if !self.drop_wasteful(&bytes) {
                let all: u64 = live.iter().copied().map(u64::from).sum();
                self.drop_small(&bytes, all - bytes.iter().sum::<u64>());
                break;
            }
        }
        for row in 0..self.sizes.len() as Row {
            let best = self.best(row, contents).filter(|_| live[row as usize] > 0);
            let (number, offset) = best.unwrap_or((NO_SOURCE, 0));
            contents.put(row, number, offset);
        }
    }

    /// The places of a content.
    fn places(&self, row: Row, contents: &Contents) -> impl Iterator<Item = (u32, u32)> {
        let also = self.also.get(&row).into_iter().flatten().copied();
        contents.place(row).into_iter().chain(also)
    }

    /// The place of a content in a kept pack; packs are numbered in the order of their digests.
    fn best(&self, row: Row, contents: &Contents) -> Option<(u32, u32)> {
        let kept = |place: &(u32, u32)| self.packs[place.0 as usize].kept;
        self.places(row, contents).filter(kept).min()
    }

    /// Bytes of contents that have their place in each pack.
    fn live_bytes(&self, live: &[u32], contents: &Contents) -> Vec<u64> {
        let mut bytes = vec![0; self.packs.len()];
        for row in (0..self.sizes.len() as Row).filter(|row| live[*row as usize] > 0) {
            if let Some((number, _)) = self.best(row, contents) {
                bytes[number as usize] += u64::from(live[row as usize]);
            }
        }
        bytes
    }

    /// Drop packs of which too little is needed. Gives whether there were any.
    fn drop_wasteful(&mut self, live: &[u64]) -> bool {
        let mut dropped = false;
        for (pack, live) in self.packs.iter_mut().zip(live) {
            if pack.kept && live * MOST_WASTE < pack.bytes {
                pack.kept = false;
                dropped = true;
            }
        }
        dropped
    }

    /// Drop small packs if there are too many: those with the fewest live bytes, of which the new
    /// directory packs `fresh` bytes anyway. Each pack that is dropped beyond the surplus holds no
    /// more than what is packed with it, and no further pack is dropped once that fills more than a
    /// small pack. So each time a content is packed again, its new pack is at least twice as large,
    /// and after a few times it stays.
    fn drop_small(&mut self, live: &[u64], fresh: u64) {
        let small = |pack: &BasePack| pack.kept && pack.object.size < SMALL_PACK;
        let mut found: Vec<_> = (0..self.packs.len())
            .filter(|number| small(&self.packs[*number]))
            .collect();
        let Some(surplus) = found.len().checked_sub(MOST_SMALL).filter(|more| *more > 0) else {
            return;
        };
        found.sort_by_key(|number| (live[*number], usize::MAX - number));
        let mut packed = fresh;
        for (count, number) in found.into_iter().enumerate() {
            let grows = packed < SMALL_PACK && live[number] <= packed;
            if count >= surplus && !grows {
                return;
            }
            self.packs[number].kept = false;
            packed += live[number];
        }
    }
}

/// The trailer of an object that is here; `None` if it is not here or is no pack.
pub(super) fn read_trailer(store: &Store, object: &Object) -> Result<Option<Trailer>> {
    let tail_size = TAIL_SIZE as u64;
    // Larger than a pack can be, with its trailer.
    if object.size < tail_size || object.size > 2 * PACK_LIMIT {
        return Ok(None);
    }
    let Ok(file) = File::open(store.path(&object.digest)) else {
        return Ok(None);
    };
    let mut tail = [0; TAIL_SIZE];
    let start = object.size - tail_size;
    if crate::sys::read_at(&file, &mut tail, start, TAIL_SIZE).ok() != Some(TAIL_SIZE) {
        return Ok(None);
    }
    let Ok(length) = trailer_length(&tail, object.size) else {
        return Ok(None);
    };
    let mut raw = vec![0; length as usize];
    let found = crate::sys::read_at(&file, &mut raw, start - length, length as usize);
    if found.ok() != Some(raw.len()) {
        return Ok(None);
    }
    Ok(Trailer::decode(&raw, object.size).ok())
}
