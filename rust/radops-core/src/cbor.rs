//! The profile of CBOR that everything stored is written in: one encoding for each value.
//!
//! Integers of 64 bits with sign and floats of 64 bits with a single NaN, byte strings and text,
//! arrays, maps with text keys in the order of their encodings, false, true and null. No tags, no
//! indefinite lengths, nothing after the value.

/// Arrays and maps within each other, so that no reader recurses without bounds.
pub const MAX_DEPTH: usize = 32;

/// What a bit pattern above this one, sign aside, means: not a number.
const INFINITY: u64 = 0x7ff0_0000_0000_0000;

/// The one NaN.
const NAN: u64 = 0x7ff8_0000_0000_0000;

/// Why bytes are not the one encoding of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// A length that reaches past the end.
    #[error("cut short")]
    Short,
    /// An array, a map or a string of indefinite length.
    #[error("an indefinite length")]
    Indefinite,
    /// A head that the standard gives no meaning.
    #[error("a reserved head")]
    Reserved,
    /// A number in a longer form than it needs.
    #[error("a number that is not in its shortest form")]
    Longer,
    /// A key of a map that is not text.
    #[error("a map key that is not text")]
    Key,
    /// An integer beyond 64 bits with sign.
    #[error("an integer of more than 64 bits")]
    Integer,
    /// Keys out of order, or twice the same.
    #[error("map keys that are not sorted, or twice the same")]
    Order,
    /// More than [`MAX_DEPTH`] arrays and maps within each other.
    #[error("more than {MAX_DEPTH} levels")]
    Depth,
    /// A tag.
    #[error("a tag")]
    Tag,
    /// A NaN other than the one that there is.
    #[error("an unusual NaN")]
    Nan,
    /// A float of 16 or 32 bits.
    #[error("a short float")]
    ShortFloat,
    /// A simple value other than false, true and null.
    #[error("an unknown simple value")]
    Simple,
    /// Bytes behind the value.
    #[error("more bytes after its end")]
    Rest,
    /// Text that is not UTF-8.
    #[error("text that is not UTF-8")]
    Text,
}

/// An array or a map that is not complete.
struct Open<'a> {
    /// Items to come, keys and values counted one by one.
    left: u64,
    /// Whether it is a map.
    map: bool,
    /// The encoding of a map's last key, empty before the first: no encoding is.
    last_key: &'a [u8],
}

/// Check that `data` is exactly one value of the profile, in its one encoding.
///
/// Whatever passes is what an encoder would write for the value, so it need not be encoded again to
/// compare. Nothing is allocated by what a length claims: lengths are compared with what is
/// there.
///
/// # Errors
///
/// The first thing that is wrong; text that is not UTF-8 only where nothing else is.
pub fn scan(data: &[u8]) -> Result<(), CborError> {
    let mut position = 0;
    let mut utf8 = true;
    let mut open: Vec<Open<'_>> = Vec::new();
    loop {
        let start = position;
        let (major, low, argument) = head(data, &mut position)?;
        let key_wanted = open.last().is_some_and(|top| top.map && top.left % 2 == 0);
        if key_wanted && major != 3 {
            return Err(CborError::Key);
        }
        match major {
            0 | 1 => {
                if argument > i64::MAX as u64 {
                    return Err(CborError::Integer);
                }
            }
            2 | 3 => {
                let content = take(data, &mut position, argument)?;
                if major == 3 {
                    utf8 &= std::str::from_utf8(content).is_ok();
                }
                if let (true, Some(top)) = (key_wanted, open.last_mut()) {
                    let key = &data[start..position];
                    if key <= top.last_key {
                        return Err(CborError::Order);
                    }
                    top.last_key = key;
                }
            }
            4 | 5 => {
                let left = argument.saturating_mul(u64::from(major) - 3);
                if left > (data.len() - position) as u64 {
                    return Err(CborError::Short);
                }
                if open.len() == MAX_DEPTH {
                    return Err(CborError::Depth);
                }
                if left > 0 {
                    open.push(Open {
                        left,
                        map: major == 5,
                        last_key: &[],
                    });
                    continue;
                }
            }
            6 => return Err(CborError::Tag),
            _ => simple(low, argument)?,
        }
        // The item is complete, and with it all containers that it was the last of.
        while let Some(top) = open.last_mut() {
            top.left -= 1;
            if top.left > 0 {
                break;
            }
            open.pop();
        }
        if open.is_empty() {
            break;
        }
    }
    if position != data.len() {
        return Err(CborError::Rest);
    }
    if utf8 { Ok(()) } else { Err(CborError::Text) }
}

/// Read an item's head: its major type, the five bits beside it, and the number they give.
pub(crate) fn head(data: &[u8], position: &mut usize) -> Result<(u8, u8, u64), CborError> {
    let first = take(data, position, 1)?[0];
    let (major, low) = (first >> 5, first & 31);
    if low < 24 {
        return Ok((major, low, u64::from(low)));
    }
    if low > 27 {
        let indefinite = low == 31;
        return Err(if indefinite {
            CborError::Indefinite
        } else {
            CborError::Reserved
        });
    }
    let width = 1 << (low - 24);
    let mut argument = 0;
    for byte in take(data, position, width)? {
        argument = argument << 8 | u64::from(*byte);
    }
    // What fits the head before it, of half the width, or none, is to be written there.
    let smallest = if width == 1 { 24 } else { 1 << (4 * width) };
    if major != 7 && argument < smallest {
        return Err(CborError::Longer);
    }
    Ok((major, low, argument))
}

/// What is neither a number, a string, a container nor a tag.
fn simple(low: u8, argument: u64) -> Result<(), CborError> {
    match low {
        20..=22 => Ok(()),
        25 | 26 => Err(CborError::ShortFloat),
        27 if argument & (u64::MAX >> 1) > INFINITY && argument != NAN => Err(CborError::Nan),
        27 => Ok(()),
        _ => Err(CborError::Simple),
    }
}

/// Take the next `length` bytes.
pub(crate) fn take<'a>(
    data: &'a [u8],
    position: &mut usize,
    length: u64,
) -> Result<&'a [u8], CborError> {
    let rest = &data[*position..];
    if length > rest.len() as u64 {
        return Err(CborError::Short);
    }
    *position += length as usize;
    Ok(&rest[..length as usize])
}
