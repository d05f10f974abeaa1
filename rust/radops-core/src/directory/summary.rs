//! What a directory is made of: files by extension, and how much of its packs it uses.

use super::base::read_trailer;
use super::crew::Poll;
use super::error::Result;
use super::reader::Directory;
use super::slices::place_of;
use crate::outline::Digest;
use crate::progress::Call;
use crate::tree::{Kind, Object, is_packed, listed_size, packed_bytes};
use std::collections::{HashMap, HashSet};

/// Extensions that are counted by themselves; the files of all others count together.
const MOST_EXTENSIONS: usize = 4096;

/// Files and bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// How many files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Count {
    fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

/// What a directory is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files by the lower-case end of their names, with the dot; empty for none. `None` for those
    /// of all extensions beyond the first few thousand.
    pub extensions: HashMap<Option<String>, Count>,
    /// Symbolic links.
    pub links: u64,
    /// Empty folders.
    pub folders: u64,
    /// Files whose bytes are in the store.
    pub here: Count,
    /// Packs, and bytes of all files in them: as their trailers say; of a pack that is not in the
    /// store without what the trailer says of the files that the directory has.
    pub packs: Count,
    /// Bytes of those files in the packs that the directory has, each content once.
    pub live: u64,
}

/// What the directory has of a pack that is not in the store.
#[derive(Default)]
struct Absent {
    /// Of the pack.
    size: u64,
    files: u64,
    /// Bytes that these files take in its trailer.
    listed: u64,
}

/// Read all pages of a directory, and sum up.
///
/// # Errors
///
/// A page is not here, damaged, or not what it should be, or the call was stopped.
pub fn summarize(directory: &Directory, call: &mut Call<'_>) -> Result<Summary> {
    let mut found = Summary::default();
    let mut sources: HashMap<Digest, (u32, bool)> = HashMap::new();
    let mut seen: HashSet<(u32, u32)> = HashSet::new();
    let mut absent: HashMap<u32, Absent> = HashMap::new();
    let mut poll = Poll::new();
    let store = directory.store();
    for page in 0..directory.root().page_count() {
        let entries = directory.entries(page)?;
        let places = directory.places(page)?;
        for (index, entry) in entries.iter().enumerate() {
            poll.step(call)?;
            match entry.kind {
                Kind::Link => found.links += 1,
                Kind::Folder => found.folders += 1,
                Kind::File | Kind::Executable => {
                    found.count(entry.path, entry.size);
                    let Some((object, offset)) = place_of(&entry, places.as_deref(), index) else {
                        found.here.add(entry.size);
                        continue;
                    };
                    let next = sources.len() as u32;
                    let pack = is_packed(entry.size);
                    let (number, here) = *sources.entry(object.digest).or_insert_with(|| {
                        match pack.then(|| listed(directory, &object)) {
                            None => {}
                            Some(Some(bytes)) => found.packs.add(bytes),
                            Some(None) => absent.entry(next).or_default().size = object.size,
                        }
                        (next, store.has(&object))
                    });
                    let own = Object {
                        digest: entry.digest,
                        size: entry.size,
                    };
                    if here || (pack && store.has(&own)) {
                        found.here.add(entry.size);
                    }
                    if pack && seen.insert((number, offset as u32)) {
                        found.live += entry.size;
                        if let Some(pack) = absent.get_mut(&number) {
                            pack.files += 1;
                            pack.listed += listed_size(entry.size);
                        }
                    }
                }
            }
        }
    }
    for pack in absent.values() {
        found
            .packs
            .add(packed_bytes(pack.size, pack.files, pack.listed));
    }
    Ok(found)
}

/// Bytes of the files that a pack lists; `None` if it is not here.
fn listed(directory: &Directory, pack: &Object) -> Option<u64> {
    let trailer = read_trailer(directory.store(), pack).ok().flatten()?;
    Some(trailer.bytes)
}

impl Summary {
    fn count(&mut self, path: &str, size: u64) {
        let extension = Some(extension(path));
        let room = self.extensions.len() < MOST_EXTENSIONS;
        let key = if room || self.extensions.contains_key(&extension) {
            extension
        } else {
            None
        };
        self.extensions.entry(key).or_default().add(size);
    }
}

/// The end of a file's name from its last dot on, in lower case; a dot at the begin does not count.
fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rfind('.') {
        Some(dot) if dot > 0 && dot + 1 < name.len() => name[dot..].to_lowercase(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::extension;

    #[test]
    fn extensions_are_ends_of_names() {
        let cases = [
            ("a.JPG", ".jpg"),
            ("x.d/b", ""),
            (".hidden", ""),
            ("x/.hidden.txt", ".txt"),
            ("a.tar.gz", ".gz"),
            ("end.", ""),
        ];
        for (path, expected) in cases {
            assert_eq!(extension(path), expected, "{path}");
        }
    }
}
