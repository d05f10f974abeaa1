//! Directories as Python sees them. Each file has the name of its module in
//! [`radops_core::directory`].

mod add;
mod diff;
mod gather;
mod packs;
mod partial;
mod reader;
mod scan;
mod stream;
pub(crate) mod values;
mod whole;

pub use add::AddedTree;
pub use diff::{diff_trees, missing_to_diff_trees};
pub use gather::{file_spans, join_files};
pub use packs::{pack_files, remake_pack};
pub use reader::TreeReader;
pub use scan::FolderScan;
pub use stream::{IgnoreRules, TreeStream};
