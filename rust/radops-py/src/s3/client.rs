//! A bucket.

use super::error::Foreign;
use super::files::{self, FetchFile, FetchRanges, SendFile};
use super::process::{Own, run};
use super::streams::{S3Pages, S3Reader, S3Upload};
use crate::errors::Result;
use crate::types::Progress;
use bytes::Bytes;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyList};
use radops_core::s3::{
    self, Addressing, Body, Client, Config, Credentials, Encryption, Error, Multipart, Page, Pages,
    Provider, Reader, Runtime, Timeouts, Uploads, batch, delete, object,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Asks a Python function for credentials.
struct Chain(Py<PyAny>);

impl Provider for Chain {
    fn fetch(&self) -> std::result::Result<Credentials, Error> {
        let fetched = Python::try_attach(|py| {
            type Fields = (String, String, Option<String>, Option<f64>);
            let fields = self.0.call0(py)?.extract::<Fields>(py)?;
            Ok(Credentials {
                access_key: fields.0,
                secret_key: fields.1,
                token: fields.2,
                expires: fields.3,
            })
        });
        fetched
            .unwrap_or_else(|| Err(PyValueError::new_err("the interpreter has ended")))
            .map_err(|error| Error::Credentials(Arc::new(Foreign(error))))
    }
}

/// A bucket.
#[pyclass(frozen, module = "radops._core")]
pub struct S3Client(Own<Client>);

type Item = (String, PyBackedBytes);

/// Keys with size and time of last change.
pub type Entries = Vec<(String, u64, f64)>;

/// Keys, common prefixes, the token of the next page, and the clock.
type Listing = (Entries, Vec<String>, Option<String>, Option<i64>);

#[pymethods]
impl S3Client {
    #[new]
    #[pyo3(signature = (
        *, endpoint, bucket, region, addressing, credentials, timeouts, max_connections,
        ca_bundle = None, sse = None, sse_kms_key_id = None, sse_customer_key = None,
        requester_pays = false,
    ))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        endpoint: String,
        bucket: String,
        region: String,
        addressing: &str,
        credentials: Py<PyAny>,
        timeouts: (f64, f64, f64, f64),
        max_connections: usize,
        ca_bundle: Option<PathBuf>,
        sse: Option<String>,
        sse_kms_key_id: Option<String>,
        sse_customer_key: Option<[u8; 32]>,
        requester_pays: bool,
    ) -> Result<Self> {
        let seconds = |seconds: f64| {
            Duration::try_from_secs_f64(seconds)
                .map_err(|_| Error::Config(format!("{seconds} is no number of seconds")))
        };
        let config = Config {
            endpoint,
            bucket,
            region,
            addressing: match addressing {
                "path" => Addressing::Path,
                "virtual" => Addressing::Virtual,
                _ => Addressing::Auto,
            },
            ca_bundle,
            encryption: Encryption {
                algorithm: sse,
                kms_key_id: sse_kms_key_id,
                customer_key: sse_customer_key,
            },
            requester_pays,
            timeouts: Timeouts {
                connect: seconds(timeouts.0)?,
                read: seconds(timeouts.1)?,
                transfer: seconds(timeouts.2)?,
                throttled: seconds(timeouts.3)?,
            },
            max_connections,
        };
        let client = Client::new(config, Arc::new(Chain(credentials)), Runtime::current()?)?;
        Ok(Self(Own::new(client)))
    }

    /// Read keys, each to at most so many bytes.
    fn read<'py>(
        &self,
        py: Python<'py>,
        keys: Vec<String>,
        most: u64,
    ) -> Result<Vec<Option<Bound<'py, PyBytes>>>> {
        let client = self.0.get()?.clone();
        let found = run(py, None, |_| batch::read_all(client, keys, most))?;
        let bytes = found
            .into_iter()
            .map(|data| data.map(|data| PyBytes::new(py, &data)));
        Ok(bytes.collect())
    }

    /// Size and time of keys.
    fn stat(&self, py: Python<'_>, keys: Vec<String>) -> Result<Vec<Option<(u64, f64)>>> {
        let client = self.0.get()?.clone();
        let found = run(py, None, |_| batch::stat_all(client, keys))?;
        let pairs = found
            .into_iter()
            .map(|stat| stat.map(|stat| (stat.size, stat.modified)));
        Ok(pairs.collect())
    }

    /// Write keys.
    fn put(&self, py: Python<'_>, items: Vec<Item>) -> Result<()> {
        let client = self.0.get()?.clone();
        let items = owned(items);
        run(py, None, |_| batch::put_all(client, items))
    }

    /// Create keys.
    fn create(&self, py: Python<'_>, items: Vec<Item>) -> Result<Vec<bool>> {
        let client = self.0.get()?.clone();
        let items = owned(items);
        run(py, None, |_| batch::create_all(client, items))
    }

    /// Delete keys.
    fn delete(&self, py: Python<'_>, keys: Vec<String>) -> Result<()> {
        let client = self.0.get()?.clone();
        run(py, None, |_| delete::delete_all(client, keys))
    }

    /// Copy an object on the server.
    #[pyo3(signature = (source, target, size, *, most_at_once = None))]
    fn copy(
        &self,
        py: Python<'_>,
        source: String,
        target: String,
        size: u64,
        most_at_once: Option<u64>,
    ) -> Result<()> {
        let client = self.0.get()?.clone();
        let most_at_once = most_at_once.unwrap_or(object::MOST_COPIED_AT_ONCE);
        run(py, None, |_| async move {
            object::copy(&client, &source, &target, size, most_at_once).await
        })
    }

    /// One page of a listing.
    #[pyo3(signature = (prefix, *, recursive = true, most = 1000, token = None))]
    fn page(
        &self,
        py: Python<'_>,
        prefix: String,
        recursive: bool,
        most: usize,
        token: Option<String>,
    ) -> Result<Listing> {
        let client = self.0.get()?.clone();
        let page = run(py, None, |_| async move {
            Page::fetch(&client, &prefix, recursive, most, token.as_deref()).await
        })?;
        Ok((entries(page.keys), page.prefixes, page.next, page.date))
    }

    /// A listing, page by page.
    #[pyo3(signature = (prefix, *, recursive = true))]
    fn pages(&self, prefix: String, recursive: bool) -> Result<S3Pages> {
        let client = self.0.get()?.clone();
        let pages = Pages::new(client, prefix, recursive);
        Ok(S3Pages(Own::new(Arc::new(tokio::sync::Mutex::new(pages)))))
    }

    /// One page of the unfinished uploads.
    #[pyo3(signature = (prefix, *, after = None))]
    #[allow(clippy::type_complexity)]
    fn uploads(
        &self,
        py: Python<'_>,
        prefix: String,
        after: Option<(String, String)>,
    ) -> Result<(Vec<(String, String, f64)>, Option<(String, String)>)> {
        let client = self.0.get()?.clone();
        let page = run(py, None, |_| async move {
            Uploads::fetch(&client, &prefix, after.as_ref()).await
        })?;
        Ok((page.uploads, page.next))
    }

    /// Abort an unfinished upload.
    fn abort(&self, py: Python<'_>, key: String, identity: String) -> Result<()> {
        let client = self.0.get()?.clone();
        run(py, None, |_| async move {
            Uploads::abort(&client, &key, &identity).await
        })
    }

    /// Open a range of bytes.
    #[pyo3(signature = (key, start = 0, length = None))]
    fn open(
        &self,
        py: Python<'_>,
        key: String,
        start: u64,
        length: Option<u64>,
    ) -> Result<S3Reader> {
        let client = self.0.get()?.clone();
        let reader = run(py, None, |_| async move {
            Reader::open(&client, &key, start, length).await
        })?;
        let reader = Arc::new(tokio::sync::Mutex::new(Some(reader)));
        Ok(S3Reader(Own::new(reader)))
    }

    /// Write a large object in one request.
    fn put_large(&self, py: Python<'_>, key: String, data: PyBackedBytes) -> Result<()> {
        let client = self.0.get()?.clone();
        let body = Body::Bytes(Bytes::from_owner(data));
        run(py, None, |_| async move {
            object::put(&client, &key, body, true).await
        })
    }

    /// Begin an upload in parts.
    fn begin(&self, py: Python<'_>, key: String) -> Result<S3Upload> {
        let client = self.0.get()?.clone();
        let upload = run(py, None, |_| async move {
            Multipart::begin(&client, &key, true).await
        })?;
        Ok(S3Upload(Own::new(upload)))
    }

    /// Fetch objects of one block into files.
    #[pyo3(signature = (files, *, mode = 0o444, progress = None))]
    fn fetch_files<'py>(
        &self,
        py: Python<'py>,
        files: Vec<FetchFile<'py>>,
        mode: u32,
        progress: Option<&Bound<'py, Progress>>,
    ) -> Result<Bound<'py, PyList>> {
        let client = self.0.get()?.clone();
        let wanted = files::wanted(files)?;
        let answers = run(py, progress, |counters| {
            batch::fetch_all(client, wanted, mode, counters)
        })?;
        files::answers(py, answers)
    }

    /// Send files.
    #[pyo3(signature = (files, *, streams, progress = None))]
    fn send_files<'py>(
        &self,
        py: Python<'py>,
        files: Vec<SendFile<'py>>,
        streams: usize,
        progress: Option<&Bound<'py, Progress>>,
    ) -> Result<Bound<'py, PyList>> {
        let client = self.0.get()?.clone();
        let sent = files::sent(files)?;
        let answers = run(py, progress, |counters| {
            batch::send_all(client, sent, streams.max(1), counters)
        })?;
        files::answers(py, answers)
    }

    /// Fetch ranges of large objects into files.
    #[pyo3(signature = (objects, *, streams, progress = None))]
    fn fetch_ranges<'py>(
        &self,
        py: Python<'py>,
        objects: Vec<FetchRanges<'py>>,
        streams: usize,
        progress: Option<&Bound<'py, Progress>>,
    ) -> Result<Bound<'py, PyList>> {
        let client = self.0.get()?.clone();
        let wanted = files::ranges(objects);
        let answers = run(py, progress, |counters| {
            s3::download(client, wanted, streams.max(1), counters)
        })?;
        files::answers(py, answers)
    }
}

/// Keys of a listing for Python.
pub fn entries(keys: Vec<s3::Listed>) -> Entries {
    let keys = keys.into_iter();
    keys.map(|entry| (entry.key, entry.size, entry.modified))
        .collect()
}

/// Bodies to send, not copied.
fn owned(items: Vec<Item>) -> Vec<(String, Bytes)> {
    let items = items.into_iter();
    items
        .map(|(key, body)| (key, Bytes::from_owner(body)))
        .collect()
}
