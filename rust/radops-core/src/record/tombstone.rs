//! The other things that a slot can hold: tombstones and the records of folders.

use super::fields::Fields;
use super::file::{Record, file, is_originator};
use super::time::is_time;
use super::{Header, TOMBSTONE};

/// What a file's record became when the file was deleted. All of it was checked, the record too.
#[derive(Debug, Clone, PartialEq)]
pub struct Tombstone<'a> {
    /// The record of the deleted file.
    pub record: Record<'a>,
    /// A point in time, `YYYY-MM-DDThh:mm:ss.ffffffZ`.
    pub deleted_at: &'a str,
    /// Who deleted it.
    pub originator: &'a str,
    /// Whether the file never existed: its commit was aborted before it happened.
    pub aborted: bool,
}

/// Read a tombstone from bytes that were scanned and have the header `header`.
pub(super) fn tombstone<'a>(raw: &'a [u8], header: &Header, uid: &str) -> Option<Tombstone<'a>> {
    if header.kind != TOMBSTONE {
        return None;
    }
    let (mut record, mut deleted_at, mut originator, mut aborted) = (None, None, None, None);
    Fields::new(raw).map(|key, fields| {
        match key {
            "record" => record = Some(fields.bytes()?),
            "deleted_at" => deleted_at = Some(fields.text().filter(|text| is_time(text))?),
            "originator" => originator = Some(fields.text().filter(|text| is_originator(text))?),
            "aborted" => aborted = Some(fields.bool()?),
            _ => fields.skip()?,
        }
        Some(())
    })?;
    let record = record?;
    Some(Tombstone {
        record: file(record, &Header::read(record)?, uid)?,
        deleted_at: deleted_at?,
        originator: originator?,
        aborted: aborted?,
    })
}

/// Whether bytes with the header of a folder are the one record of the folder `uid`: listings
/// distinguish folders by its exact size.
pub(super) fn is_folder(raw: &[u8], uid: &str) -> bool {
    let mut found = None;
    let read = Fields::new(raw).map(|key, fields| match key {
        "uid" => {
            found = Some(fields.text()?);
            Some(())
        }
        _ => fields.skip(),
    });
    // Beside `v` and `kind` there is room for one field in a map of three.
    read.is_some() && found == Some(uid) && raw.first() == Some(&0xa3)
}
