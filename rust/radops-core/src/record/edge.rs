//! Edges, as `radops.format.edge` defines them: which file was made from another.

use super::MAX_SIZE;
use super::fields::Fields;
use super::names::is_plain_uid;
use crate::cbor::scan;

/// Return whether `raw` is certainly a valid edge that leads to `output`.
pub fn is_edge(raw: &[u8], output: &str) -> bool {
    if !is_plain_uid(output) || raw.len() > MAX_SIZE || scan(raw).is_err() {
        return false;
    }
    let (mut uid, mut record) = (None, None);
    let read = Fields::new(raw).map(|key, fields| {
        match key {
            "uid" => uid = Some(fields.text()?),
            "record" => record = Some(fields.digest()?),
            _ => fields.skip()?,
        }
        Some(())
    });
    read.is_some() && uid == Some(output) && record.is_some()
}
