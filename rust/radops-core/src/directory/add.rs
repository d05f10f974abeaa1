//! Makes a directory of a folder: packs, large files, pages, root and layout as finished files, to
//! be moved into a home together.

use super::base::Base;
use super::contents::{Contents, NO_ROW, Row};
use super::crew::Poll;
use super::error::{Error, Result};
use super::ingest::{self, Aim, Known};
use super::node::Item;
use super::pack::Filler;
use super::refusal::{Reason, Refusal};
use super::scan::Scan;
use super::staging::{Staged, Staging};
use super::stats::{Stats, StatsWriter, now_ns};
use super::store::Store;
use crate::copy::copy_files;
use crate::error::Error as FileError;
use crate::hash::FileHash;
use crate::progress::Call;
use crate::tree::{Entry, Kind, MAX_PACKED, Object, Tree, TreeBuilder, is_packed};
use std::collections::HashMap;
use std::path::PathBuf;

/// Where things are and what may be used again.
#[derive(Debug, Clone)]
pub struct AddOptions {
    /// The home.
    pub home: PathBuf,
    /// What the names of temporary files begin with.
    pub stem: PathBuf,
    /// Sources of earlier directories, whose packs may be used again.
    pub base: Vec<Object>,
    /// Stats of the folder's files when it was last added, if there are any.
    pub stats: Option<PathBuf>,
}

/// A directory that is ready to be moved into a home.
#[derive(Debug)]
pub struct Added {
    /// The directory.
    pub tree: Tree,
    /// New files, in the order of a commit.
    pub staged: Vec<Staged>,
    /// Objects in the home that the directory uses: packs of the base, and large files that were
    /// not read again.
    pub reused: Vec<Object>,
    /// Stats of the files, to be kept for the next time.
    pub stats: Vec<u8>,
    /// Files that were read.
    pub read: u64,
}

/// Make a directory of what a scan found.
///
/// # Errors
///
/// Files changed since the scan or cannot be read (all of them are found), the disk is full, or the
/// call was stopped. Then no temporary file is left.
pub fn add(scan: &Scan, options: &AddOptions, call: &mut Call<'_>) -> Result<Added> {
    let began = now_ns();
    let store = Store::new(&options.home);
    let staging = Staging::new(&options.stem);
    let mut refusal = Refusal::default();
    let mut contents = Contents::default();
    let mut base = Base::load(&store, &options.base, &mut contents)?;
    let mut rows = vec![NO_ROW; scan.totals().files as usize];
    if let Some(stats) = options.stats.as_deref().and_then(Stats::read) {
        stats.apply(scan, &store, &mut contents, &mut rows, call)?;
    }
    let known_before = rows.iter().filter(|row| **row != NO_ROW).count() as u64;
    let mut reused = large_files(scan, &staging, &mut contents, &mut rows, &mut refusal, call)?;
    let mut known = Known {
        contents,
        rows,
        filler: Filler::new(Vec::new()),
    };
    if base.len() > 0 {
        known = ingest::read(scan, Aim::Hash, known, &staging, &mut refusal, call)?;
        refuse(&refusal)?;
        base.choose(&live_sizes(scan, &known), &mut known.contents);
        let packs = (0..base.len() as u32).map(|number| base.object(number));
        known.filler = Filler::new(packs.collect());
    }
    known = ingest::read(scan, Aim::Pack, known, &staging, &mut refusal, call)?;
    scan.changed_folders(&mut refusal);
    refuse(&refusal)?;
    let (tree, packs, stats) = name(scan, &known, &staging, began, call)?;
    let fresh = |object: &Object| !packs.contains_key(object);
    reused.retain(fresh);
    let used = packs
        .into_iter()
        .filter(|(_, number)| (*number as usize) < base.len());
    reused.extend(used.map(|(pack, _)| pack));
    reused.sort_unstable();
    reused.dedup();
    Ok(Added {
        tree,
        staged: staging.take(),
        reused,
        stats: stats.finish(&tree.root),
        read: scan.totals().files - known_before,
    })
}

/// The bytes of each content that belongs in a pack; 0 of those that the scan does not have.
fn live_sizes(scan: &Scan, known: &Known) -> Vec<u32> {
    let mut live = vec![0; known.contents.len()];
    let items = scan.leaves();
    let items = items.map(|(node, index)| scan.nodes[node as usize].item(index));
    let files = items.filter(|item| item.kind().is_file());
    for (item, row) in files.zip(&known.rows) {
        if is_packed(item.size) && *row != NO_ROW {
            live[*row as usize] = item.size as u32;
        }
    }
    live
}

fn refuse(refusal: &Refusal) -> Result<()> {
    if refusal.is_empty() {
        return Ok(());
    }
    Err(Error::Refused(refusal.clone()))
}

/// Copy the large files that are not known. Gives those that are known, and so are in the home.
fn large_files(
    scan: &Scan,
    staging: &Staging,
    contents: &mut Contents,
    rows: &mut [Row],
    refusal: &mut Refusal,
    call: &mut Call<'_>,
) -> Result<Vec<Object>> {
    let mut here = Vec::new();
    let mut wanted: Vec<(usize, Item, String)> = Vec::new();
    let mut ordinal = 0;
    for (node, index) in scan.leaves() {
        let node = &scan.nodes[node as usize];
        let item = node.item(index);
        if !item.kind().is_file() {
            continue;
        }
        if item.size > MAX_PACKED {
            match rows[ordinal] {
                NO_ROW => {
                    let mut path = String::new();
                    node.write_path(item, &mut path);
                    wanted.push((ordinal, *item, path));
                }
                row => here.push(Object {
                    digest: *contents.digest(row),
                    size: item.size,
                }),
            }
        }
        ordinal += 1;
    }
    let pairs: Vec<_> = wanted
        .iter()
        .map(|(_, _, path)| (scan.top.join(path), staging.temporary()))
        .collect();
    let answers = copy_files(&pairs, 0o444, call)?;
    for (((ordinal, item, path), (_, target)), answer) in wanted.into_iter().zip(pairs).zip(answers)
    {
        match answer {
            Ok(hash) => {
                let object = Object {
                    digest: hash.digest,
                    size: item.size,
                };
                rows[ordinal] = contents.insert(&hash.digest).0;
                let same = is_unchanged(scan, &path, &item, &hash);
                staging.keep_copy(target, object, hash.outline);
                if !same {
                    refusal.add(Reason::Changed, path);
                }
            }
            Err(FileError::Cancelled) => return Err(FileError::Cancelled.into()),
            Err(error) if error.is_about(&target) => return Err(error.into()),
            Err(FileError::Changed { .. }) => refusal.add(Reason::Changed, path),
            Err(error) if error.is_absent() => refusal.add(Reason::Changed, path),
            Err(_) => refusal.add(Reason::Unreadable, path),
        }
    }
    Ok(here)
}

/// Whether a large file that was copied is still what the scan saw. The copy has a stat of its own,
/// so the file is looked at again.
fn is_unchanged(scan: &Scan, path: &str, item: &Item, hash: &FileHash) -> bool {
    let path = scan.top.join(path);
    let now = std::fs::metadata(&path);
    let same = now.is_ok_and(|meta| item.is_same(&crate::sys::Stat::new(&meta)));
    same && hash.stat.size == item.size
}

/// Packs in use, by object, with their numbers.
type Packs = HashMap<Object, u32>;

/// Write pages, root and layout.
fn name(
    scan: &Scan,
    known: &Known,
    staging: &Staging,
    began: i128,
    call: &mut Call<'_>,
) -> Result<(Tree, Packs, StatsWriter)> {
    let mut sink = staging;
    let mut builder = TreeBuilder::new(&mut sink);
    let mut stats = StatsWriter::new(began);
    let mut packs = Packs::new();
    let mut path = String::new();
    let empty = *blake3::hash(b"").as_bytes();
    let mut ordinal = 0;
    let mut poll = Poll::new();
    for (node, index) in scan.leaves() {
        poll.step(call)?;
        let node = &scan.nodes[node as usize];
        let item = node.item(index);
        node.write_path(item, &mut path);
        stats.push(item);
        let kind = item.kind();
        let (entry, place) = match kind {
            Kind::Link => (Entry::link(&path, node.target(item)), None),
            Kind::Folder => (Entry::folder(&path), None),
            Kind::File | Kind::Executable => {
                let row = known.rows[ordinal];
                ordinal += 1;
                let digest = match item.size {
                    0 => empty,
                    _ => *known.contents.digest(row),
                };
                let place = is_packed(item.size)
                    .then(|| {
                        let (number, offset) = known.contents.place(row)?;
                        let pack = known.filler.object(number)?;
                        packs.entry(pack).or_insert(number);
                        Some((pack, offset))
                    })
                    .flatten();
                let entry = Entry {
                    path: &path,
                    kind,
                    size: item.size,
                    digest,
                    target: "",
                };
                (entry, place)
            }
        };
        builder.push(&entry, place)?;
    }
    let tree = builder.finish()?;
    Ok((tree, packs, stats))
}
