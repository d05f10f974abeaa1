//! Makes directories of folders and folders of directories, and reads them.
//!
//! Everything works on raw bytes and in bounded memory; the formats are those of [`crate::tree`].

mod add;
mod base;
mod check;
mod contents;
mod cover;
mod crew;
mod diff;
mod error;
mod gather;
mod glob;
mod hits;
mod ingest;
mod name_folder;
mod node;
mod numbered;
mod pack;
mod pages;
mod partial;
mod prove;
mod reader;
mod rebuild;
mod refusal;
mod remake;
mod rules;
mod scan;
mod slices;
mod staging;
mod stats;
mod store;
mod stream;
mod summary;
mod update;
#[cfg(test)]
mod versions;
mod walk;
mod write;
mod written_folders;

pub use add::{AddOptions, Added, add};
pub use diff::{Change, Diff, diff, each_change, missing_to_diff};
pub use error::{Error, Result};
pub use gather::{Files, Joined, Span};
pub use glob::Patterns;
pub use hits::{Damage, Hit, hits};
pub use name_folder::name_folder;
pub use numbered::{NO_PACK, Stretch};
pub use partial::{Lacking, Placed, lacking, needed, placed};
pub use prove::{Misplaced, prove};
pub use reader::{Directory, OwnedEntry};
pub use rebuild::{Rebuilt, rebuild};
pub use refusal::{Group, Reason, Refusal};
pub use remake::{Sources, listed, remake, used};
pub use rules::{CHECKOUT_FILE, Rules};
pub use scan::{Options, Scan, Totals};
pub use staging::Staged;
pub use store::Store;
pub use stream::{KnownPack, Stream, Taken};
pub use summary::{Count, Summary, summarize};
pub use update::{Replaced, UpdateOptions, update};
pub use write::{WriteOptions, Written, write};
