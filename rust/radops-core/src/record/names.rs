//! UIDs and the keys of slots, as `radops.format.uid` defines them.
//!
//! One rule needs tables of Unicode that are not here: a name must be in normal form C. Only names
//! of characters that are in normal form next to any others are accepted; others are not decided
//! here.

/// What the key of a name's first slot adds to the name.
const SUFFIX: &str = ".radops";

/// What precedes the names in the keys of slots.
const REFS: &str = "refs/";

const MAX_UID: usize = 512;
const MAX_SEGMENT: usize = 200;

/// Digits of a slot's number.
const MAX_DIGITS: usize = 9;

/// A slot of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotName<'a> {
    /// The name.
    pub uid: &'a str,
    /// 0 for the first slot of a name.
    pub number: u32,
}

impl SlotName<'_> {
    /// The key of the slot below `refs/`.
    pub fn key(&self) -> String {
        match self.number {
            0 => format!("{}{SUFFIX}", self.uid),
            number => format!("{}{SUFFIX}-{number}", self.uid),
        }
    }
}

/// Return whether `uid` is certainly a valid UID. Of some valid ones this cannot be decided here.
pub fn is_plain_uid(uid: &str) -> bool {
    uid.len() <= MAX_UID
        && !uid.starts_with('-')
        && uid.chars().all(is_plain_char)
        && uid.split('/').all(is_segment)
}

/// The name whose first slot has the key `refs/` and `key`, if that name is a plain one.
pub fn first_slot(key: &str) -> Option<&str> {
    key.strip_suffix(SUFFIX).filter(|uid| is_plain_uid(uid))
}

/// The slot that a key names, if that holds records and the name is a plain one.
pub(super) fn slot(key: &str) -> Option<SlotName<'_>> {
    // The rest has no further dot, so it begins at the last one.
    let (uid, rest) = key.strip_prefix(REFS)?.rsplit_once('.')?;
    let number = match rest.strip_prefix("radops")? {
        "" => 0,
        number => slot_number(number.strip_prefix('-')?)?,
    };
    is_plain_uid(uid).then_some(SlotName { uid, number })
}

fn slot_number(text: &str) -> Option<u32> {
    let right = (1..=MAX_DIGITS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && !text.starts_with('0');
    right.then(|| text.parse().ok())?
}

/// The part of a name after its last slash.
pub(super) fn last_segment(uid: &str) -> &str {
    uid.rsplit_once('/').map_or(uid, |(_, last)| last)
}

fn is_segment(segment: &str) -> bool {
    (1..=MAX_SEGMENT).contains(&segment.len())
        && !matches!(segment, "." | "..")
        && !ends_as_slots_do(segment.as_bytes())
}

/// Whether a segment ends in `.radops`, `.radops-gone`, `.radops-7` or `.radops-7-gone`, in upper
/// or lower case.
fn ends_as_slots_do(segment: &[u8]) -> bool {
    let rest = strip_end(segment, b"-gone").unwrap_or(segment);
    let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let number = digits.count();
    let without_number = match &rest[..rest.len() - number] {
        [before @ .., b'-'] if number > 0 => before,
        _ => rest,
    };
    strip_end(without_number, SUFFIX.as_bytes()).is_some()
}

fn strip_end<'a>(text: &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    let (rest, found) = text.split_at_checked(text.len().checked_sub(end.len())?)?;
    found.eq_ignore_ascii_case(end).then_some(rest)
}

/// Whether a character is allowed in names and is in Unicode's normal form C next to any other:
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_of_slots_are_reserved() {
        for name in [
            "x.radops",
            ".radops",
            "x.RADOPS-1",
            "x.radops-007-gone",
            "x.radops-gone/y",
            "a/x.Radops-Gone",
        ] {
            assert!(!is_plain_uid(name), "{name}");
        }
        for name in [
            "x.radops.csv",
            "xradops",
            "x.radops-",
            "x.radops-gone-gone",
            "x.radops--1",
            "x.radops-1-",
            "x-gone",
            "1",
            "x.radops1",
        ] {
            assert!(is_plain_uid(name), "{name}");
        }
    }

    #[test]
    fn keys_of_slots_have_one_spelling() {
        let found = |uid, number| Some(SlotName { uid, number });
        assert_eq!(slot("refs/a/b.csv.radops"), found("a/b.csv", 0));
        assert_eq!(slot("refs/a.radops-12"), found("a", 12));
        assert_eq!(slot("refs/a.radops-999999999"), found("a", 999_999_999));
        for key in [
            "refs/a",
            "refs/.radops",
            "refs/a.radops-0",
            "refs/a.radops-01",
            "refs/a.radops-1000000000",
            "refs/a.radops-+1",
            "refs/a.radops-gone",
            "refs/a.radops-1-gone",
            "refs/a.radops.radops",
            "refs/a.radops/b",
            "a.radops",
        ] {
            assert_eq!(slot(key), None, "{key}");
        }
    }
}
