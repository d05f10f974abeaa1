//! Makes a pack again, byte for byte, of the files that are in it, wherever they are found.

use super::base::Base;
use super::contents::Contents;
use super::error::Result;
use super::reader::Directory;
use super::slices::{Slices, place_of};
use super::staging::{Staged, Staging};
use super::store::Store;
use crate::outline::Digest;
use crate::tree::{
    Object, PACK_LIMIT, Packed, TAIL_SIZE, Trailer, encode_trailer, is_packed, trailer_length,
};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// Where the files of a pack may be.
#[derive(Debug, Default)]
pub struct Sources {
    /// A damaged copy of the pack, of which some files are still good.
    pub damaged: Option<PathBuf>,
    /// Other packs in the store.
    pub packs: Vec<Object>,
    /// Files with these contents, anywhere.
    pub files: HashMap<Digest, PathBuf>,
}

/// The files in a pack, in their order, by its own trailer; `None` if that is damaged too.
pub fn listed(copy: &Path, pack: &Object) -> Option<Vec<Object>> {
    let bytes = read_whole(copy, 2 * PACK_LIMIT)?;
    let (rest, tail) = bytes.split_last_chunk::<TAIL_SIZE>()?;
    let length = trailer_length(tail, pack.size).ok()? as usize;
    let start = rest.len().checked_sub(length)?;
    let trailer = Trailer::decode(&rest[start..], pack.size).ok()?;
    Some(trailer.files.iter().map(object).collect())
}

fn object(file: &Packed) -> Object {
    Object {
        digest: file.digest,
        size: u64::from(file.size),
    }
}

/// The files that a directory has in a pack, by their offsets there.
///
/// # Errors
///
/// A page is not here, damaged, or not what it should be.
pub fn used(directory: &Directory, pack: &Digest) -> Result<BTreeMap<u64, Object>> {
    let mut found = BTreeMap::new();
    for page in 0..directory.root().page_count() {
        let places = directory.places(page)?;
        let Some(places) = places else {
            continue;
        };
        if !places.sources.iter().any(|source| source.digest == *pack) {
            continue;
        }
        for (index, entry) in directory.entries(page)?.iter().enumerate() {
            if let Some((object, offset)) = place_of(&entry, Some(&places), index)
                && object.digest == *pack
                && is_packed(entry.size)
            {
                let (digest, size) = (entry.digest, entry.size);
                found.insert(offset, Object { digest, size });
            }
        }
    }
    Ok(found)
}

/// Make a pack of its files, which are `files` in their order. Gives how many of them were found
/// nowhere; the pack is made if there are none, and if it then has the digest that it must have.
///
/// # Errors
///
/// The disk is full.
pub fn remake(
    store: &Store,
    pack: &Object,
    files: &[Object],
    sources: &Sources,
    stem: &Path,
) -> Result<(u64, Option<Staged>)> {
    let total: u64 = files
        .iter()
        .map(|file| file.size)
        .fold(0, u64::saturating_add);
    if total > PACK_LIMIT || files.iter().any(|file| !is_packed(file.size)) {
        return Ok((files.len() as u64, None));
    }
    let others: Vec<_> = sources
        .packs
        .iter()
        .filter(|one| *one != pack)
        .copied()
        .collect();
    let mut contents = Contents::default();
    let base = Base::load(store, &others, &mut contents)?;
    let damaged = sources
        .damaged
        .as_deref()
        .and_then(|path| read_whole(path, 2 * PACK_LIMIT));
    let mut slices = Slices::new(store);
    let mut bytes = Vec::with_capacity(pack.size as usize);
    let mut packed = Vec::with_capacity(files.len());
    let mut lost = 0;
    for file in files {
        let offset = bytes.len();
        packed.push(Packed {
            digest: file.digest,
            size: file.size as u32,
            offset: offset as u32,
        });
        let end = offset + file.size as usize;
        let own = damaged.as_ref().and_then(|copy| copy.get(offset..end));
        if let Some(own) = own.filter(|own| blake3::hash(own) == file.digest) {
            bytes.extend_from_slice(own);
            continue;
        }
        let place = contents
            .find(&file.digest)
            .and_then(|row| contents.place(row));
        let place = place.map(|(number, offset)| (base.object(number), u64::from(offset)));
        let places = place.into_iter().chain([(*file, 0)]);
        let mut good = false;
        for place in places {
            if let Ok(found) = slices.read("", &file.digest, file.size, place) {
                bytes.extend_from_slice(found);
                good = true;
                break;
            }
        }
        if !good {
            let found = sources.files.get(&file.digest);
            let found = found.and_then(|path| read_whole(path, file.size));
            match found.filter(|found| blake3::hash(found) == file.digest) {
                Some(found) => bytes.extend_from_slice(&found),
                None => {
                    lost += 1;
                    bytes.resize(end, 0);
                }
            }
        }
    }
    if lost > 0 {
        return Ok((lost, None));
    }
    bytes.extend_from_slice(&encode_trailer(&packed));
    if bytes.len() as u64 != pack.size || blake3::hash(&bytes) != pack.digest {
        return Ok((0, None));
    }
    let staging = Staging::new(stem);
    staging.write_pack(&bytes)?;
    Ok((0, staging.take().pop()))
}

/// The bytes of a file of at most `most` bytes.
fn read_whole(path: &Path, most: u64) -> Option<Vec<u8>> {
    let meta = fs::metadata(path).ok()?;
    if !meta.is_file() || meta.len() > most {
        return None;
    }
    fs::read(path).ok()
}
