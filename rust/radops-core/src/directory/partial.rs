//! What is wanted of packs that are not here, to fetch a part of them.

use super::error::Result;
use super::glob::Patterns;
use super::reader::Directory;
use super::slices::place_of;
use crate::outline::Digest;
use crate::tree::{Entry, LayoutPage, Object, is_packed, listed_size};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// A pack or a large file that is not here, and what is wanted of it that is not here as objects of
/// its own either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lacking {
    /// The object.
    pub source: Object,
    /// Contents that are wanted, each once.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that they take in it. In a pack that is their lines in the trailer as well, so that
    /// those of all files sum up to nearly the size of the pack.
    pub taken: u64,
}

/// A file in a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placed {
    /// Number of the pack.
    pub pack: u32,
    /// From the pack's first byte.
    pub offset: u32,
    /// In bytes.
    pub size: u32,
    /// Of the file's bytes.
    pub digest: Digest,
}

/// Packs and large files that must be fetched before all that matches can be read, sorted.
/// If `first`, the look ends at the first of them.
///
/// # Errors
///
/// A page is not here, damaged, or not what it should be.
pub fn lacking(directory: &Directory, patterns: &Patterns, first: bool) -> Result<Vec<Lacking>> {
    let store = directory.store();
    let mut numbers: HashMap<Digest, Option<u32>> = HashMap::new();
    let mut found: Vec<Lacking> = Vec::new();
    let mut seen: HashSet<(u32, u32)> = HashSet::new();
    each_place(directory, patterns, |entry, (source, offset)| {
        let number = *numbers.entry(source.digest).or_insert_with(|| {
            (!store.has(&source)).then(|| {
                let (files, bytes, taken) = (0, 0, 0);
                found.push(Lacking {
                    source,
                    files,
                    bytes,
                    taken,
                });
                found.len() as u32 - 1
            })
        });
        let Some(number) = number else {
            return true;
        };
        if !seen.insert((number, offset as u32)) {
            return true;
        }
        let own = Object {
            digest: entry.digest,
            size: entry.size,
        };
        let packed = is_packed(entry.size);
        if packed && store.has(&own) {
            return true;
        }
        let one = &mut found[number as usize];
        one.files += 1;
        one.bytes += entry.size;
        one.taken += entry.size + if packed { listed_size(entry.size) } else { 0 };
        !first
    })?;
    found.retain(|one| one.files > 0);
    found.sort_unstable_by_key(|one| one.source);
    Ok(found)
}

/// Files that match and are in some packs, by pack and offset, each content once.
///
/// # Errors
///
/// As [`lacking`].
pub fn placed(directory: &Directory, patterns: &Patterns, packs: &[Object]) -> Result<Vec<Placed>> {
    let numbered = packs.iter().enumerate();
    let numbers: HashMap<Digest, u32> = numbered
        .map(|(number, pack)| (pack.digest, number as u32))
        .collect();
    let mut found = Vec::new();
    each_place(directory, patterns, |entry, (source, offset)| {
        if let (true, Some(pack)) = (is_packed(entry.size), numbers.get(&source.digest)) {
            found.push(Placed {
                pack: *pack,
                offset: offset as u32,
                size: entry.size as u32,
                digest: entry.digest,
            });
        }
        true
    })?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Run `visit` on each file that matches and has bytes, with where they are, until it gives `false`.
fn each_place(
    directory: &Directory,
    patterns: &Patterns,
    mut visit: impl FnMut(&Entry<'_>, (Object, u64)) -> bool,
) -> Result<()> {
    let mut last: Option<(usize, Option<Arc<LayoutPage>>)> = None;
    let mut failure = None;
    directory.each_match(patterns, "", |entry, page, index| {
        if last.as_ref().is_none_or(|(number, _)| *number != page) {
            match directory.places(page) {
                Ok(places) => last = Some((page, places)),
                Err(error) => {
                    failure = Some(error);
                    return false;
                }
            }
        }
        let places = last.as_ref().and_then(|(_, places)| places.as_deref());
        place_of(entry, places, index).is_none_or(|place| visit(entry, place))
    })?;
    failure.map_or(Ok(()), Err)
}

/// Sources that hold the files that match. Of all files the source lists tell, where they are here
/// and whole, and no page is read.
///
/// # Errors
///
/// As [`lacking`].
pub fn needed(directory: &Directory, patterns: &Patterns) -> Result<Vec<Object>> {
    if patterns.match_all()
        && let Some(sources) = directory.sources_here()?
    {
        return Ok(sources);
    }
    let mut sources = BTreeSet::new();
    each_place(directory, patterns, |_, (source, _)| {
        sources.insert(source);
        true
    })?;
    Ok(sources.into_iter().collect())
}
