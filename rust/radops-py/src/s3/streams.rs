//! What is used over several calls: listings, readers, uploads.

use super::client::{Entries, entries};
use super::process::{Own, run};
use crate::errors::Result;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use radops_core::s3::{Body, Listed, Multipart, Pages, Reader};
use std::sync::Arc;

/// A key with size, time of last change and entity tag.
type Version = (String, u64, f64, String);

/// The pages of a listing.
#[pyclass(frozen, module = "radops._core")]
pub struct S3Pages(pub(super) Own<Arc<tokio::sync::Mutex<Pages>>>);

#[pymethods]
impl S3Pages {
    /// The next page, `None` after the last.
    fn next(&self, py: Python<'_>) -> Result<Option<(Entries, Vec<String>)>> {
        let pages = self.0.get()?.clone();
        let page = run(py, None, |_| async move { pages.lock().await.next().await })?;
        Ok(page.map(|page| (entries(page.keys), page.prefixes)))
    }

    /// The keys of the next page with size, time and entity tag, `None` after the last.
    fn next_versions(&self, py: Python<'_>) -> Result<Option<Vec<Version>>> {
        let pages = self.0.get()?.clone();
        let page = run(py, None, |_| async move { pages.lock().await.next().await })?;
        let version = |one: Listed| (one.key, one.size, one.modified, one.etag);
        Ok(page.map(|page| page.keys.into_iter().map(version).collect()))
    }
}

/// A stream of an object's bytes.
#[pyclass(frozen, module = "radops._core")]
pub struct S3Reader(pub(super) Own<Arc<tokio::sync::Mutex<Option<Reader>>>>);

#[pymethods]
impl S3Reader {
    /// Up to `size` bytes.
    #[pyo3(signature = (size, /))]
    fn read<'py>(&self, py: Python<'py>, size: u64) -> Result<Bound<'py, PyBytes>> {
        let reader = self.0.get()?.clone();
        let data = run(py, None, |_| async move {
            match reader.lock().await.as_mut() {
                Some(reader) => reader.read(size).await,
                None => Ok(Vec::new()),
            }
        })?;
        Ok(PyBytes::new(py, &data))
    }

    /// Give the connection back.
    fn close(&self) -> Result<()> {
        // One that is being read by another thread ends with that thread's call.
        if let Ok(mut reader) = self.0.get()?.try_lock() {
            *reader = None;
        }
        Ok(())
    }
}

/// An upload in parts.
#[pyclass(frozen, module = "radops._core")]
pub struct S3Upload(pub(super) Own<Multipart>);

#[pymethods]
impl S3Upload {
    /// Send a part.
    fn send(&self, py: Python<'_>, number: u32, data: PyBackedBytes) -> Result<()> {
        let upload = self.0.get()?.clone();
        let body = Body::Bytes(bytes::Bytes::from_owner(data));
        run(py, None, |_| async move { upload.send(number, body).await })
    }

    /// Make the object visible.
    fn complete(&self, py: Python<'_>) -> Result<()> {
        let upload = self.0.get()?.clone();
        run(py, None, |_| async move { upload.complete().await })
    }

    /// Drop what was sent.
    fn abort(&self, py: Python<'_>) -> Result<()> {
        let upload = self.0.get()?.clone();
        run(py, None, |_| async move {
            upload.abort().await;
            Ok(())
        })
    }
}
