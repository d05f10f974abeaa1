//! Which files of a directory are affected by damaged objects.

use super::error::{Error, Result};
use super::reader::Directory;
use super::slices::place_of;
use crate::outline::Digest;
use std::collections::HashMap;

/// An object with wrong bytes: spans of them, first and past the last; none if it is lost as a
/// whole.
pub type Damage = (Digest, Vec<(u64, u64)>);

/// Files of a directory that are affected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hit {
    /// How many there are.
    pub count: u64,
    /// The first of their paths, in order.
    pub names: Vec<String>,
}

/// Find the files whose bytes are in what is damaged, for each damage at most `most` names. Pages
/// that are not here or damaged themselves are passed over.
///
/// # Errors
///
/// The disk cannot be read.
pub fn hits(directory: &Directory, damages: &[Damage], most: usize) -> Result<Vec<Hit>> {
    let mut found = vec![Hit::default(); damages.len()];
    let numbers: HashMap<_, _> = (0..).zip(damages).map(|(at, one)| (one.0, at)).collect();
    for page in 0..directory.root().page_count() {
        let read = directory
            .places(page)
            .and_then(|places| Ok((places, directory.entries(page)?)));
        let (places, entries) = match read {
            Ok(read) => read,
            Err(error @ Error::File(_)) => return Err(error),
            Err(_) => continue,
        };
        let sources = places.iter().flat_map(|places| &places.sources);
        if places.is_some()
            && !sources
                .into_iter()
                .any(|one| numbers.contains_key(&one.digest))
        {
            continue;
        }
        for (index, entry) in entries.iter().enumerate() {
            let Some((object, offset)) = place_of(&entry, places.as_deref(), index) else {
                continue;
            };
            let Some(&number) = numbers.get(&object.digest) else {
                continue;
            };
            let number: usize = number;
            let spans = &damages[number].1;
            let end = offset.saturating_add(entry.size);
            let inside = |&(first, past): &(u64, u64)| first < end && offset < past;
            if spans.is_empty() || spans.iter().any(inside) {
                found[number].count += 1;
                if found[number].names.len() < most {
                    found[number].names.push(entry.path.to_owned());
                }
            }
        }
    }
    Ok(found)
}
