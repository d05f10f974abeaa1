//! Directories: one immutable thing made of many files.
//!
//! A directory is named by its *root*, which lists *pages* of entries (paths, kinds, sizes,
//! digests). Small files are in *packs*; a *layout* gives the pack and the offset of each. The
//! formats are those of `docs/format.md`: each has one encoding, and decoders refuse anything else
//! without allocating by what a length claims.

mod build;
mod entry;
mod error;
mod layout;
mod pack;
mod page;
mod path;
mod root;
mod sources;
mod wire;

pub use build::{Part, Sink, Tree, TreeBuilder};
pub use entry::{Entry, Kind};
pub use error::FormatError;
pub use layout::{Layout, LayoutBody, LayoutPage, Place, encode_layout, encode_layout_page};
pub use pack::{
    MAX_PACKED, PACK_LIMIT, PACK_TARGET, PackCutter, Packed, TAIL_SIZE, Trailer, encode_trailer,
    is_packed, listed_size, packed_bytes, trailer_length,
};
pub use page::{
    Ancestors, BuiltPage, Entries, MAX_PAGE_ENTRIES, MAX_PAGE_SIZE, MIN_PAGE_ENTRIES, PageBuilder,
    PageCutter,
};
pub use path::{PathError, check_path, check_target, depth};
pub use root::{PageRef, Root, RootBody, encode_root, page_start};
pub use sources::{MAX_LIST_ITEMS, decode_source_list, source_lists};

use crate::outline::Digest;

/// Most bytes of a root or a layout.
pub const MAX_TOP_SIZE: u64 = 8 << 20;

/// An object: its digest and its size in bytes. Sorted by digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    /// Of the object's bytes.
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
}

impl Object {
    /// The object that these bytes are.
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            digest: *blake3::hash(bytes).as_bytes(),
            size: bytes.len() as u64,
        }
    }
}

/// The first or last 8 bytes of a hash as a number, by which lists are cut.
fn cut_number(bytes: &[u8]) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(number)
}
