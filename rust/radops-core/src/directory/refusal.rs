//! Everything in a folder that a directory cannot hold, grouped by reason.

use std::collections::{BTreeMap, BTreeSet};

/// How many names are kept for each reason.
const MOST_NAMES: usize = 10;

/// Why a file is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It changed, vanished or appeared while the folder was read.
    Changed,
    /// It cannot be read.
    Unreadable,
    /// A socket, FIFO or device.
    Special,
    /// A name that is not UTF-8.
    NotUtf8,
    /// A path of more than 1,024 bytes.
    TooLong,
    /// A link that may lead out of the folder.
    Outside,
    /// A link to nothing, or to a folder that it is in, where links are to be followed.
    Dangling,
    /// A `.git` that no rule leaves out.
    Git,
}

impl Reason {
    /// A word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Unreadable => "unreadable",
            Self::Special => "special",
            Self::NotUtf8 => "not-utf8",
            Self::TooLong => "too-long",
            Self::Outside => "outside",
            Self::Dangling => "dangling",
            Self::Git => "git",
        }
    }
}

/// The files of one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// How many there are.
    pub count: u64,
    /// The first of their paths, in order.
    pub names: BTreeSet<String>,
}

/// All files that are refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// By reason.
    pub groups: BTreeMap<Reason, Group>,
}

impl Refusal {
    /// Add a file.
    pub fn add(&mut self, reason: Reason, path: impl Into<String>) {
        let group = self.groups.entry(reason).or_default();
        group.count += 1;
        group.names.insert(path.into());
        if group.names.len() > MOST_NAMES {
            group.names.pop_last();
        }
    }

    /// Whether nothing is refused.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}
