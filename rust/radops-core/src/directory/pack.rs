//! Packs being filled, in the order of the files.

use super::contents::{Contents, Row};
use crate::outline::Digest;
use crate::tree::{Object, PACK_LIMIT, PackCutter, Packed, encode_trailer};

/// A pack that is complete and not yet written.
pub(super) struct FullPack {
    /// Its number among the packs.
    pub number: u32,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Fills packs.
pub(super) struct Filler {
    cutter: PackCutter,
    bytes: Vec<u8>,
    files: Vec<Packed>,
    /// The number of the pack being filled.
    number: u32,
    /// Buffers of packs that were written.
    spare: Vec<Vec<u8>>,
    /// The packs, once they are written.
    packs: Vec<Option<Object>>,
}

impl Filler {
    /// Number packs from `first` on.
    pub fn new(packs: Vec<Object>) -> Self {
        Self {
            cutter: PackCutter::default(),
            bytes: Vec::new(),
            files: Vec::new(),
            number: packs.len() as u32,
            spare: Vec::new(),
            packs: packs.into_iter().map(Some).collect(),
        }
    }

    /// Add a content that has no place. Gives the packs that are full.
    pub fn push(
        &mut self,
        contents: &mut Contents,
        row: Row,
        digest: &Digest,
        bytes: &[u8],
    ) -> [Option<FullPack>; 2] {
        let size = bytes.len() as u64;
        let before = self
            .cutter
            .ends_before(size)
            .then(|| self.close())
            .flatten();
        let offset = self.bytes.len() as u32;
        self.files.push(Packed {
            digest: *digest,
            size: bytes.len() as u32,
            offset,
        });
        self.bytes.extend_from_slice(bytes);
        contents.put(row, self.number, offset);
        let ends = self.cutter.push(digest, size);
        [before, ends.then(|| self.close()).flatten()]
    }

    /// End the pack; `None` if there is nothing in it.
    pub fn close(&mut self) -> Option<FullPack> {
        if self.files.is_empty() {
            return None;
        }
        self.cutter.reset();
        let trailer = encode_trailer(&self.files);
        self.files.clear();
        self.bytes.extend_from_slice(&trailer);
        let next = self.spare.pop().unwrap_or_default();
        let bytes = std::mem::replace(&mut self.bytes, next);
        let number = self.number;
        self.number += 1;
        self.packs.push(None);
        Some(FullPack { number, bytes })
    }

    /// A pack was written.
    pub fn written(&mut self, pack: FullPack, object: Object) {
        self.packs[pack.number as usize] = Some(object);
        let mut buffer = pack.bytes;
        buffer.clear();
        if buffer.capacity() as u64 <= 2 * PACK_LIMIT {
            self.spare.push(buffer);
        }
    }

    /// Pack `number`, which was written.
    pub fn object(&self, number: u32) -> Option<Object> {
        self.packs.get(number as usize).copied().flatten()
    }
}
