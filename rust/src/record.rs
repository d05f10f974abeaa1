//! Recognises plain records: those of files that came from outside the lake, in the one shape that
//! this version writes, under a name that needs no knowledge of Unicode to be checked.
//!
//! Nothing here refuses a record. What is not plain is looked at where all rules are, in Python;
//! what is plain is what those rules would accept, with the same fields.

use crate::cbor::{head, take};
use crate::outline::Digest;

/// The most bytes that a plain record has, so that a buffer on the stack holds any.
pub const MAX_PLAIN: usize = 4096;

/// What the name of a slot adds to the name of its file.
const SUFFIX: &str = ".radops";

const MAX_UID: usize = 512;
const MAX_SEGMENT: usize = 200;
const MAX_ORIGINATOR: usize = 512;

/// What a plain record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain<'a> {
    /// Of the file's bytes: the one object that the record keeps.
    pub digest: Digest,
    /// How many bytes the file has.
    pub size: u64,
    /// A point in time, `YYYY-MM-DDThh:mm:ss.ffffffZ`.
    pub created_at: &'a str,
    /// Who made it.
    pub originator: &'a str,
}

/// Read `raw`, the bytes of the first slot of `uid`, as a plain record that is committed by being
/// there: its primary slot is its own.
pub fn plain<'a>(raw: &'a [u8], uid: &str) -> Option<Plain<'a>> {
    let mut fields = Fields { raw, position: 0 };
    // In the order of the keys' encodings, which is the only one there is.
    fields.literal(b"\xad\x61v\x01\x63uid")?;
    fields.same(&[uid])?;
    fields.literal(b"\x64kind\x6dradops/record\x64name")?;
    fields.same(&[uid.rsplit('/').next()?])?;
    fields.literal(b"\x64size")?;
    let size = fields.number(0)?;
    fields.literal(b"\x64type\x64file\x65keeps\x81")?;
    let kept = fields.digest()?;
    fields.literal(b"\x66commit\xa2\x62id\x50")?;
    take(raw, &mut fields.position, 16).ok()?;
    fields.literal(b"\x67primary")?;
    fields.same(&["refs/", uid, SUFFIX])?;
    fields.literal(b"\x66digest")?;
    let digest = fields.digest()?;
    fields.literal(b"\x66origin\xa1\x66import\xa1\x66source")?;
    fields.text()?;
    fields.literal(b"\x6acreated_at")?;
    let created_at = fields.text()?;
    fields.literal(b"\x6aoriginator")?;
    let originator = fields.text()?;
    fields.literal(b"\x6eradops_version")?;
    fields.text()?;
    let right = fields.position == raw.len()
        && kept == digest
        && i64::try_from(size).is_ok()
        && is_time(created_at)
        && originator.chars().count() <= MAX_ORIGINATOR;
    right.then_some(Plain {
        digest,
        size,
        created_at,
        originator,
    })
}

/// The name of the file whose first slot has the key `refs/` and `key`, if it can be told here
/// that this is a name.
pub fn plain_uid(key: &str) -> Option<&str> {
    let uid = key.strip_suffix(SUFFIX)?;
    let right = uid.len() <= MAX_UID
        && !uid.starts_with('-')
        && uid.chars().all(is_plain_char)
        && uid.split('/').all(is_plain_segment);
    right.then_some(uid)
}

fn is_plain_segment(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    (1..=MAX_SEGMENT).contains(&bytes.len())
        && !matches!(bytes, b"." | b"..")
        // Only some such endings are reserved; here it need not be known which.
        && !bytes.windows(SUFFIX.len()).any(|part| part.eq_ignore_ascii_case(SUFFIX.as_bytes()))
}

/// Whether a character may stand in a name, and in any company is in Unicode's normal form C:
/// nothing before it combines with it. There are more such characters; these are most in use.
fn is_plain_char(char: char) -> bool {
    match char {
        '\\' | '@' | '*' | '?' | '[' | ']' | ':' => false,
        // ASCII, Latin, Cyrillic, hiragana and katakana, ideographs, Hangul syllables.
        ' '..='~'
        | '\u{a0}'..='\u{2ff}'
        | '\u{400}'..='\u{482}'
        | '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fa}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}' => true,
        _ => false,
    }
}

/// Whether text is a point in time as records have it.
fn is_time(text: &str) -> bool {
    let shape = b"dddd-dd-ddTdd:dd:dd.ddddddZ";
    let bytes = text.as_bytes();
    let fits = bytes.len() == shape.len()
        && bytes.iter().zip(shape).all(|(byte, like)| match like {
            b'd' => byte.is_ascii_digit(),
            _ => byte == like,
        });
    if !fits {
        return false;
    }
    let number = |from: usize, to: usize| {
        let digits = bytes[from..to].iter();
        digits.fold(0, |number, digit| 10 * number + u32::from(digit - b'0'))
    };
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    year > 0
        && (1..=days).contains(&day)
        && number(11, 13) < 24
        && number(14, 16) < 60
        && number(17, 19) < 60
}

/// The fields of a record, read one after the other.
struct Fields<'a> {
    raw: &'a [u8],
    position: usize,
}

impl<'a> Fields<'a> {
    /// The next bytes are these.
    fn literal(&mut self, bytes: &[u8]) -> Option<()> {
        let found = take(self.raw, &mut self.position, bytes.len() as u64).ok()?;
        (found == bytes).then_some(())
    }

    /// The number of a head of this major type.
    fn number(&mut self, major: u8) -> Option<u64> {
        let (found, _, argument) = head(self.raw, &mut self.position).ok()?;
        (found == major).then_some(argument)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.number(3)?;
        let bytes = take(self.raw, &mut self.position, length).ok()?;
        std::str::from_utf8(bytes).ok()
    }

    /// Text that consists of these parts.
    fn same(&mut self, parts: &[&str]) -> Option<()> {
        let mut rest = self.text()?;
        for part in parts {
            rest = rest.strip_prefix(part)?;
        }
        rest.is_empty().then_some(())
    }

    fn digest(&mut self) -> Option<Digest> {
        self.literal(b"\x58\x20")?;
        let bytes = take(self.raw, &mut self.position, 32).ok()?;
        bytes.try_into().ok()
    }
}
