//! Verbs for thousands of keys a call.

use super::body::Body;
use super::client::Client;
use super::error::Error;
use super::multipart::Multipart;
use super::object::{self, Stat};
use super::part::{self, Span};
use super::runtime::each;
use crate::outline::{BLOCK_SIZE, Digest, block_count};
use crate::progress::Progress;
use bytes::Bytes;
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Read keys, each to at most `most` bytes. `None` for one that does not exist.
pub async fn read_all(
    client: Client,
    keys: Vec<String>,
    most: u64,
) -> Result<Vec<Option<Bytes>>, Error> {
    let width = client.width();
    let keys = Arc::new(keys);
    each(keys.len(), width, move |number| {
        let (client, keys) = (client.clone(), keys.clone());
        async move { object::read(&client, &keys[number], most, false).await }
    })
    .await
}

/// Size and time of keys. `None` for one that does not exist.
pub async fn stat_all(client: Client, keys: Vec<String>) -> Result<Vec<Option<Stat>>, Error> {
    let width = client.width();
    let keys = Arc::new(keys);
    each(keys.len(), width, move |number| {
        let (client, keys) = (client.clone(), keys.clone());
        async move { object::stat(&client, &keys[number]).await }
    })
    .await
}

/// Write keys, replacing what is there. Of a key that comes twice the last stays.
pub async fn put_all(client: Client, items: Vec<(String, Bytes)>) -> Result<(), Error> {
    let width = client.width();
    let last: HashMap<_, _> = items.into_iter().collect();
    let items: Vec<_> = last.into_iter().collect();
    let items = Arc::new(items);
    each(items.len(), width, move |number| {
        let (client, items) = (client.clone(), items.clone());
        async move {
            let (key, body) = &items[number];
            let _memory = client.reserve(body.len() as u64).await?;
            object::put(&client, key, Body::Bytes(body.clone()), false).await
        }
    })
    .await?;
    Ok(())
}

/// Create keys; false for one that exists.
pub async fn create_all(client: Client, items: Vec<(String, Bytes)>) -> Result<Vec<bool>, Error> {
    let width = client.width();
    let items = Arc::new(items);
    each(items.len(), width, move |number| {
        let (client, items) = (client.clone(), items.clone());
        async move {
            let (key, body) = &items[number];
            let _memory = client.reserve(body.len() as u64).await?;
            object::create(&client, key, body.clone()).await
        }
    })
    .await
}

/// How many files are written at once.
const WRITES: u32 = 32;

/// A small object that is fetched into a file.
pub struct Wanted {
    /// Its key in the bucket.
    pub key: String,
    /// The file, which must not exist.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// What it must hash to.
    pub digest: Digest,
}

/// Fetch objects of one block, each into a file that must not exist, verified before it is
/// written. Returns for each what is wrong with it: it does not exist, or its bytes are wrong
/// twice in a row. Every other error ends the call, and no file is written after that; only an
/// interrupted call can still be writing its last files.
pub async fn fetch_all(
    client: Client,
    wanted: Vec<Wanted>,
    mode: u32,
    progress: Arc<Progress>,
) -> Result<Vec<Option<Error>>, Error> {
    let width = client.width();
    let wanted = Arc::new(wanted);
    let writes = Arc::new(Semaphore::new(WRITES as usize));
    let all = writes.clone();
    let fetched = each(wanted.len(), width, move |number| {
        let (client, wanted) = (client.clone(), wanted.clone());
        let (writes, progress) = (writes.clone(), progress.clone());
        async move {
            let one = &wanted[number];
            let most = one.size.saturating_add(1);
            let _memory = client.reserve(most).await?;
            for _ in 0..2 {
                let found = object::read(&client, &one.key, most, true).await?;
                let Some(data) = found else {
                    let key = one.key.clone();
                    return Ok(Some(Error::Absent { key }));
                };
                if data.len() as u64 == one.size && blake3::hash(&data).as_bytes() == &one.digest {
                    let path = one.path.clone();
                    let permit = writes.clone().acquire_owned().await;
                    let permit = permit.map_err(|_| Error::Cancelled)?;
                    let written = tokio::task::spawn_blocking(move || {
                        let _permit = permit;
                        write(&path, &data, mode)
                    });
                    let written = written.await.map_err(|_| Error::Cancelled)?;
                    written?;
                    progress.add_bytes(one.size);
                    progress.add_file();
                    return Ok(None);
                }
            }
            let key = one.key.clone();
            Ok(Some(Error::WrongBytes { key, block: 0 }))
        }
    })
    .await;
    // A write that has begun continues when an error drops the task that waits for it. The caller
    // may remove its files then, or fetch them again.
    let _none_left = all.acquire_many(WRITES).await;
    all.close();
    fetched
}

/// Write a file that must not exist, with its permission bits whatever the umask.
fn write(path: &Path, data: &[u8], mode: u32) -> Result<(), Error> {
    crate::place::write_file(path, data, mode)
        .and_then(|()| crate::sys::set_mode_and_time(path, mode))
        .map_err(|error| Error::file(&error))
}

/// A local file that is sent.
pub struct Sent {
    /// Its key in the bucket.
    pub key: String,
    /// The file.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// What the file must hash to, if it has one block.
    pub digest: Digest,
    /// Its outline, proven, if it has more.
    pub outline: Vec<u8>,
    /// Bytes of a part; a multiple of 1 MiB.
    pub part_size: u64,
}

/// Send files, each proven as it goes. Returns for each what is wrong with the file, of which
/// then nothing became visible. Every other error ends the call.
pub async fn send_all(
    client: Client,
    files: Vec<Sent>,
    streams: usize,
    progress: Arc<Progress>,
) -> Result<Vec<Option<Error>>, Error> {
    let width = client.width();
    let files = Arc::new(files.into_iter().map(Arc::new).collect::<Vec<_>>());
    let streams = Arc::new(Semaphore::new(streams));
    each(files.len(), width, move |number| {
        let (client, file) = (client.clone(), files[number].clone());
        let (streams, progress) = (streams.clone(), progress.clone());
        async move {
            let sent = if block_count(file.size) == 1 {
                send_small(&client, &file, &progress).await
            } else {
                send_large(&client, file, streams, progress.clone()).await
            };
            match sent {
                Ok(()) => {
                    progress.add_file();
                    Ok(None)
                }
                Err(error @ (Error::WrongFile { .. } | Error::Io { .. })) => Ok(Some(error)),
                Err(error) => Err(error),
            }
        }
    })
    .await
}

async fn send_small(client: &Client, file: &Sent, progress: &Progress) -> Result<(), Error> {
    let _memory = client.reserve(file.size).await?;
    let (path, size, digest) = (file.path.clone(), file.size, file.digest);
    let read = tokio::task::spawn_blocking(move || part::read_small(&path, size, &digest)).await;
    let body = Body::Bytes(read.map_err(|_| Error::Cancelled)??);
    object::put(client, &file.key, body, false).await?;
    progress.add_bytes(size);
    Ok(())
}

async fn send_large(
    client: &Client,
    file: Arc<Sent>,
    streams: Arc<Semaphore>,
    progress: Arc<Progress>,
) -> Result<(), Error> {
    let opened = File::open(&file.path).map_err(|error| Error::io(&file.path, error))?;
    let whole = Whole {
        client: client.clone(),
        outline: file.outline.clone().into(),
        opened: Arc::new(opened),
        file,
        streams,
        progress,
    };
    let parts = whole
        .file
        .size
        .div_ceil(whole.file.part_size.max(BLOCK_SIZE));
    if parts == 1 {
        return Arc::new(whole).send(0, None).await;
    }
    let upload = Multipart::begin(client, &whole.file.key, true).await?;
    let abort = AbortOnDrop(Some(upload.clone()));
    let (whole, target) = (Arc::new(whole), upload.clone());
    // The semaphore bounds how many of all files are sent at once.
    each(parts as usize, 16, move |number| {
        let (whole, target) = (whole.clone(), target.clone());
        async move { whole.send(number as u32, Some(target)).await }
    })
    .await?;
    upload.complete().await?;
    abort.done();
    Ok(())
}

/// A file of more than one block on its way.
struct Whole {
    client: Client,
    file: Arc<Sent>,
    opened: Arc<File>,
    outline: Arc<[u8]>,
    streams: Arc<Semaphore>,
    progress: Arc<Progress>,
}

impl Whole {
    async fn send(self: Arc<Self>, number: u32, upload: Option<Multipart>) -> Result<(), Error> {
        let stream = self.streams.clone().acquire_owned().await;
        let _stream = stream.map_err(|_| Error::Cancelled)?;
        let _memory = self.client.reserve(part::SPAN_MEMORY).await?;
        let start = u64::from(number) * self.file.part_size;
        let length = self.file.part_size.min(self.file.size - start);
        let (one, sha256) = (self.clone(), !self.client.is_tls());
        let span = tokio::task::spawn_blocking(move || {
            let (file, path) = (one.opened.clone(), &one.file.path);
            Span::prove(file, path, start, length, one.outline.clone(), sha256)
        });
        let span = Arc::new(span.await.map_err(|_| Error::Cancelled)??);
        let body = Body::Source(Arc::new(span));
        match upload {
            Some(upload) => upload.send(number, body).await?,
            None => {
                object::put(&self.client, &self.file.key, body, true).await?;
            }
        }
        self.progress.add_bytes(length);
        Ok(())
    }
}

/// Aborts an upload that was not completed, also when the call was interrupted.
struct AbortOnDrop(Option<Multipart>);

impl AbortOnDrop {
    fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(upload) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { upload.abort().await });
        }
    }
}
