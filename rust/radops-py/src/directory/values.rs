//! Objects, entries and new files as tuples.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use radops_core::directory::{OwnedEntry, Staged};
use radops_core::outline::Digest;
use radops_core::tree::{Kind, Object};
use std::path::PathBuf;

use crate::calls::digest_of;

/// Digest and size.
pub(crate) type PyObjectName<'py> = (Bound<'py, PyBytes>, u64);

/// Path, kind, size, digest (`None` for a folder) and target of a link.
pub(crate) type PyEntry<'py> = (String, u8, u64, Option<Bound<'py, PyBytes>>, Option<String>);

pub(crate) fn object_in(object: &PyObjectName<'_>) -> PyResult<Object> {
    let digest = digest_of(object.0.as_bytes())?;
    let size = object.1;
    Ok(Object { digest, size })
}

pub(crate) fn objects_in(objects: Vec<PyObjectName<'_>>) -> PyResult<Vec<Object>> {
    objects.iter().map(object_in).collect()
}

pub(crate) fn object_out(py: Python<'_>, object: Object) -> PyObjectName<'_> {
    (PyBytes::new(py, &object.digest), object.size)
}

pub(crate) fn objects_out(py: Python<'_>, objects: Vec<Object>) -> Vec<PyObjectName<'_>> {
    let named = |object| object_out(py, object);
    objects.into_iter().map(named).collect()
}

pub(crate) fn digest_out(py: Python<'_>, kind: Kind, digest: Digest) -> Option<Bound<'_, PyBytes>> {
    (kind != Kind::Folder).then(|| PyBytes::new(py, &digest))
}

pub(crate) fn entry_out(py: Python<'_>, entry: OwnedEntry) -> PyEntry<'_> {
    let digest = digest_out(py, entry.kind, entry.digest);
    let target = (entry.kind == Kind::Link).then_some(entry.target);
    (entry.path, entry.kind as u8, entry.size, digest, target)
}

pub(crate) fn entries_out(py: Python<'_>, entries: Vec<OwnedEntry>) -> Vec<PyEntry<'_>> {
    let shown = |entry| entry_out(py, entry);
    entries.into_iter().map(shown).collect()
}

/// Path, digest, size and outline.
pub(crate) type PyStaged<'py> = (PathBuf, Bound<'py, PyBytes>, u64, Bound<'py, PyBytes>);

pub(crate) fn staged_out<'py>(py: Python<'py>, staged: &[Staged]) -> Vec<PyStaged<'py>> {
    let shown = |file: &Staged| {
        let (digest, size) = object_out(py, file.object);
        (
            file.path.clone(),
            digest,
            size,
            PyBytes::new(py, &file.outline),
        )
    };
    staged.iter().map(shown).collect()
}
