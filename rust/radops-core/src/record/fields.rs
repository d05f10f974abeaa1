//! Reads the values of a record one after the other, in bytes that [`crate::cbor::scan`] accepted.
//!
//! So nothing here checks the encoding: only types and the bounds of values. Every function gives
//! `None` for a value of another type or beyond its bounds.

use crate::cbor::{head, take};
use crate::outline::Digest;

const UINT: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;

const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;
const FLOAT: u8 = 0xfb;

/// A position in scanned bytes.
pub(super) struct Fields<'a> {
    raw: &'a [u8],
    position: usize,
}

impl<'a> Fields<'a> {
    pub fn new(raw: &'a [u8]) -> Self {
        Self { raw, position: 0 }
    }

    /// The number of a head of this major type.
    fn argument(&mut self, major: u8) -> Option<u64> {
        let (found, _, argument) = head(self.raw, &mut self.position).ok()?;
        (found == major).then_some(argument)
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.raw.get(self.position)?;
        self.position += 1;
        Some(byte)
    }

    /// An integer that is not negative. The scan allows 63 bits.
    pub fn size(&mut self) -> Option<u64> {
        self.argument(UINT)
    }

    pub fn bool(&mut self) -> Option<bool> {
        match self.byte()? {
            FALSE => Some(false),
            TRUE => Some(true),
            _ => None,
        }
    }

    pub fn float(&mut self) -> Option<f64> {
        if self.byte()? != FLOAT {
            return None;
        }
        let bytes = take(self.raw, &mut self.position, 8).ok()?;
        Some(f64::from_be_bytes(bytes.try_into().ok()?))
    }

    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.argument(BYTES)?;
        take(self.raw, &mut self.position, length).ok()
    }

    /// Bytes of a fixed number.
    pub fn exactly<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes()?.try_into().ok()
    }

    pub fn digest(&mut self) -> Option<Digest> {
        self.exactly()
    }

    pub fn text(&mut self) -> Option<&'a str> {
        let length = self.argument(TEXT)?;
        let bytes = take(self.raw, &mut self.position, length).ok()?;
        std::str::from_utf8(bytes).ok()
    }

    /// A value that may also be null: `Some(None)` then.
    pub fn or_null<T>(&mut self, value: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.raw.get(self.position) == Some(&NULL) {
            self.position += 1;
            return Some(None);
        }
        value(self).map(Some)
    }

    /// Whether the next value is a byte string.
    pub fn at_bytes(&self) -> bool {
        self.at(BYTES)
    }

    /// Whether the next value is text.
    pub fn at_text(&self) -> bool {
        self.at(TEXT)
    }

    fn at(&self, major: u8) -> bool {
        self.raw
            .get(self.position)
            .is_some_and(|first| first >> 5 == major)
    }

    /// The items of an array. The scan has compared their number with the bytes that there are.
    pub fn array<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.argument(ARRAY)?;
        (0..count).map(|_| item(self)).collect()
    }

    /// Two values in an array.
    pub fn pair<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<(T, T)> {
        if self.argument(ARRAY)? != 2 {
            return None;
        }
        Some((item(self)?, item(self)?))
    }

    /// The values of a map: `value` reads the value of each key, or skips it.
    pub fn map(&mut self, mut value: impl FnMut(&'a str, &mut Self) -> Option<()>) -> Option<()> {
        for _ in 0..self.argument(MAP)? {
            let key = self.text()?;
            value(key, self)?;
        }
        Some(())
    }

    /// Skip one value of any type.
    pub fn skip(&mut self) -> Option<()> {
        let mut left = 1_u64;
        while left > 0 {
            let (major, _, argument) = head(self.raw, &mut self.position).ok()?;
            left -= 1;
            match major {
                BYTES | TEXT => drop(take(self.raw, &mut self.position, argument).ok()?),
                ARRAY => left += argument,
                MAP => left += 2 * argument,
                _ => {}
            }
        }
        Some(())
    }
}

/// Whether each item is less than the next.
pub(super) fn is_sorted_unique<T: PartialOrd>(items: &[T]) -> bool {
    items.windows(2).all(|pair| pair[0] < pair[1])
}
