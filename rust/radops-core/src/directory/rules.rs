//! Which files of a folder are left out.

use super::error::{Error, Result};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;

/// The file at the top of a folder with rules of its own.
const IGNORE_FILE: &str = ".radopsignore";

/// What a checkout writes at its top. Never part of a directory.
pub const CHECKOUT_FILE: &str = ".radops-checkout";

/// What operating systems and tools leave behind, and a checkout that was killed.
const JUNK: [&str; 7] = [
    ".DS_Store",
    "._*",
    "Thumbs.db",
    "desktop.ini",
    ".nfs*",
    ".ipynb_checkpoints/",
    ".radops-unfinished-*",
];

/// Decides what is left out: built-in rules, those of the folder, and those of the call, of which
/// the last that matches counts, as in git.
pub struct Rules {
    matcher: Gitignore,
    /// Rules that left something out, by their position in memory.
    used: Mutex<HashSet<usize>>,
}

impl Rules {
    /// The rules for the folder `top`; with `no_ignore` only those of the call.
    ///
    /// # Errors
    ///
    /// A pattern cannot be used, or the folder's rules cannot be read.
    pub fn new(top: &Path, exclude: &[String], no_ignore: bool) -> Result<Self> {
        let path = top.join(IGNORE_FILE);
        let text = match fs::read_to_string(&path) {
            _ if no_ignore => String::new(),
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(crate::error::Error::io(&path, error).into()),
        };
        Self::with_text(&text, exclude, no_ignore)
    }

    /// The rules where `.radopsignore` holds this text.
    ///
    /// # Errors
    ///
    /// A pattern cannot be used.
    pub fn with_text(text: &str, exclude: &[String], no_ignore: bool) -> Result<Self> {
        let mut builder = GitignoreBuilder::new("");
        let mut add = |from: &str, number: usize, line: &str| {
            builder.add_line(None, line).map(drop).map_err(|error| {
                Error::Pattern(format!("{from}, pattern {number}: {line:?}: {error}"))
            })
        };
        if !no_ignore {
            for (number, line) in JUNK.iter().enumerate() {
                add("built in", number, line)?;
            }
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            for (number, line) in text.lines().enumerate() {
                add(IGNORE_FILE, number + 1, line)?;
            }
        }
        for (number, line) in exclude.iter().enumerate() {
            add("exclude", number + 1, line)?;
        }
        let matcher = builder
            .build()
            .map_err(|error| Error::Pattern(error.to_string()))?;
        let used = Mutex::default();
        Ok(Self { matcher, used })
    }

    /// Whether this path, relative to the top, is left out.
    pub fn leave_out(&self, path: &str, folder: bool) -> bool {
        match self.matcher.matched(path, folder) {
            Match::Ignore(rule) => {
                let rule = std::ptr::from_ref(rule) as usize;
                let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
                used.insert(rule);
                true
            }
            Match::None | Match::Whitelist(_) => false,
        }
    }

    /// How many rules left something out.
    pub fn used(&self) -> usize {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.len()
    }
}
