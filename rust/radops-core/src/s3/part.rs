//! Spans of local files on their way out: each block is proven before it goes.

use super::body::Source;
use super::error::Error;
use crate::outline::{BLOCK_SIZE, Digest, VALUE_SIZE, block_values};
use crate::sys;
use bytes::Bytes;
use ring::digest::{Context, SHA256};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, channel};

/// Blocks that are read before the connection takes them.
const AHEAD: usize = 2;

/// Bytes of memory that sending a span takes.
pub const SPAN_MEMORY: u64 = (AHEAD as u64 + 1) * BLOCK_SIZE;

/// A span of a file of more than one block.
pub struct Span {
    file: Arc<File>,
    path: PathBuf,
    start: u64,
    length: u64,
    outline: Arc<[u8]>,
    crc32: u32,
    sha256: Option<String>,
}

impl Span {
    /// Read the span through, for the checksums that go before it, and prove it.
    ///
    /// `start` is at a block's beginning. Blocks the thread.
    pub fn prove(
        file: Arc<File>,
        path: &Path,
        start: u64,
        length: u64,
        outline: Arc<[u8]>,
        sha256: bool,
    ) -> Result<Self, Error> {
        let mut crc32 = crc32fast::Hasher::new();
        let mut context = sha256.then(|| Context::new(&SHA256));
        let mut span = Self {
            file,
            path: path.to_owned(),
            start,
            length,
            outline,
            crc32: 0,
            sha256: None,
        };
        span.for_blocks(|data| {
            crc32.update(&data);
            if let Some(context) = &mut context {
                context.update(&data);
            }
            true
        })?;
        span.crc32 = crc32.finalize();
        span.sha256 = context.map(|context| super::sign::hex(context.finish().as_ref()));
        Ok(span)
    }

    /// Read the blocks in order, prove each, and hand them on until `take` returns false.
    fn for_blocks(&self, mut take: impl FnMut(Bytes) -> bool) -> Result<(), Error> {
        for offset in (0..self.length).step_by(BLOCK_SIZE as usize) {
            let block = (self.start + offset) / BLOCK_SIZE;
            let length = BLOCK_SIZE.min(self.length - offset);
            let mut data = vec![0; length as usize];
            let wrong = || Error::WrongFile {
                path: self.path.display().to_string(),
                block,
            };
            let wanted = data.len();
            let read = sys::read_at(&self.file, &mut data, self.start + offset, wanted);
            if read.map_err(|error| Error::io(&self.path, error))? < wanted {
                return Err(wrong());
            }
            let at = block as usize * VALUE_SIZE;
            let values = block_values(&data, block).map_err(|_| wrong())?;
            if self.outline.get(at..at + VALUE_SIZE) != Some(&values) {
                return Err(wrong());
            }
            if !take(data.into()) {
                break;
            }
        }
        Ok(())
    }
}

impl Source for Arc<Span> {
    fn len(&self) -> u64 {
        self.length
    }

    fn open(&self) -> Receiver<Result<Bytes, Error>> {
        let (sender, receiver) = channel(AHEAD);
        let span = self.clone();
        tokio::task::spawn_blocking(move || {
            // The receiver is gone when the request was cancelled.
            let result = span.for_blocks(|data| sender.blocking_send(Ok(data)).is_ok());
            if let Err(error) = result {
                let _ = sender.blocking_send(Err(error));
            }
        });
        receiver
    }

    fn crc32(&self) -> u32 {
        self.crc32
    }

    fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }
}

/// The whole of a file of one block, proven. Blocks the thread.
pub fn read_small(path: &Path, size: u64, digest: &Digest) -> Result<Bytes, Error> {
    use std::io::Read;
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    let mut data = Vec::with_capacity(size.min(BLOCK_SIZE) as usize + 1);
    let read = file.take(size.saturating_add(1)).read_to_end(&mut data);
    read.map_err(|error| Error::io(path, error))?;
    if data.len() as u64 != size || blake3::hash(&data).as_bytes() != digest {
        return Err(Error::WrongFile {
            path: path.display().to_string(),
            block: 0,
        });
    }
    Ok(data.into())
}
