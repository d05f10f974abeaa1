//! Packs: where they end, and the trailer that lists what is in them.

use super::error::{Fault, FormatError};
use super::wire::{decode_value, head_size, put_array, put_bytes, put_uint};
use super::{Object, cut_number};
use crate::outline::Digest;
use std::collections::HashSet;

const WHAT: &str = "pack";

/// Most bytes of a file that is packed.
pub const MAX_PACKED: u64 = 4 << 20;

/// What a small file weighs at least, so that packs of tiny files do not have endless trailers.
const MIN_WEIGHT: u64 = 256;

/// Weight from which a pack may end.
pub const PACK_TARGET: u64 = 8 << 20;

/// Most weight of a pack, and so most bytes of files in it.
pub const PACK_LIMIT: u64 = 32 << 20;

const MAGIC: &[u8; 8] = b"radopsPK";

/// Bytes after a trailer: its length, and the mark of a pack.
pub const TAIL_SIZE: usize = 16;

/// Whether a file of so many bytes has its place in a pack.
pub fn is_packed(size: u64) -> bool {
    (1..=MAX_PACKED).contains(&size)
}

fn weight(size: u64) -> u64 {
    size.max(MIN_WEIGHT)
}

/// Decides where packs end.
#[derive(Debug, Default, Clone)]
pub struct PackCutter {
    weight: u64,
}

impl PackCutter {
    /// Whether the pack ends before a file of so many bytes.
    pub fn ends_before(&self, size: u64) -> bool {
        self.weight + weight(size) > PACK_LIMIT
    }

    /// Add a file. Gives whether the pack ends after it; then the next file begins a new one.
    pub fn push(&mut self, digest: &Digest, size: u64) -> bool {
        self.weight += weight(size);
        let bound = (weight(size) << 41).min(1 << 63);
        let ends = self.weight >= PACK_TARGET && cut_number(digest) < bound;
        if ends {
            self.reset();
        }
        ends
    }

    /// Begin a new pack.
    pub fn reset(&mut self) {
        self.weight = 0;
    }
}

/// A file in a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    /// Of the file's bytes.
    pub digest: Digest,
    /// How many they are.
    pub size: u32,
    /// From the pack's first byte.
    pub offset: u32,
}

/// What follows the bytes of the files in a pack.
pub fn encode_trailer(files: &[Packed]) -> Vec<u8> {
    let mut out = Vec::with_capacity(40 * files.len() + 32);
    put_array(&mut out, files.len());
    for file in files {
        put_array(&mut out, 2);
        put_bytes(&mut out, &file.digest);
        put_uint(&mut out, u64::from(file.size));
    }
    let length = out.len() as u64;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(MAGIC);
    out
}

/// Bytes of the files in a pack of `size` bytes, if these `files` files are all that is in it and
/// `listed` sums up [`listed_size`] of each; more if there are others.
pub fn packed_bytes(size: u64, files: u64, listed: u64) -> u64 {
    size.saturating_sub(TAIL_SIZE as u64 + head_size(files) as u64 + listed)
}

/// Bytes that a file of `size` bytes takes in a trailer.
pub fn listed_size(size: u64) -> u64 {
    // The head of an array, and a digest with its head.
    1 + 2 + 32 + head_size(size) as u64
}

/// How many bytes the trailer has before the tail, by the last [`TAIL_SIZE`] bytes of a pack of
/// `size` bytes.
///
/// # Errors
///
/// This is not the tail of a pack of that size.
pub fn trailer_length(tail: &[u8; TAIL_SIZE], size: u64) -> Result<u64, FormatError> {
    if &tail[8..] != MAGIC {
        return Err(FormatError::corrupt(WHAT, "it does not end as a pack"));
    }
    let length = cut_number(tail);
    let room = size.saturating_sub(TAIL_SIZE as u64);
    // A file has at least one byte, and at most 40 in the trailer.
    if length > room || length > 9 + 40 * (PACK_LIMIT / MIN_WEIGHT) {
        return Err(FormatError::corrupt(
            WHAT,
            "a trailer of an impossible length",
        ));
    }
    Ok(length)
}

/// The files in a pack, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    /// What is where.
    pub files: Vec<Packed>,
    /// Bytes of all files.
    pub bytes: u64,
}

impl Trailer {
    /// Decode the trailer of a pack of `size` bytes, without the tail.
    ///
    /// # Errors
    ///
    /// It breaks a rule, or does not fit the size.
    pub fn decode(raw: &[u8], size: u64) -> Result<Self, FormatError> {
        let trailer = decode_value(raw, WHAT, |cursor| {
            let mut files = Vec::new();
            let mut seen = HashSet::new();
            let mut cutter = PackCutter::default();
            let (mut offset, mut ended) = (0_u64, false);
            let count = cursor.array()?;
            if count == 0 {
                return Err("a pack without files".into());
            }
            for _ in 0..count {
                let Object { digest, size } = cursor.object()?;
                if !is_packed(size) {
                    return Err("a file that is too large or empty".into());
                }
                if ended || cutter.ends_before(size) {
                    return Err("more files than a pack has".into());
                }
                ended = cutter.push(&digest, size);
                if !seen.insert(digest) {
                    return Err("the same file twice".into());
                }
                // Both are below 32 MiB, as the cutter saw.
                files.push(Packed {
                    digest,
                    size: size as u32,
                    offset: offset as u32,
                });
                offset += size;
            }
            let bytes = offset;
            Ok(Self { files, bytes })
        })?;
        if trailer.bytes + raw.len() as u64 + TAIL_SIZE as u64 != size {
            let fault = Fault::rule("files that do not fill it");
            return Err(FormatError::corrupt(WHAT, fault.to_string()));
        }
        Ok(trailer)
    }

    /// Decode the trailer of a whole pack.
    ///
    /// # Errors
    ///
    /// As [`Trailer::decode`].
    pub fn of_pack(pack: &[u8]) -> Result<Self, FormatError> {
        let size = pack.len();
        let Some((rest, tail)) = pack.split_last_chunk::<TAIL_SIZE>() else {
            return Err(FormatError::corrupt(WHAT, "it is too short"));
        };
        let length = trailer_length(tail, size as u64)? as usize;
        Self::decode(&rest[rest.len() - length..], size as u64)
    }
}
