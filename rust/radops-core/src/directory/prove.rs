//! Proves that a layout is right: every file is at its place, with the bytes of its digest.

use super::crew::{self, lock};
use super::error::{Error, Result};
use super::reader::Directory;
use super::slices::{Slices, place_of};
use crate::progress::Call;
use crate::reader::Control;
use crate::tree::{Object, is_packed};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Most files that are named.
const MOST_NAMED: usize = 1000;

/// Files that are not at their places in the layout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misplaced {
    /// How many there are.
    pub count: u64,
    /// Some of them, by path, with the pack.
    pub files: Vec<(String, Object)>,
}

/// Hash the slices of these pages, all of whose packs are here.
///
/// # Errors
///
/// A page, a layout page or a pack is not here or cannot be read, or the call was stopped.
pub fn prove(directory: &Directory, pages: &[usize], call: &mut Call<'_>) -> Result<Misplaced> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new((Misplaced::default(), None));
    let work = |control: &Control<'_>| {
        let mut slices = Slices::new(directory.store());
        while let Some(page) = pages.get(next.fetch_add(1, Relaxed)) {
            let answer = prove_page(directory, *page, &mut slices, control);
            let mut found = lock(&found);
            match answer {
                Ok(bad) => {
                    found.0.count += bad.len() as u64;
                    let room = MOST_NAMED - found.0.files.len();
                    found.0.files.extend(bad.into_iter().take(room));
                }
                Err(error) => {
                    found.1.get_or_insert(error);
                    return;
                }
            }
        }
    };
    crew::run(call, work)?;
    let found = found.into_inner();
    let (mut misplaced, failure) = found.unwrap_or_else(std::sync::PoisonError::into_inner);
    misplaced.files.sort();
    failure.map_or(Ok(misplaced), Err)
}

fn prove_page(
    directory: &Directory,
    page: usize,
    slices: &mut Slices<'_>,
    control: &Control<'_>,
) -> Result<Vec<(String, Object)>> {
    let entries = directory.entries(page)?;
    let places = directory.places(page)?;
    let mut bad = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        if control.stopped() {
            break;
        }
        let Some(place) = place_of(&entry, places.as_deref(), index) else {
            continue;
        };
        if !is_packed(entry.size) {
            continue;
        }
        match slices.read(entry.path, &entry.digest, entry.size, place) {
            Ok(bytes) => control.add_bytes(bytes.len() as u64),
            Err(Error::BadSlice { path, pack }) => bad.push((path, pack)),
            Err(error) => return Err(error),
        }
        control.file_done();
    }
    Ok(bad)
}
