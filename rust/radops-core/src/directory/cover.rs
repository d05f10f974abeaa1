//! Which paths of an earlier directory give way to a folder, as a path cannot be a file and a folder.

use super::error::Result;
use super::reader::Directory;
use crate::tree::Kind;

/// What a folder holds, as far as paths of an earlier directory give way to it.
pub(super) struct Cover<'o> {
    over: &'o Directory,
    /// The folder of the last path that was asked about, and whether the new directory has a file
    /// there or above: the entries of a folder follow each other.
    parent: String,
    is_file: bool,
}

impl<'o> Cover<'o> {
    pub fn new(over: &'o Directory) -> Self {
        Self {
            over,
            parent: String::new(),
            is_file: false,
        }
    }

    /// Whether the folder has a file above this path, or anything below it. An empty folder above it
    /// is filled by what is kept. `next` is the first of its paths that sorts after this one.
    ///
    /// # Errors
    ///
    /// A page of what the folder holds is not here, damaged, or not what it should be.
    pub fn replaces(&mut self, path: &str, next: Option<&str>) -> Result<bool> {
        let parent = path.rfind('/').map_or("", |slash| &path[..slash]);
        if parent != self.parent {
            self.is_file = self.has_file(parent)?;
            self.parent.clear();
            self.parent.push_str(parent);
        }
        // What is below sorts after the path and begins with it, as everything up to there does.
        if self.is_file || !next.is_some_and(|next| next.starts_with(path)) {
            return Ok(self.is_file);
        }
        let mut below = false;
        self.over.each(&format!("{path}/"), "", |_, _, _| {
            below = true;
            false
        })?;
        Ok(below)
    }

    /// Whether a file or a link has this path or that of a folder above it.
    fn has_file(&self, folder: &str) -> Result<bool> {
        let above = folder.match_indices('/').map(|(slash, _)| slash);
        for end in above.chain([folder.len()]) {
            let found = if end > 0 {
                self.over.find(&folder[..end])?
            } else {
                None
            };
            if found.is_some_and(|(entry, ..)| entry.kind != Kind::Folder) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
