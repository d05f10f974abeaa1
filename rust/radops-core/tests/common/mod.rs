//! What the tests share.

#![allow(dead_code)]

use radops_core::outline::BLOCK_SIZE;
use radops_core::progress::{Call, Progress};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

pub const MIB: usize = BLOCK_SIZE as usize;

/// Bytes as in BLAKE3's own test vectors: 251 is the largest prime below 256, so that no power of
/// two repeats.
pub fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|index| (index % 251) as u8).collect()
}

/// Sizes around the borders of chunks, pieces, blocks, and of what one thread takes at once.
pub fn border_sizes() -> Vec<usize> {
    let borders = [
        0,
        1 << 10,
        256 << 10,
        MIB,
        2 * MIB,
        3 * MIB,
        4 * MIB,
        8 * MIB,
        9 * MIB,
    ];
    let mut sizes: Vec<usize> = borders
        .iter()
        .flat_map(|border| [border.saturating_sub(1), *border, border + 1])
        .collect();
    sizes.dedup();
    sizes
}

/// The digest by the plain interface of the crate, in one piece.
pub fn digest(data: &[u8]) -> [u8; 32] {
    *blake3::hash(data).as_bytes()
}

/// Run `work` without interrupting it.
pub fn call<T>(threads: usize, work: impl FnOnce(&mut Call<'_>) -> T) -> T {
    work(&mut Call {
        threads,
        progress: &Progress::default(),
        interrupted: &mut || false,
    })
}

/// A folder that goes when dropped.
pub struct Folder(pub TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn file(&self, name: &str, data: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, data).unwrap();
        path
    }

    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}
