//! The objects of a home, for reading.

use super::error::{Error, Result};
use crate::error::Error as FileError;
use crate::object_name::ObjectName;
use crate::outline::Digest;
use crate::tree::Object;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The folder `objects/` of a home.
#[derive(Debug, Clone)]
pub struct Store {
    objects: PathBuf,
}

impl Store {
    /// The store in this folder, which has `objects/` in it.
    pub fn new(home: &Path) -> Self {
        let objects = home.join("objects");
        Self { objects }
    }

    /// Where an object is, or would be.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.objects.join(ObjectName::new(digest).path())
    }

    /// Whether there is an object of that digest and size. It is not read.
    pub fn has(&self, object: &Object) -> bool {
        let meta = self.path(&object.digest).symlink_metadata();
        meta.is_ok_and(|meta| meta.is_file() && meta.len() == object.size)
    }

    /// Open an object that is to be read in part.
    ///
    /// # Errors
    ///
    /// It is not here, or cannot be opened.
    pub fn open(&self, object: &Object) -> Result<File> {
        let path = self.path(&object.digest);
        File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::Missing(vec![*object]),
            _ => FileError::io(&path, error).into(),
        })
    }

    /// Read a whole object and hash it. No more than its size is read.
    ///
    /// # Errors
    ///
    /// It is not here, cannot be read, or its bytes are wrong.
    pub fn read(&self, object: &Object) -> Result<Vec<u8>> {
        let path = self.path(&object.digest);
        let file = self.open(object)?;
        let found = file
            .metadata()
            .map_err(|error| FileError::io(&path, error))?;
        if found.len() != object.size {
            return Err(Error::Damaged(*object));
        }
        let mut bytes = vec![0; object.size as usize];
        let length = bytes.len();
        let read = crate::sys::read_at(&file, &mut bytes, 0, length);
        let read = read.map_err(|error| FileError::io(&path, error))?;
        if read != length || *blake3::hash(&bytes).as_bytes() != object.digest {
            return Err(Error::Damaged(*object));
        }
        Ok(bytes)
    }
}
