//! Strict CBOR, written and read value by value.
//!
//! A reader names the values that it expects in the order of the one encoding, so whatever it
//! accepts is canonical. Only when it fails are the bytes looked at as a whole, to tell damage from
//! what a later version wrote.

use super::error::{Fault, FormatError};
use crate::cbor::{self, head, take};
use crate::outline::{Digest, VALUE_SIZE};
use crate::tree::Object;

/// The version of every map here.
const VERSION: u64 = 1;

const UINT: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const NULL: u8 = 0xf6;

/// How many bytes the head of a value takes whose number or length is `argument`.
pub(super) fn head_size(argument: u64) -> usize {
    match argument {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}

fn put_head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let bytes = argument.to_be_bytes();
    let (low, width) = match argument {
        0..=23 => (argument as u8, 0),
        24..=0xff => (24, 1),
        0x100..=0xffff => (25, 2),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 8),
    };
    out.push(major << 5 | low);
    out.extend_from_slice(&bytes[8 - width..]);
}

pub(super) fn put_uint(out: &mut Vec<u8>, value: u64) {
    debug_assert!(i64::try_from(value).is_ok());
    put_head(out, UINT, value);
}

pub(super) fn put_bytes(out: &mut Vec<u8>, value: &[u8]) {
    put_head(out, BYTES, value.len() as u64);
    out.extend_from_slice(value);
}

pub(super) fn put_text(out: &mut Vec<u8>, value: &str) {
    put_head(out, TEXT, value.len() as u64);
    out.extend_from_slice(value.as_bytes());
}

pub(super) fn put_array(out: &mut Vec<u8>, count: usize) {
    put_head(out, ARRAY, count as u64);
}

pub(super) fn put_null(out: &mut Vec<u8>) {
    out.push(NULL);
}

/// Begin a map of this kind with `fields` more fields than `kind` and `v`; their keys are longer.
pub(super) fn put_map(out: &mut Vec<u8>, kind: &str, fields: usize) {
    put_head(out, MAP, fields as u64 + 2);
    put_text(out, "v");
    put_uint(out, VERSION);
    put_text(out, "kind");
    put_text(out, kind);
}

pub(super) fn put_objects(out: &mut Vec<u8>, objects: &[Object]) {
    put_array(out, objects.len());
    for object in objects {
        put_array(out, 2);
        put_bytes(out, &object.digest);
        put_uint(out, object.size);
    }
}

/// Reads values one after the other.
pub(super) struct Cursor<'a> {
    raw: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(raw: &'a [u8]) -> Self {
        let position = 0;
        Self { raw, position }
    }

    pub fn at(raw: &'a [u8], position: usize) -> Self {
        Self { raw, position }
    }

    pub fn position(&self) -> usize {
        self.position
    }

    /// The number of a head of this major type.
    fn argument(&mut self, major: u8, wanted: &'static str) -> Result<u64, Fault> {
        let (found, _, argument) = head(self.raw, &mut self.position)?;
        if found != major {
            return Err(Fault::rule(format!("{wanted} is missing")));
        }
        Ok(argument)
    }

    pub fn uint(&mut self) -> Result<u64, Fault> {
        let value = self.argument(UINT, "a number that is not negative")?;
        if i64::try_from(value).is_err() {
            return Err(cbor::CborError::Integer.into());
        }
        Ok(value)
    }

    pub fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.argument(BYTES, "a byte string")?;
        Ok(take(self.raw, &mut self.position, length)?)
    }

    pub fn digest(&mut self) -> Result<Digest, Fault> {
        let bytes = self.bytes()?;
        let length = bytes.len();
        bytes.try_into().map_err(|_| {
            Fault::rule(format!(
                "a digest of {length} bytes instead of {VALUE_SIZE}"
            ))
        })
    }

    pub fn text(&mut self) -> Result<&'a str, Fault> {
        let length = self.argument(TEXT, "text")?;
        let bytes = take(self.raw, &mut self.position, length)?;
        std::str::from_utf8(bytes).map_err(|_| cbor::CborError::Text.into())
    }

    /// The number of an array's items: at most one for each byte that is left.
    pub fn array(&mut self) -> Result<usize, Fault> {
        let count = self.argument(ARRAY, "an array")?;
        if count > (self.raw.len() - self.position) as u64 {
            return Err(cbor::CborError::Short.into());
        }
        Ok(count as usize)
    }

    /// An array of so many items.
    pub fn array_of(&mut self, count: usize) -> Result<(), Fault> {
        if self.array()? != count {
            return Err(Fault::rule(format!(
                "an array that is not of {count} items"
            )));
        }
        Ok(())
    }

    /// Whether the next value is null, which is then passed.
    pub fn null(&mut self) -> bool {
        let found = self.raw.get(self.position) == Some(&NULL);
        self.position += usize::from(found);
        found
    }

    /// Whether the next value is an array, which is not passed.
    pub fn at_array(&self) -> bool {
        self.raw
            .get(self.position)
            .is_some_and(|first| first >> 5 == ARRAY)
    }

    /// Whether the next value is this key, which is then passed.
    pub fn is_key(&mut self, key: &str) -> bool {
        let before = self.position;
        let found = self.text().is_ok_and(|found| found == key);
        if !found {
            self.position = before;
        }
        found
    }

    pub fn key(&mut self, key: &'static str) -> Result<(), Fault> {
        if self.is_key(key) {
            return Ok(());
        }
        Err(Fault::rule(format!(
            "the field {key} is missing or another is in its place"
        )))
    }

    /// The head of a map of this kind; gives how many fields follow.
    fn map(&mut self, kind: &str) -> Result<usize, Fault> {
        let count = self.argument(MAP, "a map")?;
        self.key("v")?;
        if self.uint()? != VERSION {
            return Err("an unknown version".into());
        }
        self.key("kind")?;
        if self.text()? != kind {
            return Err("another kind".into());
        }
        usize::try_from(count.saturating_sub(2)).map_err(|_| cbor::CborError::Short.into())
    }

    pub fn object(&mut self) -> Result<Object, Fault> {
        self.array_of(2)?;
        let digest = self.digest()?;
        let size = self.uint()?;
        Ok(Object { digest, size })
    }

    pub fn objects(&mut self) -> Result<Vec<Object>, Fault> {
        let count = self.array()?;
        // An item has at least 36 bytes, so this reserves no more than about what is there.
        let left = self.raw.len() - self.position;
        let mut objects = Vec::with_capacity(count.min(left / 36));
        for _ in 0..count {
            objects.push(self.object()?);
        }
        Ok(objects)
    }

    /// Objects sorted by digest, each digest once.
    pub fn sorted_objects(&mut self) -> Result<Vec<Object>, Fault> {
        let objects = self.objects()?;
        if !objects
            .windows(2)
            .all(|pair| pair[0].digest < pair[1].digest)
        {
            return Err("digests that are not sorted, or twice the same".into());
        }
        Ok(objects)
    }

    /// Pass one value, in bytes that were scanned.
    fn skip(&mut self) -> Result<(), Fault> {
        let mut left = 1_u64;
        while left > 0 {
            let (major, _, argument) = head(self.raw, &mut self.position)?;
            left -= 1;
            match major {
                BYTES | TEXT => drop(take(self.raw, &mut self.position, argument)?),
                ARRAY => left += argument,
                MAP => left += 2 * argument,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Decode a map of this kind. `fields` is given how many fields follow `v` and `kind`.
pub(super) fn decode_map<'a, T>(
    raw: &'a [u8],
    what: &'static str,
    kind: &'static str,
    known: &[&str],
    fields: impl FnOnce(&mut Cursor<'a>, usize) -> Result<T, Fault>,
) -> Result<T, FormatError> {
    let mut cursor = Cursor::new(raw);
    let found = cursor
        .map(kind)
        .and_then(|count| fields(&mut cursor, count))
        .and_then(|value| at_end(&cursor).map(|()| value));
    found.map_err(|fault| explain(raw, what, kind, known, fault))
}

/// Decode one value that is no map.
pub(super) fn decode_value<'a, T>(
    raw: &'a [u8],
    what: &'static str,
    value: impl FnOnce(&mut Cursor<'a>) -> Result<T, Fault>,
) -> Result<T, FormatError> {
    let mut cursor = Cursor::new(raw);
    let found = value(&mut cursor).and_then(|value| at_end(&cursor).map(|()| value));
    found.map_err(|fault| FormatError::corrupt(what, fault.to_string()))
}

fn at_end(cursor: &Cursor<'_>) -> Result<(), Fault> {
    if cursor.position != cursor.raw.len() {
        return Err(cbor::CborError::Rest.into());
    }
    Ok(())
}

/// Tell damage from what a later version wrote.
fn explain(
    raw: &[u8],
    what: &'static str,
    kind: &str,
    known: &[&str],
    fault: Fault,
) -> FormatError {
    if let Err(error) = cbor::scan(raw) {
        return FormatError::corrupt(what, error.to_string());
    }
    let newer = match &fault {
        Fault::Newer(why) => Some((*why).to_owned()),
        _ => unknown(raw, kind, known).unwrap_or(None),
    };
    match newer {
        Some(why) => FormatError::Newer { what, why },
        None => FormatError::corrupt(what, fault.to_string()),
    }
}

/// What this version does not know in a map; `None` if nothing.
fn unknown(raw: &[u8], kind: &str, known: &[&str]) -> Result<Option<String>, Fault> {
    let mut cursor = Cursor::new(raw);
    let count = cursor.argument(MAP, "a map")?;
    let (mut has_kind, mut has_version, mut why) = (false, false, None);
    for _ in 0..count {
        let key = cursor.text()?;
        match key {
            "kind" => {
                let found = cursor.text()?;
                has_kind = true;
                if found != kind {
                    why = Some(format!("kind {found:?}"));
                }
            }
            "v" => {
                let found = cursor.uint()?;
                has_version = true;
                if found > VERSION {
                    why = Some(format!("version {found}"));
                } else if found < VERSION {
                    return Ok(None);
                }
            }
            _ => {
                cursor.skip()?;
                if !known.contains(&key) {
                    why = why.or_else(|| Some(format!("the field {key:?}")));
                }
            }
        }
    }
    Ok(why.filter(|_| has_kind && has_version))
}
