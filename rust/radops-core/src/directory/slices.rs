//! Reads files out of packs. Only the digest of what was read is trusted.

use super::error::{Error, Result};
use super::reader::Directory;
use super::store::Store;
use crate::error::Error as FileError;
use crate::outline::Digest;
use crate::sys;
use crate::tree::{Entry, LayoutPage, MAX_PACKED, Object};
use std::fs::File;

/// Packs that one thread keeps open.
const MOST_OPEN: usize = 16;

/// Reads files out of packs, one thread's.
pub(super) struct Slices<'s> {
    store: &'s Store,
    /// Packs in use, the last one at the end.
    open: Vec<(Digest, File)>,
    buffer: Vec<u8>,
}

impl<'s> Slices<'s> {
    pub fn new(store: &'s Store) -> Self {
        Self {
            store,
            open: Vec::new(),
            buffer: Vec::new(),
        }
    }

    /// Where the packs are.
    pub fn store(&self) -> &'s Store {
        self.store
    }

    /// Read a file from its place in a pack, and hash it.
    pub fn read(
        &mut self,
        path: &str,
        digest: &Digest,
        size: u64,
        (pack, offset): (Object, u64),
    ) -> Result<&[u8]> {
        debug_assert!(size <= MAX_PACKED);
        let size = size as usize;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(size, 0);
        let file = self.file(&pack)?;
        let read = sys::read_at(file, &mut buffer, offset, size)
            .map_err(|error| FileError::io(&self.store.path(&pack.digest), error))?;
        self.buffer = buffer;
        if read != size || blake3::hash(&self.buffer) != *digest {
            let path = path.to_owned();
            return Err(Error::BadSlice { path, pack });
        }
        Ok(&self.buffer)
    }

    /// Read a file from its place in a pack, or, where that is not here or damaged, from an object
    /// of its own, and hash it.
    pub fn read_here(
        &mut self,
        path: &str,
        digest: &Digest,
        size: u64,
        place: (Object, u64),
    ) -> Result<&[u8]> {
        let failure = match self.read(path, digest, size, place) {
            Ok(_) => return Ok(&self.buffer),
            Err(error @ (Error::Missing(_) | Error::BadSlice { .. })) => error,
            Err(error) => return Err(error),
        };
        let own = Object {
            digest: *digest,
            size,
        };
        // Wrong bytes there count as none: the pack is what can be fetched.
        if place.0 == own || self.read(path, digest, size, (own, 0)).is_err() {
            return Err(failure);
        }
        Ok(&self.buffer)
    }

    fn file(&mut self, pack: &Object) -> Result<&File> {
        match self
            .open
            .iter()
            .position(|(digest, _)| *digest == pack.digest)
        {
            Some(index) => {
                let found = self.open.remove(index);
                self.open.push(found);
            }
            None => {
                if self.open.len() == MOST_OPEN {
                    self.open.remove(0);
                }
                self.open.push((pack.digest, self.store.open(pack)?));
            }
        }
        Ok(&self.open[self.open.len() - 1].1)
    }
}

/// The object with an entry's bytes, and where they begin in it; `None` for what has no bytes.
pub(super) fn place_of(
    entry: &Entry<'_>,
    places: Option<&LayoutPage>,
    index: usize,
) -> Option<(Object, u64)> {
    if !entry.kind.is_file() || entry.size == 0 {
        return None;
    }
    let own = Object {
        digest: entry.digest,
        size: entry.size,
    };
    // Without a layout, a file can only be an object of its own.
    let place = places.and_then(|places| places.place(index));
    Some(place.unwrap_or((own, 0)))
}

impl Directory {
    /// The object with a file's bytes, and where they begin in it; `None` if there is no such file,
    /// or it is empty.
    ///
    /// # Errors
    ///
    /// A page is not here, damaged, or not what it should be.
    pub fn place(&self, path: &str) -> Result<Option<(Object, u64)>> {
        let Some((_, page, index)) = self.find(path)? else {
            return Ok(None);
        };
        let places = self.places(page)?;
        Ok(place_of(
            &self.entries(page)?.get(index),
            places.as_deref(),
            index,
        ))
    }

    /// The bytes of a file of at most 4 MiB, hashed; `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// A page or the pack is not here, or its bytes are wrong.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let Some((entry, page, index)) = self.find(path)? else {
            return Ok(None);
        };
        if !entry.kind.is_file() || entry.size > MAX_PACKED {
            return Ok(None);
        }
        let places = self.places(page)?;
        let Some(place) = place_of(&self.entries(page)?.get(index), places.as_deref(), index)
        else {
            return Ok(Some(Vec::new()));
        };
        let mut slices = Slices::new(self.store());
        let bytes = slices.read_here(&entry.path, &entry.digest, entry.size, place)?;
        Ok(Some(bytes.to_vec()))
    }
}
