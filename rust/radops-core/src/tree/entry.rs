//! One file, link or empty folder of a directory.

use super::error::Fault;
use super::path::{check_path, check_target, depth};
use super::wire::{Cursor, put_array, put_bytes, put_null, put_text, put_uint};
use crate::outline::Digest;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A file.
    File = 0,
    /// A file that can be executed.
    Executable = 1,
    /// A symbolic link.
    Link = 2,
    /// A folder without entries below it.
    Folder = 3,
}

impl Kind {
    /// Whether it has bytes of its own, which count in a directory's totals.
    pub fn is_file(self) -> bool {
        matches!(self, Self::File | Self::Executable)
    }

    fn new(number: u64) -> Result<Self, Fault> {
        match number {
            0 => Ok(Self::File),
            1 => Ok(Self::Executable),
            2 => Ok(Self::Link),
            3 => Ok(Self::Folder),
            _ => Err(Fault::Newer("an unknown kind of entry")),
        }
    }
}

/// An entry of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Where it is, relative to the directory.
    pub path: &'a str,
    /// What it is.
    pub kind: Kind,
    /// Bytes of the file, or of the link's target; 0 for a folder.
    pub size: u64,
    /// Of the file's bytes, or of the link's target; zeros for a folder, which has none.
    pub digest: Digest,
    /// Where a link points to; empty for anything else.
    pub target: &'a str,
}

impl<'a> Entry<'a> {
    /// A symbolic link.
    pub fn link(path: &'a str, target: &'a str) -> Self {
        Self {
            path,
            kind: Kind::Link,
            size: target.len() as u64,
            digest: *blake3::hash(target.as_bytes()).as_bytes(),
            target,
        }
    }

    /// A folder without entries below it.
    pub fn folder(path: &'a str) -> Self {
        Self {
            path,
            kind: Kind::Folder,
            size: 0,
            digest: Digest::default(),
            target: "",
        }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_array(out, if self.kind == Kind::Link { 5 } else { 4 });
        put_text(out, self.path);
        put_uint(out, self.kind as u64);
        put_uint(out, self.size);
        match self.kind {
            Kind::Folder => put_null(out),
            _ => put_bytes(out, &self.digest),
        }
        if self.kind == Kind::Link {
            put_text(out, self.target);
        }
    }

    /// Read an entry, and check all that can be checked about it alone.
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        let entry = Self::read_checked(cursor)?;
        check_path(entry.path).map_err(|error| Fault::rule(error.to_string()))?;
        if entry.kind == Kind::Link {
            entry.check_link()?;
        }
        if entry.kind.is_file() && entry.size == 0 && entry.digest != *blake3::hash(b"").as_bytes()
        {
            return Err("a file without bytes that has another digest than they have".into());
        }
        Ok(entry)
    }

    /// Read an entry of a page that was checked before.
    pub(super) fn read_checked(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        let items = cursor.array()?;
        let path = cursor.text()?;
        let kind = Kind::new(cursor.uint()?)?;
        if items != if kind == Kind::Link { 5 } else { 4 } {
            return Err("an entry with too many or too few items".into());
        }
        let size = cursor.uint()?;
        let digest = match kind {
            Kind::Folder if size == 0 && cursor.null() => Digest::default(),
            Kind::Folder => return Err("a folder with a size or a digest".into()),
            _ => cursor.digest()?,
        };
        let target = if kind == Kind::Link {
            cursor.text()?
        } else {
            ""
        };
        Ok(Self {
            path,
            kind,
            size,
            digest,
            target,
        })
    }

    fn check_link(&self) -> Result<(), Fault> {
        check_target(self.target, depth(self.path)).map_err(|e| Fault::rule(e.to_string()))?;
        let right = Self::link(self.path, self.target);
        if (right.size, right.digest) != (self.size, self.digest) {
            return Err("a link whose size and digest are not those of its target".into());
        }
        Ok(())
    }
}
