//! The paths of objects below `objects/`.

use crate::outline::Digest;
use std::ffi::OsStr;
use std::path::Path;

/// The path of an object below `objects/`.
pub struct ObjectName([u8; 65]);

impl ObjectName {
    /// Of an object.
    pub fn new(digest: &Digest) -> Self {
        let digits = b"0123456789abcdef";
        let mut name = [b'/'; 65];
        for (index, byte) in digest.iter().enumerate() {
            // Behind the first two digits is the slash.
            let at = 2 * index + usize::from(index > 0);
            name[at] = digits[usize::from(byte >> 4)];
            name[at + 1] = digits[usize::from(byte & 15)];
        }
        Self(name)
    }

    /// The digest that a path below `objects/` spells, if it is an object's.
    pub fn parse(name: &OsStr) -> Option<Digest> {
        let name: &[u8; 65] = name.as_encoded_bytes().try_into().ok()?;
        let mut digest = Digest::default();
        for (index, byte) in digest.iter_mut().enumerate() {
            let at = 2 * index + usize::from(index > 0);
            let digit = |at: usize| match name[at] {
                digit @ b'0'..=b'9' => Some(digit - b'0'),
                digit @ b'a'..=b'f' => Some(digit - b'a' + 10),
                _ => None,
            };
            *byte = digit(at)? << 4 | digit(at + 1)?;
        }
        (name[2] == b'/').then_some(digest)
    }

    /// As a path.
    pub fn path(&self) -> &Path {
        Path::new(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}
