"""The only door to the Rust extension, so that the layers above can be checked by a linter."""

from __future__ import annotations

from radops._core import (
    BLOCK_SIZE,
    Check,
    FileChangedError,
    FileHash,
    Hasher,
    Progress,
    bad_blocks,
    block_values,
    check_files,
    copy_file,
    copy_files,
    hash_bytes,
    hash_file,
    hash_files,
    merge_outline,
    reflink,
    rename_noreplace,
    sync_filesystem,
)

__all__ = [
    "BLOCK_SIZE",
    "Check",
    "FileChangedError",
    "FileHash",
    "Hasher",
    "Progress",
    "bad_blocks",
    "block_values",
    "check_files",
    "copy_file",
    "copy_files",
    "hash_bytes",
    "hash_file",
    "hash_files",
    "merge_outline",
    "reflink",
    "rename_noreplace",
    "sync_filesystem",
]
