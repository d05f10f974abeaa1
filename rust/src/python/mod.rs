//! The Python face: conversions, the interpreter lock and signals. No logic.

mod buffer;
mod calls;
mod errors;
mod files;
mod stored;
mod sweep;
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
    #[pymodule_export]
    use super::errors::FileChangedError;
    #[pymodule_export]
    use super::files::{finish_files, place_files, stat_files, write_files};
    #[pymodule_export]
    use super::stored::scan_cbor;
    #[pymodule_export]
    use super::sweep::{PlainRecords, Sweep};
    #[pymodule_export]
    use super::types::{Check, FileHash, Hasher, Progress};

    #[pymodule_export]
    const BLOCK_SIZE: u64 = crate::outline::BLOCK_SIZE;
}
