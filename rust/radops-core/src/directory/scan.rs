//! Everything in a folder that is to become a directory: names, kinds and stats, in order.

use super::error::Result;
use super::node::{Item, Node};
use super::refusal::{Reason, Refusal};
use super::walk::walk;
use crate::progress::Call;
use crate::sys::Stat;
use std::path::{Path, PathBuf};

/// What a scan takes and what it leaves out.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Patterns in gitignore syntax of what is left out.
    pub exclude: Vec<String>,
    /// Apply neither built-in rules nor those in the folder.
    pub no_ignore: bool,
    /// Take what links point to that a directory cannot hold.
    pub follow_links: bool,
    /// Keep whether a file can be executed.
    pub executables: bool,
}

/// Totals of a scan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Entries that the directory will have.
    pub entries: u64,
    /// How many of them are files.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
    /// Files that rules left out.
    pub left_out: u64,
    /// Rules that left something out.
    pub rules: u64,
}

/// Everything in a folder that is to become a directory.
pub struct Scan {
    pub(super) top: PathBuf,
    pub(super) nodes: Vec<Node>,
    totals: Totals,
    lake_files: Vec<String>,
}

impl Scan {
    /// Walk through a folder.
    ///
    /// # Errors
    ///
    /// It is no folder or cannot be read, a pattern cannot be used, something in it cannot be in
    /// a directory (all of it is found), or the call was stopped.
    pub fn new(top: &Path, options: &Options, call: &mut Call<'_>) -> Result<Self> {
        let found = walk(top, options, call)?;
        let mut scan = Self {
            top: top.to_owned(),
            nodes: found.nodes,
            totals: Totals::default(),
            lake_files: found.lake_files,
        };
        scan.sort_empty_folders();
        scan.totals = scan.count();
        (scan.totals.left_out, scan.totals.rules) = (found.left_out, found.rules);
        Ok(scan)
    }

    /// What was found.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Paths that may belong to a lake, in no order: files whose names are those of a lake's own,
    /// and links that were followed. The caller finds out which do.
    pub fn lake_files(&self) -> &[String] {
        &self.lake_files
    }

    /// Items were sorted before it was known which folders are empty.
    fn sort_empty_folders(&mut self) {
        let empty: Vec<_> = self
            .nodes
            .iter()
            .map(|node| node.items.is_empty())
            .collect();
        let has_entries = |item: &Item| item.is_folder() && !empty[item.size as usize];
        for node in &mut self.nodes {
            let is_empty = |item: &Item| item.is_folder() && !has_entries(item);
            if node.items.iter().any(is_empty) {
                node.sort(has_entries);
            }
        }
    }

    fn count(&self) -> Totals {
        let mut totals = Totals::default();
        for (node, index) in self.leaves() {
            let item = self.nodes[node as usize].item(index);
            totals.entries += 1;
            if item.kind().is_file() {
                totals.files += 1;
                totals.bytes += item.size;
            }
        }
        totals
    }

    /// All entries in the order of their paths, as the numbers of node and item.
    pub(super) fn leaves(&self) -> Leaves<'_> {
        let stack = vec![(0, 0)];
        Leaves { scan: self, stack }
    }

    /// Where a file is, by its path relative to the top.
    pub(super) fn path_of(&self, path: &str) -> PathBuf {
        self.top.join(path)
    }

    /// Where a node's folder is.
    pub(super) fn folder(&self, node: u32) -> PathBuf {
        self.top.join(&*self.nodes[node as usize].path)
    }

    /// Folders whose entries changed since they were listed.
    pub(super) fn changed_folders(&self, refusal: &mut Refusal) {
        for (node, found) in (0..).zip(&self.nodes) {
            let now = std::fs::metadata(self.folder(node));
            let same = now.is_ok_and(|meta| Stat::new(&meta) == found.stat);
            if !same {
                let path = if found.path.is_empty() {
                    "."
                } else {
                    &found.path
                };
                refusal.add(Reason::Changed, path);
            }
        }
    }
}

/// Goes through entries in the order of their paths.
pub(super) struct Leaves<'s> {
    scan: &'s Scan,
    /// Nodes, each with the next item.
    stack: Vec<(u32, u32)>,
}

impl Iterator for Leaves<'_> {
    type Item = (u32, u32);

    fn next(&mut self) -> Option<(u32, u32)> {
        loop {
            let (node, index) = self.stack.last_mut()?;
            let items = &self.scan.nodes[*node as usize].items;
            let Some(item) = items.get(*index as usize) else {
                self.stack.pop();
                continue;
            };
            let found = (*node, *index);
            *index += 1;
            if item.is_folder() && !self.scan.nodes[item.size as usize].items.is_empty() {
                self.stack.push((item.size as u32, 0));
                continue;
            }
            return Some(found);
        }
    }
}
