//! Records of files and directories, as `radops.format.record` defines them.

use super::call::{Call, Contents, call};
use super::fields::{Fields, is_sorted_unique};
use super::names::{SlotName, last_segment, slot};
use super::time::is_time;
use super::{Header, MAX_ORIGINATOR, MAX_RECORD};
use crate::outline::Digest;

/// The record of a file or directory. All of it was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<'a> {
    /// Of the file's bytes; of a directory, those of its root.
    pub digest: Digest,
    /// Of the same bytes.
    pub size: u64,
    /// What a directory holds; `None` for a file.
    pub directory: Option<Contents>,
    /// A point in time, `YYYY-MM-DDThh:mm:ss.ffffffZ`.
    pub created_at: &'a str,
    /// Who made it.
    pub originator: &'a str,
    /// Random bytes by which the records of one commit are known.
    pub commit_id: [u8; 16],
    /// The slot that commits.
    pub primary: SlotName<'a>,
    /// Every object that must stay as long as this record: sorted, each once.
    pub keeps: Vec<Digest>,
    /// Root and layout of each directory that the record keeps: sorted, each root once.
    pub trees: Vec<(Digest, Digest)>,
    /// How the file was made.
    pub origin: Origin<'a>,
}

/// How a file was made.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin<'a> {
    /// It came from outside the lake.
    Import,
    /// This call made it.
    Call(Call<'a>),
    /// The call that made it is in this object.
    CallObject(Digest),
    /// The call that made it is in this object, which also keeps objects for this record.
    SharedCall(Digest),
}

impl Record<'_> {
    /// Whether the slot of `uid` with this number commits the record by being there.
    pub fn commits_itself(&self, uid: &str, number: u32) -> bool {
        (self.primary.uid, self.primary.number) == (uid, number)
    }
}

/// Read the record of a file or directory from bytes that were scanned and have the header `header`.
pub(super) fn file<'a>(raw: &'a [u8], header: &Header, uid: &str) -> Option<Record<'a>> {
    if header.kind != super::RECORD || raw.len() > MAX_RECORD {
        return None;
    }
    let mut is_directory = None;
    let (mut digest, mut size, mut layout_of, mut version) = (None, None, None, None);
    let (mut created_at, mut originator, mut name) = (None, None, None);
    let (mut files, mut bytes, mut commit, mut keeps, mut from) = (None, None, None, None, None);
    let mut own = None;
    Fields::new(raw).map(|key, fields| {
        match key {
            "uid" => own = Some(fields.text()?),
            "digest" => digest = Some(fields.digest()?),
            "size" => size = Some(fields.size()?),
            "type" => {
                is_directory = match fields.text()? {
                    "file" => Some(false),
                    "directory" => Some(true),
                    _ => return None,
                }
            }
            "name" => name = Some(fields.text()?),
            "created_at" => created_at = Some(fields.text().filter(|text| is_time(text))?),
            "originator" => originator = Some(fields.text().filter(|text| is_originator(text))?),
            "radops_version" => version = Some(fields.text()?),
            "commit" => commit = Some(read_commit(fields)?),
            "keeps" => keeps = Some(fields.array(Fields::digest)?),
            "origin" => from = Some(origin(fields)?),
            "files" => files = Some(fields.size()?),
            "bytes" => bytes = Some(fields.size()?),
            "trees" => layout_of = Some(fields.array(|fields| fields.pair(Fields::digest))?),
            _ => fields.skip()?,
        }
        Some(())
    })?;
    version?;
    let (commit_id, primary) = commit?;
    let trees: Vec<(Digest, Digest)> = match layout_of {
        Some(trees) if trees.is_empty() => return None,
        found => found.unwrap_or_default(),
    };
    let digest = digest?;
    let directory = match (is_directory?, files, bytes) {
        (false, None, None) => None,
        (true, Some(files), Some(bytes)) => Some(Contents {
            layout: trees.iter().find(|(root, _)| *root == digest)?.1,
            files,
            bytes,
        }),
        _ => return None,
    };
    let record = Record {
        digest,
        size: size?,
        directory,
        created_at: created_at?,
        originator: originator?,
        commit_id,
        primary,
        keeps: keeps?,
        trees,
        origin: from?,
    };
    let right = own? == uid
        && name? == last_segment(uid)
        && primary.uid <= uid
        && is_sorted_unique(&record.keeps)
        && record.trees.windows(2).all(|pair| pair[0].0 < pair[1].0)
        && fits_origin(&record, uid)
        && keeps_enough(&record);
    right.then_some(record)
}

pub(super) fn is_originator(text: &str) -> bool {
    text.len() <= MAX_ORIGINATOR || text.chars().count() <= MAX_ORIGINATOR
}

fn read_commit<'a>(fields: &mut Fields<'a>) -> Option<([u8; 16], SlotName<'a>)> {
    let (mut id, mut primary) = (None, None);
    fields.map(|key, fields| {
        match key {
            "id" => id = Some(fields.exactly()?),
            "primary" => primary = Some(slot(fields.text()?)?),
            _ => fields.skip()?,
        }
        Some(())
    })?;
    Some((id?, primary?))
}

/// Read how a file was made: exactly one way. A way that is null is none.
fn origin<'a>(fields: &mut Fields<'a>) -> Option<Origin<'a>> {
    let mut found = Vec::new();
    fields.map(|key, fields| {
        let one = match key {
            "import" => fields.or_null(import)?,
            "call" => fields.or_null(|fields| match fields.at_bytes() {
                true => fields.digest().map(Origin::CallObject),
                false => call(fields).map(Origin::Call),
            })?,
            "shared_call" => fields.or_null(Fields::digest)?.map(Origin::SharedCall),
            _ => return fields.skip(),
        };
        found.extend(one);
        Some(())
    })?;
    let one = found.pop()?;
    found.is_empty().then_some(one)
}

fn import<'a>(fields: &mut Fields<'a>) -> Option<Origin<'a>> {
    let mut source = None;
    fields.map(|key, fields| {
        match key {
            "source" => source = Some(fields.text()?),
            _ => fields.skip()?,
        }
        Some(())
    })?;
    source.map(|_| Origin::Import)
}

/// Whether a record and the way that its file was made agree.
fn fits_origin(record: &Record<'_>, uid: &str) -> bool {
    match &record.origin {
        Origin::Import => {
            let own = record.directory.map(|own| (record.digest, own.layout));
            record.primary.uid == uid && record.trees.iter().eq(&own)
        }
        Origin::Call(call) => made_by(record, call, uid),
        Origin::CallObject(_) | Origin::SharedCall(_) => true,
    }
}

/// Whether a call made the record's file and commits in the record's primary slot.
fn made_by(record: &Record<'_>, call: &Call<'_>, uid: &str) -> bool {
    let totals = |one: Option<Contents>| one.map(|one| (one.files, one.bytes));
    let made = call.output(uid).is_some_and(|made| {
        (made.digest, made.size) == (record.digest, record.size)
            && totals(made.directory) == totals(record.directory)
    });
    // Its own slot: the record was committed alone, as the call's other outputs existed already.
    let primary = record.primary.uid;
    made && record.trees == call.trees
        && (primary == uid
            || call
                .outputs
                .first()
                .is_some_and(|first| first.uid == primary))
}

/// Whether a record keeps every object that it needs. What it keeps is sorted.
fn keeps_enough(record: &Record<'_>) -> bool {
    let is_kept = |digest: &Digest| record.keeps.binary_search(digest).is_ok();
    is_kept(&record.digest)
        && record
            .trees
            .iter()
            .all(|(root, layout)| is_kept(root) && is_kept(layout))
        && match &record.origin {
            Origin::Import => true,
            Origin::Call(call) => call.keeps().all(is_kept),
            Origin::CallObject(call) | Origin::SharedCall(call) => is_kept(call),
        }
}
