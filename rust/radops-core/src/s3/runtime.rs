//! One small tokio runtime for each process, made when it is first needed.
//!
//! After a fork the parent's threads do not exist in the child, so the child makes a runtime of
//! its own and never touches the parent's, not even to drop it.

use super::error::Error;
use super::pace::Pace;
use super::part::SPAN_MEMORY;
use crate::progress::Call;
use std::collections::HashMap;
use std::future::Future;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How often a waiting caller looks whether it was interrupted.
const LOOK: Duration = Duration::from_millis(50);

/// Bytes of bodies that may be in memory at once.
pub const IN_FLIGHT: usize = 128 << 20;

/// Permits of the semaphore count so many bytes each, as it counts with 32 bits.
pub const UNIT: usize = 1 << 10;

/// Threads for files and credentials. A span that is sent holds one until its last byte is gone:
/// with fewer threads than spans the server would wait for bytes until the request is given up.
const BLOCKING_THREADS: usize = IN_FLIGHT / SPAN_MEMORY as usize + 32;

/// What the requests of a process share.
pub struct Runtime {
    process: u32,
    tokio: tokio::runtime::Runtime,
    paces: Mutex<HashMap<String, Arc<Pace>>>,
    memory: Arc<Semaphore>,
    next: OnceLock<Box<Runtime>>,
}

static FIRST: OnceLock<Runtime> = OnceLock::new();

impl Runtime {
    /// The runtime of this process.
    pub fn current() -> Result<&'static Self, Error> {
        let process = std::process::id();
        let mut runtime = match FIRST.get() {
            Some(runtime) => runtime,
            None => {
                let _ = FIRST.set(Self::new(process)?);
                FIRST.get().ok_or(Error::Cancelled)?
            }
        };
        while runtime.process != process {
            runtime = match runtime.next.get() {
                Some(next) => next,
                None => {
                    let _ = runtime.next.set(Box::new(Self::new(process)?));
                    runtime.next.get().ok_or(Error::Cancelled)?
                }
            };
        }
        Ok(runtime)
    }

    fn new(process: u32) -> Result<Self, Error> {
        let refused = |error| Error::Config(format!("no threads can be started: {error}"));
        // Tokio panics where a thread of its own cannot be started.
        let thread = std::thread::Builder::new().spawn(|| ());
        let _ = thread.map_err(refused)?.join();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let tokio = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(cores.clamp(1, 4))
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_keep_alive(Duration::from_secs(10))
            .thread_name("radops-s3")
            .enable_io()
            .enable_time()
            .build()
            .map_err(refused)?;
        Ok(Self {
            process,
            tokio,
            paces: Mutex::default(),
            memory: Arc::new(Semaphore::new(IN_FLIGHT / UNIT)),
            next: OnceLock::new(),
        })
    }

    /// The pace of requests to a host.
    pub fn pace(&self, host: &str, most: usize) -> Arc<Pace> {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = paces.entry(host.to_owned()).or_default();
        pace.raise_limit(most);
        pace.clone()
    }

    /// What bounds the bytes of bodies in memory.
    pub fn memory(&self) -> Arc<Semaphore> {
        self.memory.clone()
    }

    /// Run `work` to its end, unless the caller is interrupted: then it is dropped.
    pub fn wait<T: Send + 'static>(
        &self,
        call: &mut Call<'_>,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, receiver) = sync_channel(1);
        let task = self.tokio.spawn(async move {
            let _ = sender.send(work.await);
        });
        loop {
            match receiver.recv_timeout(LOOK) {
                Ok(result) => return result,
                // A panic of `work`, which is a mistake in this crate; its message is printed.
                Err(RecvTimeoutError::Disconnected) => return Err(Error::Cancelled),
                Err(RecvTimeoutError::Timeout) => {
                    if call.progress.is_cancelled() || (call.interrupted)() {
                        task.abort();
                        // Until it is dropped it may still send or write.
                        let _ = receiver.recv_timeout(2 * LOOK);
                        return Err(Error::Cancelled);
                    }
                }
            }
        }
    }
}

/// Do `work` for each number below `count`, at most `workers` at once. The first error stops
/// the rest; results are in order.
pub async fn each<T, F, W>(count: usize, workers: usize, work: F) -> Result<Vec<T>, Error>
where
    T: Send + 'static,
    F: Fn(usize) -> W + Send + Sync + 'static,
    W: Future<Output = Result<T, Error>> + Send + 'static,
{
    if count == 1 {
        return Ok(vec![work(0).await?]);
    }
    let work = Arc::new(work);
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..workers.clamp(1, count.max(1)) {
        let (work, next) = (work.clone(), next.clone());
        tasks.spawn(async move {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if number >= count {
                    return Ok(done);
                }
                done.push((number, work(number).await?));
            }
        });
    }
    let mut results: Vec<Option<T>> = (0..count).map(|_| None).collect();
    while let Some(finished) = tasks.join_next().await {
        // Dropping the set on an error ends the others.
        for (number, result) in finished.map_err(|_| Error::Cancelled)?? {
            results[number] = Some(result);
        }
    }
    results
        .into_iter()
        .map(|result| result.ok_or(Error::Cancelled))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::body::Source;
    use super::super::part::Span;
    use super::*;
    use crate::outline::{BLOCK_SIZE, block_values};
    use std::fs::File;

    /// Longer than a test takes that does not hang.
    const HANGS: Duration = Duration::from_secs(60);

    #[test]
    fn all_spans_that_memory_allows_are_sent_at_once() -> Result<(), Box<dyn std::error::Error>> {
        let data = vec![0; 8 * BLOCK_SIZE as usize];
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("file");
        std::fs::write(&path, &data)?;
        let (file, outline) = (Arc::new(File::open(&path)?), block_values(&data, 0)?.into());
        let length = data.len() as u64;
        let span = Arc::new(Span::prove(file, &path, 0, length, outline, false)?);
        let runtime = Runtime::new(std::process::id())?;
        runtime.tokio.block_on(async {
            let mut bodies: Vec<_> = (0..IN_FLIGHT / SPAN_MEMORY as usize)
                .map(|_| span.open())
                .collect();
            // None comes to its end, as the first ones of a slow network do for long.
            for body in &mut bodies {
                let first = tokio::time::timeout(HANGS, body.recv()).await?;
                assert!(matches!(first, Some(Ok(_))));
            }
            // Credentials are fetched meanwhile.
            let other = tokio::task::spawn_blocking(|| ());
            Ok(tokio::time::timeout(HANGS, other).await??)
        })
    }
}
