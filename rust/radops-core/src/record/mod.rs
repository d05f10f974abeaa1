//! Decodes what slots hold, many at a time: records of files and directories, records of folders
//! and tombstones.
//!
//! The decoder in Python (`radops.format.record`) defines the rules. This one checks all of them
//! and accepts nothing that Python refuses. It gives no reasons: for anything that it does not
//! accept it answers "not decided here", and Python decodes the bytes again and words the error.
//! A valid record is not decided here only if a name in it is not plain, see [`is_plain_uid`], or
//! a number of seconds was written as an integer.

mod call;
mod edge;
mod fields;
mod file;
mod names;
mod time;
mod tombstone;

pub use call::{Call, Contents, Output};
pub use edge::is_edge;
pub use file::{Origin, Record};
pub use names::{SlotName, first_slot, is_plain_uid};
pub use tombstone::Tombstone;

use crate::cbor::scan;
use crate::engine;
use crate::error::Error;
use crate::outline::Digest;
use crate::progress;
use fields::Fields;

/// Most bytes of anything stored.
pub const MAX_SIZE: usize = 8 << 20;

/// Most bytes of a file's record: it leaves room for the tombstone around it.
const MAX_RECORD: usize = MAX_SIZE - 4096;

/// Characters.
const MAX_ORIGINATOR: usize = 512;

const VERSION: u64 = 1;
const RECORD: &str = "radops/record";
const FOLDER: &str = "radops/folder";
const TOMBSTONE: &str = "radops/tombstone";

/// What a slot holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Slot<'a> {
    /// The record of a file or directory.
    File(Record<'a>),
    /// The record of a folder.
    Folder,
    /// What is left of a deleted file.
    Tombstone(Tombstone<'a>),
}

impl Slot<'_> {
    /// Whether a primary slot that holds this means that the commit with this id has happened:
    /// unless the commit was aborted, also if the file was deleted afterwards.
    pub fn commits(&self, id: &[u8; 16]) -> bool {
        match self {
            Self::File(record) => record.commit_id == *id,
            Self::Folder => false,
            Self::Tombstone(tombstone) => !tombstone.aborted && tombstone.record.commit_id == *id,
        }
    }
}

/// Decode what a slot of `uid` holds; `None` if it is not decided here whether that is valid.
pub fn decode<'a>(raw: &'a [u8], uid: &str) -> Option<Slot<'a>> {
    if !is_plain_uid(uid) {
        return None;
    }
    let header = Header::read(raw)?;
    match header.kind {
        RECORD => file::file(raw, &header, uid).map(Slot::File),
        FOLDER => tombstone::is_folder(raw, uid).then_some(Slot::Folder),
        TOMBSTONE => tombstone::tombstone(raw, &header, uid).map(Slot::Tombstone),
        _ => None,
    }
}

/// Decode what many slots hold, on several threads: the bytes of each slot with its UID. `make`
/// is given what a slot holds and the digest of its bytes.
///
/// # Errors
///
/// The call was stopped.
pub fn decode_all<T: Send + Sync>(
    items: &[(&[u8], &str)],
    call: &mut progress::Call<'_>,
    make: impl Fn(Slot<'_>, Digest) -> T + Sync,
) -> Result<Vec<Option<T>>, Error> {
    let work = |index: usize| {
        let (raw, uid) = items[index];
        let slot = decode(raw, uid)?;
        Some(make(slot, *blake3::hash(raw).as_bytes()))
    };
    engine::each(items.len(), work, |_, _| (), call).map_err(|_| Error::Cancelled)
}

/// The kind and version in the map that begins every stored thing.
struct Header<'a> {
    kind: &'a str,
}

impl<'a> Header<'a> {
    /// Check the encoding of `raw` and read its kind; the version must be the known one.
    fn read(raw: &'a [u8]) -> Option<Self> {
        if raw.len() > MAX_SIZE || scan(raw).is_err() {
            return None;
        }
        let (mut kind, mut version) = (None, None);
        Fields::new(raw).map(|key, fields| {
            match key {
                "kind" => kind = Some(fields.text()?),
                "v" => version = Some(fields.size()?),
                _ => fields.skip()?,
            }
            Some(())
        })?;
        (version? == VERSION).then_some(Self { kind: kind? })
    }
}
