//! Calls of pipeline functions, as `radops.format.call` defines them.

use super::fields::{Fields, is_sorted_unique};
use super::names::is_plain_uid;
use super::time::is_time;
use crate::outline::Digest;
use crate::tree::check_path;

/// Bytes of the check of a file, a variable or a part of the code.
const CHECK: usize = 3;

/// A call, as far as records and checks of a lake need it. All of it was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Call<'a> {
    /// Names of the lake files that it was given, or that it opened by itself; in no order, and
    /// the same name can be there several times.
    pub sources: Vec<&'a str>,
    /// What it made, sorted by name, each name once; at least one.
    pub outputs: Vec<Output<'a>>,
    /// The object with the difference of the code from its commit.
    pub patch: Option<Digest>,
    /// Root and layout of each directory among the outputs: sorted, each root once.
    pub trees: Vec<(Digest, Digest)>,
}

/// A file or a directory that a call made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output<'a> {
    /// Its name.
    pub uid: &'a str,
    /// Of its bytes; of a directory, those of its root.
    pub digest: Digest,
    /// Of the same bytes.
    pub size: u64,
    /// What a directory holds; `None` for a file.
    pub directory: Option<Contents>,
}

/// The fields in the record of a directory besides the digest and size of its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// The layout.
    pub layout: Digest,
    /// How many files there are.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
}

/// A file that a call was given or opened.
struct Input<'a> {
    arg: &'a str,
    uid: &'a str,
    inner: Option<&'a str>,
}

impl<'a> Call<'a> {
    /// The output with this name.
    pub fn output(&self, uid: &str) -> Option<&Output<'a>> {
        let found = self.outputs.binary_search_by(|one| one.uid.cmp(uid));
        found.ok().map(|index| &self.outputs[index])
    }

    /// The objects that must stay as long as a record of this call.
    pub fn keeps(&self) -> impl Iterator<Item = &Digest> {
        let outputs = self.outputs.iter().map(|output| &output.digest);
        let layouts = self.trees.iter().map(|(_, layout)| layout);
        outputs.chain(layouts).chain(&self.patch)
    }
}

/// Read a call.
pub(super) fn call<'a>(fields: &mut Fields<'a>) -> Option<Call<'a>> {
    let (mut inputs, mut reads, mut outputs, mut patch) = (None, None, None, None);
    // Bits of the required fields that were found.
    let mut found = 0;
    fields.map(|key, fields| {
        found |= match key {
            "key" => fields.digest().map(|_| 1),
            "module" => long_text(fields).map(|()| 2),
            "name" => long_text(fields).map(|()| 4),
            "package_version" => fields.or_null(Fields::text).map(|_| 8),
            "version" => fields.or_null(Fields::text).map(|_| 16),
            "params" => fields.map(|_, fields| fields.skip()).map(|()| 32),
            "inputs" => {
                inputs = Some(fields.array(input)?);
                Some(64)
            }
            "reads" => {
                reads = Some(fields.array(input)?);
                Some(128)
            }
            "outputs" => {
                outputs = Some(fields.array(output)?);
                Some(256)
            }
            "code" => {
                patch = code(fields)?;
                Some(512)
            }
            "environment" => environment(fields).map(|()| 1024),
            "started_at" => fields.text().filter(|text| is_time(text)).map(|_| 2048),
            "seconds" => duration(fields).map(|()| 4096),
            "noticed" => fields.or_null(noticed).map(|_| 0),
            _ => fields.skip().map(|()| 0),
        }?;
        Some(())
    })?;
    let (inputs, reads, outputs) = (inputs?, reads?, outputs?);
    let trees = trees(&outputs)?;
    let args: Vec<_> = inputs.iter().map(|one| one.arg).collect();
    let read: Vec<_> = reads
        .iter()
        .map(|one| (one.uid, one.inner.unwrap_or("")))
        .collect();
    let made: Vec<_> = outputs.iter().map(|one| one.uid).collect();
    let right = found == 8191
        && !made.is_empty()
        && is_sorted_unique(&args)
        && is_sorted_unique(&read)
        && is_sorted_unique(&made);
    right.then(|| Call {
        sources: inputs.iter().chain(&reads).map(|one| one.uid).collect(),
        outputs,
        patch,
        trees,
    })
}

/// The directories among outputs; `None` if one has two layouts.
fn trees(outputs: &[Output<'_>]) -> Option<Vec<(Digest, Digest)>> {
    let pair = |output: &Output<'_>| Some((output.digest, output.directory?.layout));
    let mut trees: Vec<_> = outputs.iter().filter_map(pair).collect();
    trees.sort_unstable();
    trees.dedup();
    let one_each = trees.windows(2).all(|pair| pair[0].0 != pair[1].0);
    one_each.then_some(trees)
}

fn input<'a>(fields: &mut Fields<'a>) -> Option<Input<'a>> {
    let (mut arg, mut uid, mut digest, mut record, mut inner) = (None, None, None, None, None);
    fields.map(|key, fields| {
        match key {
            "arg" => arg = Some(fields.text()?),
            "uid" => uid = Some(fields.text().filter(|uid| is_plain_uid(uid))?),
            "digest" => digest = Some(fields.digest()?),
            "record" => record = Some(fields.digest()?),
            "inner" => inner = Some(fields.text().filter(|path| check_path(path).is_ok())?),
            _ => fields.skip()?,
        }
        Some(())
    })?;
    digest.and(record)?;
    Some(Input {
        arg: arg?,
        uid: uid?,
        inner,
    })
}

fn output<'a>(fields: &mut Fields<'a>) -> Option<Output<'a>> {
    let (mut uid, mut digest, mut size) = (None, None, None);
    let (mut layout, mut files, mut bytes) = (None, None, None);
    fields.map(|key, fields| {
        match key {
            "uid" => uid = Some(fields.text().filter(|uid| is_plain_uid(uid))?),
            "digest" => digest = Some(fields.digest()?),
            "size" => size = Some(fields.size()?),
            "place" => place(fields)?,
            "layout" => layout = Some(fields.digest()?),
            "files" => files = Some(fields.size()?),
            "bytes" => bytes = Some(fields.size()?),
            _ => fields.skip()?,
        }
        Some(())
    })?;
    Some(Output {
        uid: uid?,
        digest: digest?,
        size: size?,
        directory: contents(layout, files, bytes)?,
    })
}

/// What a directory holds; either all of its fields are there or none.
fn contents(
    layout: Option<Digest>,
    files: Option<u64>,
    bytes: Option<u64>,
) -> Option<Option<Contents>> {
    match (layout, files, bytes) {
        (None, None, None) => Some(None),
        (Some(layout), Some(files), Some(bytes)) => Some(Some(Contents {
            layout,
            files,
            bytes,
        })),
        _ => None,
    }
}

/// The place of an output in what the function returned.
fn place(fields: &mut Fields<'_>) -> Option<()> {
    if fields.at_text() {
        return fields.text().map(drop);
    }
    fields.or_null(Fields::size).map(drop)
}

/// Read the fields about the code; gives the object with its patch.
fn code(fields: &mut Fields<'_>) -> Option<Option<Digest>> {
    let (mut patch, mut found) = (None, 0);
    fields.map(|key, fields| {
        found |= match key {
            "fingerprint" => fields.or_null(Fields::digest).map(|_| 1),
            "source" => fields.or_null(Fields::text).map(|_| 2),
            "run_as" => fields.or_null(Fields::text).map(|_| 4),
            "git" => {
                patch = fields.or_null(git)?.flatten();
                Some(8)
            }
            "parts" => fields.or_null(checks).map(|_| 0),
            _ => fields.skip().map(|()| 0),
        }?;
        Some(())
    })?;
    (found == 15).then_some(patch)
}

fn git(fields: &mut Fields<'_>) -> Option<Option<Digest>> {
    let (mut patch, mut found) = (None, 0);
    fields.map(|key, fields| {
        found |= match key {
            "remote" => fields.or_null(Fields::text).map(|_| 1),
            "commit" => {
                let commit = fields.or_null(Fields::text)?;
                commit.is_none_or(is_commit_hash).then_some(2)
            }
            "path" => fields.or_null(Fields::text).map(|_| 4),
            "line" => {
                let line = fields.or_null(Fields::size)?;
                line.is_none_or(|line| line >= 1).then_some(8)
            }
            "dirty" => fields.bool().map(|_| 16),
            "pushed" => fields.or_null(Fields::bool).map(|_| 32),
            "patch" => {
                patch = fields.or_null(Fields::digest)?;
                Some(64)
            }
            _ => fields.skip().map(|()| 0),
        }?;
        Some(())
    })?;
    (found == 127).then_some(patch)
}

fn is_commit_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64)
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn environment(fields: &mut Fields<'_>) -> Option<()> {
    let mut found = 0;
    fields.map(|key, fields| {
        found |= match key {
            "python" => fields.text().map(|_| 1),
            "platform" => fields.text().map(|_| 2),
            "distributions" => fields.map(|_, fields| fields.text().map(drop)).map(|()| 4),
            _ => fields.skip().map(|()| 0),
        }?;
        Some(())
    })?;
    (found == 7).then_some(())
}

fn noticed(fields: &mut Fields<'_>) -> Option<()> {
    let mut found = 0;
    fields.map(|key, fields| {
        found |= match key {
            "files" => some_checks(fields).map(|()| 1),
            "variables" => some_checks(fields).map(|()| 2),
            _ => fields.skip().map(|()| 0),
        }?;
        Some(())
    })?;
    (found == 3).then_some(())
}

fn checks(fields: &mut Fields<'_>) -> Option<()> {
    fields.map(|_, fields| fields.exactly::<CHECK>().map(drop))
}

/// Checks, of which some may be null.
fn some_checks(fields: &mut Fields<'_>) -> Option<()> {
    fields.map(|_, fields| fields.or_null(Fields::exactly::<CHECK>).map(drop))
}

fn long_text(fields: &mut Fields<'_>) -> Option<()> {
    fields.text().filter(|text| !text.is_empty()).map(drop)
}

fn duration(fields: &mut Fields<'_>) -> Option<()> {
    let seconds = fields.float()?;
    (seconds.is_finite() && seconds >= 0.0).then_some(())
}
