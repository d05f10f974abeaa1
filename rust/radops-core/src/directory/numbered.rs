//! Files by number: those of a page that match, counted from the page's first.

use super::error::Result;
use super::glob::Patterns;
use super::reader::{Directory, OwnedEntry};
use crate::tree::{Entry, Object, RootBody};
use std::ops::Range;

/// Whether an entry has bytes to read and matches.
fn is_wanted(entry: &Entry<'_>, patterns: Option<&Patterns>) -> bool {
    entry.kind.is_file() && patterns.is_none_or(|patterns| patterns.matches(entry.path))
}

impl Directory {
    /// How many files of each page match, and their bytes. Without patterns all do: then only the
    /// root is read, and no page.
    ///
    /// # Errors
    ///
    /// As [`Directory::entries`].
    pub fn page_totals(&self, patterns: Option<&Patterns>) -> Result<Vec<(u64, u64)>> {
        let root = self.root();
        let Some(patterns) = patterns else {
            return Ok(match &root.body {
                RootBody::Inline(_) => vec![(root.files, root.bytes)],
                RootBody::Pages(pages) => {
                    pages.iter().map(|page| (page.files, page.bytes)).collect()
                }
            });
        };
        let mut totals = vec![(0, 0); root.page_count()];
        self.each_match(patterns, "", |entry, page, _| {
            if is_wanted(entry, None) {
                totals[page].0 += 1;
                totals[page].1 += entry.size;
            }
            true
        })?;
        Ok(totals)
    }

    /// Files of a page that match, by their numbers among those.
    ///
    /// # Errors
    ///
    /// As [`Directory::entries`].
    pub fn page_files(
        &self,
        page: usize,
        numbers: Range<usize>,
        patterns: Option<&Patterns>,
    ) -> Result<Vec<OwnedEntry>> {
        let entries = self.entries(page)?;
        let wanted = entries.iter().filter(|entry| is_wanted(entry, patterns));
        let some = wanted.skip(numbers.start).take(numbers.len());
        Ok(some.map(|entry| OwnedEntry::from(&entry)).collect())
    }
}

/// Files that are neighbours, by number: what a reader of many needs of them, in little memory.
#[derive(Debug, Default)]
pub struct Stretch {
    /// What all paths begin with.
    pub prefix: String,
    /// The rest of each path, one after the other.
    pub names: String,
    /// Where in `names` each ends, in characters.
    pub ends: Vec<u32>,
    /// Bytes of each file.
    pub sizes: Vec<u64>,
    /// Of each file, one after the other.
    pub digests: Vec<u8>,
    /// Packs that hold some of them.
    pub packs: Vec<Object>,
    /// For each file the number of its pack; `NO_PACK` for one that is in none.
    pub pack_of: Vec<u32>,
    /// For each file where in its pack it begins.
    pub offsets: Vec<u32>,
}

/// The number of the pack of a file that is in none.
pub const NO_PACK: u32 = u32::MAX;

impl Directory {
    /// Files of some pages that match, by their numbers among those of each page. The pages, and
    /// the numbers in each, are in order.
    ///
    /// # Errors
    ///
    /// As [`Directory::places`].
    pub fn stretch(
        &self,
        parts: &[(usize, Range<usize>)],
        patterns: Option<&Patterns>,
    ) -> Result<Stretch> {
        let mut found = Stretch::default();
        let mut paths: Vec<String> = Vec::new();
        for (page, numbers) in parts {
            let entries = self.entries(*page)?;
            let places = self.places(*page)?;
            let wanted = entries.iter().enumerate();
            let wanted = wanted.filter(|(_, entry)| is_wanted(entry, patterns));
            for (index, entry) in wanted.skip(numbers.start).take(numbers.len()) {
                paths.push(entry.path.to_owned());
                found.sizes.push(entry.size);
                found.digests.extend_from_slice(&entry.digest);
                let place = places.as_ref().and_then(|places| {
                    let place = places.places.get(index)?.as_ref()?;
                    let source = places.sources.get(place.source as usize)?;
                    Some((*source, place.offset))
                });
                let (pack, offset) = match place {
                    Some((source, offset)) => (found.number_of(source), offset),
                    None => (NO_PACK, 0),
                };
                found.pack_of.push(pack);
                found.offsets.push(offset);
            }
        }
        found.keep_paths(&paths);
        Ok(found)
    }
}

impl Stretch {
    fn number_of(&mut self, pack: Object) -> u32 {
        // Neighbours are in the same pack, or in a few.
        let found = self.packs.iter().rposition(|one| *one == pack);
        found.unwrap_or_else(|| {
            self.packs.push(pack);
            self.packs.len() - 1
        }) as u32
    }

    fn keep_paths(&mut self, paths: &[String]) {
        let (Some(first), Some(last)) = (paths.first(), paths.last()) else {
            return;
        };
        // Sorted: what the first and the last begin with, all do.
        let same = first.chars().zip(last.chars());
        let same = same.take_while(|(one, other)| one == other);
        let common: usize = same.map(|(letter, _)| letter.len_utf8()).sum();
        self.prefix = first[..common].to_owned();
        let mut end = 0;
        for path in paths {
            let name = &path[common..];
            end += name.chars().count();
            self.names.push_str(name);
            self.ends.push(end as u32);
        }
    }
}
