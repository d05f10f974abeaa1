//! Blocks and outlines: BLAKE3 subtrees of 1 MiB and what they merge to.
//!
//! A file of one block is hashed as any BLAKE3 input. From two blocks on, each block has a
//! chaining value, and the digest follows from the list of them: the outline.

use crate::error::OutlineError;
use blake3::Hasher;
use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root,
};

/// Size of a block in bytes. A power of two, so that every block is a subtree of the whole.
pub const BLOCK_SIZE: u64 = 1 << 20;

/// Length of a digest and of a chaining value.
pub const VALUE_SIZE: usize = 32;

/// A digest: what `b3sum` prints, as bytes.
pub type Digest = [u8; VALUE_SIZE];

/// How many blocks an object of `size` bytes has: at least one.
pub fn block_count(size: u64) -> u64 {
    size.div_ceil(BLOCK_SIZE).max(1)
}

/// How many bytes block `block` of an object of `size` bytes has.
pub fn block_length(block: u64, size: u64) -> u64 {
    size.saturating_sub(block * BLOCK_SIZE).min(BLOCK_SIZE)
}

/// A hasher for block `block`, to be finalised with [`HasherExt::finalize_non_root`].
pub fn block_hasher(block: u64) -> Hasher {
    let mut hasher = Hasher::new();
    hasher.set_input_offset(block * BLOCK_SIZE);
    hasher
}

/// Chaining values of the consecutive blocks in `data`, which starts at block `first_block` of an
/// object of at least two blocks. The last block may be short.
pub fn block_values(data: &[u8], first_block: u64) -> Result<Vec<u8>, OutlineError> {
    let end = first_block
        .checked_mul(BLOCK_SIZE)
        .and_then(|start| start.checked_add(data.len() as u64));
    if end.is_none() {
        return Err(OutlineError::Range {
            first_block,
            length: data.len(),
        });
    }
    let mut values = Vec::with_capacity(data.len().div_ceil(BLOCK_SIZE as usize) * VALUE_SIZE);
    for (block, bytes) in (first_block..).zip(data.chunks(BLOCK_SIZE as usize)) {
        values.extend_from_slice(&block_hasher(block).update(bytes).finalize_non_root());
    }
    Ok(values)
}

/// Refuse an outline whose length does not fit an object of `size` bytes.
pub fn check_outline(outline: &[u8], size: u64) -> Result<(), OutlineError> {
    let blocks = block_count(size);
    if blocks < 2 {
        return Err(OutlineError::OneBlock { size });
    }
    let expected = u128::from(blocks) * VALUE_SIZE as u128;
    if outline.len() as u128 != expected {
        return Err(OutlineError::Length {
            size,
            expected,
            found: outline.len(),
        });
    }
    Ok(())
}

/// The digest that `outline` merges to.
pub fn merge_outline(outline: &[u8], size: u64) -> Result<Digest, OutlineError> {
    check_outline(outline, size)?;
    let mut merger = Merger::default();
    for chunk in outline.chunks_exact(VALUE_SIZE) {
        let mut value = [0; VALUE_SIZE];
        value.copy_from_slice(chunk);
        merger.push(value);
    }
    // `check_outline` let only two blocks and more through, so there is a root.
    merger.root().ok_or(OutlineError::OneBlock { size })
}

/// Merges chaining values in order, holding one per level of the tree.
#[derive(Default)]
struct Merger {
    stack: Vec<ChainingValue>,
    count: u64,
}

impl Merger {
    /// Add the next block's value.
    ///
    /// Finished subtrees are merged before the push, not after it: until more input is known to
    /// follow, the topmost merge could be the root, which is computed in another way.
    fn push(&mut self, value: ChainingValue) {
        while self.stack.len() > self.count.count_ones() as usize {
            self.merge_top();
        }
        self.stack.push(value);
        self.count += 1;
    }

    fn merge_top(&mut self) {
        if let (Some(right), Some(left)) = (self.stack.pop(), self.stack.pop()) {
            self.stack
                .push(merge_subtrees_non_root(&left, &right, Mode::Hash));
        }
    }

    /// The digest; `None` with fewer than two values.
    fn root(mut self) -> Option<Digest> {
        while self.stack.len() > 2 {
            self.merge_top();
        }
        match self.stack.as_slice() {
            [left, right] => Some(*merge_subtrees_root(left, right, Mode::Hash).as_bytes()),
            _ => None,
        }
    }
}

/// Digest and outline of a stream of bytes.
pub struct StreamHasher {
    /// The block being filled. It is only finished when a byte after it arrives: as the first and
    /// only block it is the root.
    block: Hasher,
    filled: u64,
    outline: Vec<u8>,
    size: u64,
}

impl Default for StreamHasher {
    fn default() -> Self {
        Self {
            block: Hasher::new(),
            filled: 0,
            outline: Vec::new(),
            size: 0,
        }
    }
}

impl StreamHasher {
    /// Add the next bytes.
    pub fn update(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            if self.filled == BLOCK_SIZE {
                self.outline
                    .extend_from_slice(&self.block.finalize_non_root());
                self.block = block_hasher((self.outline.len() / VALUE_SIZE) as u64);
                self.filled = 0;
            }
            let room = (BLOCK_SIZE - self.filled) as usize;
            let (now, later) = data.split_at(room.min(data.len()));
            self.block.update(now);
            self.filled += now.len() as u64;
            self.size += now.len() as u64;
            data = later;
        }
    }

    /// How many bytes came so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Digest and outline of the bytes so far.
    pub fn finalize(&self) -> (Digest, Vec<u8>) {
        if self.outline.is_empty() {
            return (*self.block.finalize().as_bytes(), Vec::new());
        }
        let mut outline = Vec::with_capacity(self.outline.len() + VALUE_SIZE);
        outline.extend_from_slice(&self.outline);
        outline.extend_from_slice(&self.block.finalize_non_root());
        let digest = merge_outline(&outline, self.size).unwrap_or_else(|error| {
            unreachable!("an outline made block by block has its size: {error}")
        });
        (digest, outline)
    }
}
