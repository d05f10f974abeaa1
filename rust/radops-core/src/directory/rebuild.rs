//! Makes a layout again from the trailers of packs.

use super::base::Base;
use super::contents::Contents;
use super::error::{Error, Result};
use super::reader::Directory;
use super::staging::{Staged, Staging};
use crate::tree::{Object, Tree, TreeBuilder, is_packed};
use std::path::Path;

/// A layout that was made again.
#[derive(Debug)]
pub struct Rebuilt {
    /// The directory, with its new layout; `None` if files are lost.
    pub tree: Option<Tree>,
    /// New files, in the order of a commit.
    pub staged: Vec<Staged>,
    /// How many files are in none of the packs.
    pub lost: u64,
    /// The first of their paths.
    pub names: Vec<String>,
}

/// Make a layout of a directory whose files are in these packs; of several that hold a file, the
/// one with the lowest digest is named.
///
/// # Errors
///
/// A page is not here or damaged, or the disk is full.
pub fn rebuild(directory: &Directory, packs: &[Object], stem: &Path) -> Result<Rebuilt> {
    let mut contents = Contents::default();
    let base = Base::load(directory.store(), packs, &mut contents)?;
    let staging = Staging::new(stem);
    let mut sink = &staging;
    let mut builder = TreeBuilder::new(&mut sink);
    let (mut lost, mut names) = (0, Vec::new());
    let mut failure = None;
    directory.each("", "", |entry, _, _| {
        let place = contents
            .find(&entry.digest)
            .and_then(|row| contents.place(row));
        let wanted = entry.kind.is_file() && is_packed(entry.size);
        let place = place.filter(|_| wanted);
        if wanted && place.is_none() {
            lost += 1;
            if names.len() < 10 {
                names.push(entry.path.to_owned());
            }
        }
        let place = place.map(|(number, offset)| (base.object(number), offset));
        if lost == 0 {
            failure = builder.push(entry, place).err();
        }
        failure.is_none()
    })?;
    if let Some(error) = failure {
        return Err(error);
    }
    if lost > 0 {
        return Ok(Rebuilt {
            tree: None,
            staged: Vec::new(),
            lost,
            names,
        });
    }
    let tree = builder.finish()?;
    if tree.root != directory.object() {
        return Err(Error::Damaged(directory.object()));
    }
    let staged = staging.take();
    Ok(Rebuilt {
        tree: Some(tree),
        staged,
        lost,
        names,
    })
}
