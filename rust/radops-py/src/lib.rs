//! The extension module `radops._core`: conversions, the interpreter lock and signals. No logic.

#![deny(unsafe_code)]

mod buffer;
mod calls;
#[cfg(unix)]
mod directory;
#[cfg(unix)]
mod directory_error;
mod errors;
mod files;
mod records;
mod s3;
mod stored;
mod sweep;
#[cfg(unix)]
mod tree;
mod types;

use pyo3::pymodule;

/// Types and functions of the Rust extension. Only `radops.native` imports it.
#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use super::calls::{
        bad_blocks, block_values, check_files, copy_file, copy_files, hash_bytes, hash_file,
        hash_files, merge_outline, reflink, rename_noreplace, sync_filesystem,
    };
    #[cfg(unix)]
    #[pymodule_export]
    use super::directory::{
        AddedTree, FolderScan, IgnoreRules, TreeReader, TreeStream, diff_trees, file_spans,
        join_files, missing_to_diff_trees, pack_files, remake_pack,
    };
    #[pymodule_export]
    use super::errors::{
        BadSliceError, DamagedObjectError, FileChangedError, FolderRefusedError,
        MissingObjectsError, NewerTreeError, TreeFormatError,
    };
    #[pymodule_export]
    use super::files::{
        finish_files, open_folder_beneath, place_files, remove_files, stat_files, write_files,
    };
    #[pymodule_export]
    use super::records::{DecodedSlot, decode_slots};
    #[pymodule_export]
    use super::s3::{S3Client, S3Error, S3Pages, S3Reader, S3Upload};
    #[pymodule_export]
    use super::stored::scan_cbor;
    #[pymodule_export]
    use super::sweep::{FileRows, Sweep};
    #[cfg(unix)]
    #[pymodule_export]
    use super::tree::{
        decode_layout, decode_layout_page, decode_pack, decode_page, decode_root, decode_sources,
    };
    #[pymodule_export]
    use super::types::{Check, FileHash, Hasher, Progress};

    #[pymodule_export]
    const BLOCK_SIZE: u64 = radops_core::outline::BLOCK_SIZE;
}
