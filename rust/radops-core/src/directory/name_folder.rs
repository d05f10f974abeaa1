//! Names what a folder would become, without storing it, to compare it with a directory.

use super::contents::{Contents, NO_ROW, Row};
use super::crew::Poll;
use super::error::{Error, Result};
use super::ingest::{self, Aim, Known};
use super::pack::Filler;
use super::refusal::{Reason, Refusal};
use super::scan::Scan;
use super::staging::Staging;
use super::stats::Stats;
use super::store::Store;
use crate::error::Error as FileError;
use crate::hash::hash_files;
use crate::progress::Call;
use crate::tree::{Entry, Kind, MAX_PACKED, Object, Part, Sink, TreeBuilder, is_packed};
use std::fs;
use std::path::{Path, PathBuf};

/// Read the files of a scan whose digests are not known by their stats, and write root and pages of
/// the directory that they would become below the folder `target`, which [`Store::new`] opens.
/// Gives the root.
///
/// # Errors
///
/// Files changed since the scan or cannot be read (all of them are found), the disk is full, or the
/// call was stopped.
pub fn name_folder(
    scan: &Scan,
    home: &Path,
    target: &Path,
    stats: Option<&Path>,
    call: &mut Call<'_>,
) -> Result<Object> {
    let staging = Staging::new(&target.join("file"));
    let mut refusal = Refusal::default();
    let mut contents = Contents::default();
    let mut rows = vec![NO_ROW; scan.totals().files as usize];
    if let Some(stats) = stats.and_then(Stats::read) {
        stats.apply_digests(scan, &Store::new(home), &mut contents, &mut rows, call)?;
    }
    large_files(scan, &mut contents, &mut rows, &mut refusal, call)?;
    let known = Known {
        contents,
        rows,
        filler: Filler::new(Vec::new()),
    };
    let known = ingest::read(scan, Aim::Hash, known, &staging, &mut refusal, call)?;
    scan.changed_folders(&mut refusal);
    if !refusal.is_empty() {
        return Err(Error::Refused(refusal));
    }
    write(scan, &known, target, call)
}

/// Hash the large files that are not known.
fn large_files(
    scan: &Scan,
    contents: &mut Contents,
    rows: &mut [Row],
    refusal: &mut Refusal,
    call: &mut Call<'_>,
) -> Result<()> {
    let mut wanted = Vec::new();
    let mut ordinal = 0;
    for (node, index) in scan.leaves() {
        let node = &scan.nodes[node as usize];
        let item = node.item(index);
        if !item.kind().is_file() {
            continue;
        }
        if item.size > MAX_PACKED && rows[ordinal] == NO_ROW {
            let mut path = String::new();
            node.write_path(item, &mut path);
            wanted.push((ordinal, *item, path));
        }
        ordinal += 1;
    }
    let paths: Vec<_> = wanted
        .iter()
        .map(|(_, _, path)| scan.path_of(path))
        .collect();
    for ((ordinal, item, path), answer) in wanted.into_iter().zip(hash_files(&paths, call)?) {
        match answer {
            Ok(hash) if item.is_same(&hash.stat) => {
                rows[ordinal] = contents.insert(&hash.digest).0;
            }
            Err(FileError::Cancelled) => return Err(FileError::Cancelled.into()),
            Ok(_) | Err(FileError::Changed { .. }) => refusal.add(Reason::Changed, path),
            Err(error) if error.is_absent() => refusal.add(Reason::Changed, path),
            Err(_) => refusal.add(Reason::Unreadable, path),
        }
    }
    Ok(())
}

fn write(scan: &Scan, known: &Known, target: &Path, call: &mut Call<'_>) -> Result<Object> {
    let mut pages = Pages(target.join("objects"));
    let mut builder = TreeBuilder::new(&mut pages);
    // The layout is not written, so no place means anything.
    let nowhere = Object {
        digest: [0; 32],
        size: 0,
    };
    let empty = *blake3::hash(b"").as_bytes();
    let (mut path, mut ordinal, mut poll) = (String::new(), 0, Poll::new());
    for (node, index) in scan.leaves() {
        poll.step(call)?;
        let node = &scan.nodes[node as usize];
        let item = node.item(index);
        node.write_path(item, &mut path);
        let kind = item.kind();
        let entry = match kind {
            Kind::Link => Entry::link(&path, node.target(item)),
            Kind::Folder => Entry::folder(&path),
            Kind::File | Kind::Executable => {
                let row = known.rows[ordinal];
                ordinal += 1;
                let digest = match item.size {
                    0 => empty,
                    _ => *known.contents.digest(row),
                };
                Entry {
                    path: &path,
                    kind,
                    size: item.size,
                    digest,
                    target: "",
                }
            }
        };
        let packed = kind.is_file() && is_packed(item.size);
        builder.push(&entry, packed.then_some((nowhere, 0)))?;
    }
    Ok(builder.finish()?.root)
}

/// Writes root and pages as a store has them.
struct Pages(PathBuf);

impl Sink for Pages {
    type Error = Error;

    fn put(&mut self, part: Part, object: Object, bytes: Vec<u8>) -> Result<()> {
        if !matches!(part, Part::Page | Part::Root) {
            return Ok(());
        }
        let path = self
            .0
            .join(crate::object_name::ObjectName::new(&object.digest).path());
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, &bytes));
        written.map_err(|error| FileError::io(&path, error).into())
    }
}
