//! Source lists: every pack and large file of a directory, for readers that need no pages.

use super::error::FormatError;
use super::wire::{decode_map, put_map, put_objects, put_text};
use super::{Object, cut_number};

const KIND: &str = "radops/sources";
const WHAT: &str = "source list";

/// A list ends at one digest in so many.
const LIST_MODULUS: u64 = 32_768;

/// Most sources in a list.
pub const MAX_LIST_ITEMS: usize = 65_536;

/// Bytes that no list exceeds: an item takes at most 44.
pub(super) const MAX_LIST_SIZE: u64 = 64 + 44 * MAX_LIST_ITEMS as u64;

/// Whether a list ends after this source. The last bytes are used, as lists are sorted by the
/// first ones.
fn is_cut(source: &Object) -> bool {
    cut_number(&source.digest[24..]).is_multiple_of(LIST_MODULUS)
}

/// Encode the lists of these sources, which are sorted by digest, each once.
pub fn source_lists(sources: &[Object]) -> Vec<Vec<u8>> {
    let mut lists = Vec::new();
    let mut start = 0;
    for (index, source) in sources.iter().enumerate() {
        let end = index + 1;
        if end == sources.len() || end - start == MAX_LIST_ITEMS || is_cut(source) {
            lists.push(encode(&sources[start..end]));
            start = end;
        }
    }
    lists
}

fn encode(sources: &[Object]) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + 44 * sources.len());
    put_map(&mut out, KIND, 1);
    put_text(&mut out, "sources");
    put_objects(&mut out, sources);
    out
}

/// Decode a source list; `last`: whether the layout names none after it.
///
/// # Errors
///
/// The bytes are not a source list, or it is cut in another place.
pub fn decode_source_list(raw: &[u8], last: bool) -> Result<Vec<Object>, FormatError> {
    let sources = decode_map(raw, WHAT, KIND, &["sources"], |cursor, fields| {
        if fields != 1 {
            return Err("another number of fields".into());
        }
        cursor.key("sources")?;
        cursor.sorted_objects()
    })?;
    let Some((end, rest)) = sources.split_last() else {
        return Err(FormatError::corrupt(WHAT, "it is empty"));
    };
    let full = sources.len() == MAX_LIST_ITEMS;
    if sources.len() > MAX_LIST_ITEMS || rest.iter().any(is_cut) {
        return Err(FormatError::corrupt(WHAT, "it goes on where it should end"));
    }
    if !(last || full || is_cut(end)) {
        return Err(FormatError::corrupt(WHAT, "it ends where it should go on"));
    }
    Ok(sources)
}
