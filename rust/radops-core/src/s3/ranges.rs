//! Large objects into files: many ranges at once, each block verified as it arrives and written
//! in its place.

use super::answer::Streaming;
use super::client::Client;
use super::error::{Broken, Error};
use super::reader::open_range;
use super::runtime::each;
use crate::outline::{BLOCK_SIZE, VALUE_SIZE, block_length, block_values};
use crate::progress::Progress;
use crate::sys;
use bytes::{Buf, Bytes};
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// How often a connection may break without having brought another block.
const TRIES: u32 = 4;

/// Bytes of memory of a range on its way: a block that is read and one that is written.
const MEMORY: u64 = 2 * BLOCK_SIZE;

/// What to fetch of an object.
pub struct Ranges {
    /// Its key in the bucket.
    pub key: String,
    /// The file, which exists and is as large as the object.
    pub path: PathBuf,
    /// Bytes of the object.
    pub size: u64,
    /// The outline, proven; without one bytes are written as they come.
    pub outline: Option<Vec<u8>>,
    /// First block and the block after the last, of each request.
    pub spans: Vec<(u64, u64)>,
}

struct Object {
    ranges: Ranges,
    file: File,
    failed: Mutex<Option<Error>>,
    /// Set when the call is over: a write that has not begun then does not begin.
    over: Arc<AtomicBool>,
}

struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Fetch ranges of objects, at most `streams` at once.
///
/// Returns for each object what is wrong with it: it does not exist, or its bytes are wrong
/// twice in a row. Every other error ends the call.
pub async fn download(
    client: Client,
    wanted: Vec<Ranges>,
    streams: usize,
    progress: Arc<Progress>,
) -> Result<Vec<Option<Error>>, Error> {
    let over = Arc::new(AtomicBool::new(false));
    let _over = Over(over.clone());
    let mut work = Vec::new();
    let mut objects = Vec::with_capacity(wanted.len());
    for (number, ranges) in wanted.into_iter().enumerate() {
        work.extend(ranges.spans.iter().map(|&span| (number, span)));
        objects.push(Arc::new(Object {
            file: open(&ranges)?,
            ranges,
            failed: Mutex::default(),
            over: over.clone(),
        }));
    }
    let all = Arc::new(objects);
    let objects = all.clone();
    each(work.len(), streams, move |number| {
        let (index, (first, last)) = work[number];
        let (client, object) = (client.clone(), objects[index].clone());
        let progress = progress.clone();
        async move {
            if object.failure().is_some() {
                return Ok(());
            }
            match fetch(&client, &object, first, last, &progress).await {
                Err(error @ (Error::WrongBytes { .. } | Error::Absent { .. })) => {
                    object
                        .failed
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .replace(error);
                    Ok(())
                }
                result => result,
            }
        }
    })
    .await?;
    Ok(all.iter().map(|object| object.failure()).collect())
}

fn open(ranges: &Ranges) -> Result<File, Error> {
    sys::open_to_write(&ranges.path).map_err(|error| Error::file(&error))
}

impl Object {
    fn failure(&self) -> Option<Error> {
        self.failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Write a block in its place if it is right. Blocks the thread.
    fn take(&self, block: u64, data: &[u8]) -> Result<bool, Error> {
        if let Some(outline) = &self.ranges.outline {
            let at = block as usize * VALUE_SIZE;
            let values = block_values(data, block).unwrap_or_default();
            if outline.get(at..at + VALUE_SIZE) != Some(&values) {
                return Ok(false);
            }
        }
        if self.over.load(Relaxed) {
            return Err(Error::Cancelled);
        }
        sys::write_at(&self.file, data, block * BLOCK_SIZE)
            .map_err(|error| Error::io(&self.ranges.path, error))?;
        Ok(true)
    }
}

type Writing = JoinHandle<(Vec<u8>, Result<bool, Error>)>;

/// Where a range got to.
struct Run<'a> {
    object: &'a Arc<Object>,
    progress: &'a Progress,
    /// The first block that is not written.
    next: u64,
    writing: Option<(u64, Writing)>,
    buffer: Vec<u8>,
}

impl Run<'_> {
    /// Wait for the block that is being written; false if it is wrong.
    async fn settle(&mut self) -> Result<bool, Error> {
        let Some((block, writing)) = self.writing.take() else {
            return Ok(true);
        };
        let (buffer, result) = writing.await.map_err(|_| Error::Cancelled)?;
        self.buffer = buffer;
        let right = result?;
        if right {
            self.progress
                .add_bytes(block_length(block, self.object.ranges.size));
            self.next = block + 1;
        }
        Ok(right)
    }

    /// Take blocks from a stream; false if one is wrong or the object is too short.
    async fn take(&mut self, stream: &mut Streaming, last: u64) -> Result<bool, Error> {
        let mut carry = Bytes::new();
        for block in self.next..last {
            let expected = block_length(block, self.object.ranges.size) as usize;
            let mut data = std::mem::take(&mut self.buffer);
            data.clear();
            let whole = fill(stream, &mut carry, &mut data, expected).await;
            if !self.settle().await? {
                return Ok(false);
            }
            whole?;
            let object = self.object.clone();
            let writing = tokio::task::spawn_blocking(move || {
                let result = object.take(block, &data);
                (data, result)
            });
            self.writing = Some((block, writing));
        }
        self.settle().await
    }
}

async fn fetch(
    client: &Client,
    object: &Arc<Object>,
    first: u64,
    last: u64,
    progress: &Progress,
) -> Result<(), Error> {
    let ranges = &object.ranges;
    let _memory = client.reserve(MEMORY).await?;
    let mut run = Run {
        object,
        progress,
        next: first,
        writing: None,
        buffer: Vec::with_capacity(BLOCK_SIZE as usize),
    };
    let (mut wrong, mut broken) = (None, 0);
    while run.next < last {
        let began = run.next;
        let start = began * BLOCK_SIZE;
        let length = ranges.size.min(last * BLOCK_SIZE) - start;
        let right = match open_range(client, &ranges.key, start, Some(length), None).await {
            Ok((_, found)) if found != length => Ok(false),
            Ok((mut stream, _)) => run.take(&mut stream, last).await,
            // The object ends before the range begins.
            Err(error) if error.status() == 416 => Ok(false),
            Err(error @ Error::Nonsense { .. }) => Err(error),
            Err(error) => return Err(error),
        };
        if run.next > began {
            broken = 0;
        }
        match right {
            Ok(true) => {}
            Ok(false) => {
                if wrong == Some(run.next) {
                    return Err(Error::WrongBytes {
                        key: ranges.key.clone(),
                        block: run.next,
                    });
                }
                wrong = Some(run.next);
            }
            Err(Error::Broken { .. } | Error::Nonsense { .. }) => {
                broken += 1;
                if broken >= TRIES {
                    return Err(Error::Interrupted {
                        key: ranges.key.clone(),
                    });
                }
                let part = rand::RngExt::random_range(&mut rand::rng(), 0.0..1.0);
                tokio::time::sleep(Duration::from_millis(100 << broken).mul_f64(part)).await;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Read a block from a stream.
async fn fill(
    stream: &mut Streaming,
    carry: &mut Bytes,
    data: &mut Vec<u8>,
    expected: usize,
) -> Result<(), Error> {
    while data.len() < expected {
        if carry.is_empty() {
            *carry = stream.next().await?.ok_or_else(|| Error::Broken {
                kind: Broken::Connection,
                text: "the answer ended early".into(),
            })?;
        }
        let some = carry.len().min(expected - data.len());
        data.extend_from_slice(&carry[..some]);
        carry.advance(some);
    }
    Ok(())
}
