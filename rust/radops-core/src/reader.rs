//! Reads the bytes of an open file, once, through a buffer of bounded size: hashes them, and passes
//! them on where they are to be copied.

use crate::error::Error;
use crate::outline::{
    BLOCK_SIZE, Digest, VALUE_SIZE, block_count, block_hasher, block_length, merge_outline,
};
use crate::progress::Progress;
use crate::sys;
use blake3::Hasher;
use blake3::hazmat::HasherExt;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// How much of a file of one block is read at once: a new buffer costs a page fault for each 4 KiB.
///
/// Larger files are read by whole blocks: several threads that read smaller pieces of a file that
/// is not in memory defeat the kernel's read-ahead, which is then two to three times slower.
const PIECE: usize = 256 << 10;

/// How much is written at once. The kernel makes the pages of a new file as large as the write,
/// and 1 MiB of memory in one piece is hard to come by: such writes took four times as long.
const WRITE: usize = 128 << 10;

/// An open file whose bytes are to be read once.
pub(crate) struct Source<'a> {
    pub path: &'a Path,
    pub file: &'a File,
    /// How many bytes to read; fewer to be had means the file changed.
    pub size: u64,
    /// Where to write what was read.
    pub sink: Option<(&'a File, &'a Path)>,
    /// Give chaining values even if there is only one block, and no digest.
    pub values_only: bool,
}

/// What reading a file gave.
pub(crate) struct Hashed {
    pub digest: Digest,
    pub outline: Vec<u8>,
}

impl Hashed {
    /// From the values of all blocks.
    pub fn from_values(source: &Source<'_>, outline: Vec<u8>) -> Self {
        let digest = if source.values_only {
            Digest::default()
        } else {
            merge_outline(&outline, source.size).unwrap_or_default()
        };
        Self { digest, outline }
    }
}

/// Stops readers and counts what they have read.
pub(crate) struct Control<'a> {
    stop: AtomicBool,
    progress: &'a Progress,
}

impl<'a> Control<'a> {
    pub fn new(progress: &'a Progress) -> Self {
        let stop = AtomicBool::new(false);
        Self { stop, progress }
    }

    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.progress.is_cancelled()
    }

    #[cfg(unix)]
    pub fn add_bytes(&self, bytes: u64) {
        self.progress.add_bytes(bytes);
    }

    pub fn file_done(&self) {
        self.progress.add_file();
    }
}

/// One thread's buffer, grown to what its files need and at most a block.
pub(crate) struct Reader<'a> {
    buffer: Vec<u8>,
    control: &'a Control<'a>,
}

impl<'a> Reader<'a> {
    pub fn new(control: &'a Control<'a>) -> Self {
        let buffer = Vec::new();
        Self { buffer, control }
    }

    /// Read and hash all of a file on this thread.
    pub fn read(&mut self, source: &Source<'_>) -> Result<Hashed, Error> {
        if block_count(source.size) == 1 && !source.values_only {
            let digest = self.read_one_block(source)?;
            let outline = Vec::new();
            return Ok(Hashed { digest, outline });
        }
        let blocks = source.size.div_ceil(BLOCK_SIZE);
        let outline = self.read_blocks(source, 0, blocks)?;
        Ok(Hashed::from_values(source, outline))
    }

    fn read_one_block(&mut self, source: &Source<'_>) -> Result<Digest, Error> {
        let size = source.size as usize;
        if size >= PIECE {
            let mut hasher = Hasher::new();
            self.read_range(source, 0..source.size, PIECE, &mut hasher)?;
            return Ok(*hasher.finalize().as_bytes());
        }
        self.grow(size + 1);
        // Room for one byte more than there should be: growth is seen without a read of its own.
        let room = &mut self.buffer[..=size];
        if sys::read_at(source.file, room, 0, size).map_err(|e| Error::io(source.path, e))? != size
        {
            return Err(Error::changed(source.path));
        }
        let bytes = &self.buffer[..size];
        pass_on(self.control, source, bytes, 0)?;
        Ok(*blake3::hash(bytes).as_bytes())
    }

    /// Chaining values of the blocks from `first` up to `end`.
    pub fn read_blocks(
        &mut self,
        source: &Source<'_>,
        first: u64,
        end: u64,
    ) -> Result<Vec<u8>, Error> {
        let mut values = Vec::with_capacity((end - first) as usize * VALUE_SIZE);
        for block in first..end {
            let mut hasher = block_hasher(block);
            let start = block * BLOCK_SIZE;
            let end = start + block_length(block, source.size);
            self.read_range(source, start..end, BLOCK_SIZE as usize, &mut hasher)?;
            values.extend_from_slice(&hasher.finalize_non_root());
        }
        Ok(values)
    }

    fn read_range(
        &mut self,
        source: &Source<'_>,
        range: Range<u64>,
        piece: usize,
        hasher: &mut Hasher,
    ) -> Result<(), Error> {
        self.grow(piece);
        for start in range.clone().step_by(piece) {
            if self.control.stopped() {
                return Err(Error::Cancelled);
            }
            let length = (range.end - start).min(piece as u64) as usize;
            let bytes = &mut self.buffer[..length];
            let found = sys::read_at(source.file, bytes, start, length)
                .map_err(|error| Error::io(source.path, error))?;
            if found != length {
                return Err(Error::changed(source.path));
            }
            pass_on(self.control, source, bytes, start)?;
            hasher.update(bytes);
        }
        Ok(())
    }

    fn grow(&mut self, size: usize) {
        if self.buffer.len() < size {
            self.buffer.resize(size, 0);
        }
    }
}

fn pass_on(
    control: &Control<'_>,
    source: &Source<'_>,
    piece: &[u8],
    offset: u64,
) -> Result<(), Error> {
    if let Some((sink, path)) = source.sink {
        for (start, part) in (offset..).step_by(WRITE).zip(piece.chunks(WRITE)) {
            sys::write_at(sink, part, start).map_err(|error| Error::io(path, error))?;
        }
    }
    control.progress.add_bytes(piece.len() as u64);
    Ok(())
}
