//! A directory that is made of files whose bytes come one by one, and the rules of what is left out.

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use radops_core::directory::{KnownPack, Rules, Staged, Stream};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::values::{
    PyObjectName, PyStaged, object_in, object_out, objects_in, objects_out, staged_out,
};
use crate::errors::Result;

/// Digest, and the packs that were full before the file and with it.
type PyTaken<'py> = (
    Bound<'py, PyBytes>,
    Option<PyStaged<'py>>,
    Option<PyStaged<'py>>,
);

/// A directory that is being made of files that come one by one.
#[pyclass(frozen, module = "radops._core")]
pub struct TreeStream(Mutex<Option<Stream>>);

impl TreeStream {
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl Send + FnOnce(&mut Stream) -> radops_core::directory::Result<T>,
    ) -> Result<T> {
        let done = py.detach(|| {
            let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            stream.as_mut().map(work)
        });
        Ok(done.ok_or_else(finished)??)
    }
}

fn finished() -> PyErr {
    pyo3::exceptions::PyValueError::new_err("the directory is finished")
}

fn one_out<'py>(py: Python<'py>, staged: Option<Staged>) -> Option<PyStaged<'py>> {
    staged_out(py, staged.as_slice()).pop()
}

#[pymethods]
impl TreeStream {
    #[new]
    #[pyo3(signature = (stem, packs = Vec::new()))]
    fn new(stem: PathBuf, packs: Vec<(PyObjectName<'_>, Vec<PyObjectName<'_>>)>) -> Result<Self> {
        let known = |(pack, files): (PyObjectName<'_>, Vec<PyObjectName<'_>>)| {
            Ok((object_in(&pack)?, objects_in(files)?))
        };
        let packs: PyResult<Vec<KnownPack>> = packs.into_iter().map(known).collect();
        Ok(Self(Mutex::new(Some(Stream::new(&stem, &packs?)))))
    }

    /// Add the next file.
    fn push<'py>(&self, py: Python<'py>, path: &str, data: PyBackedBytes) -> Result<PyTaken<'py>> {
        let taken = self.with(py, |stream| stream.push(path, &data))?;
        Ok((
            PyBytes::new(py, &taken.digest),
            one_out(py, taken.before),
            one_out(py, taken.after),
        ))
    }

    /// Add the next file without its bytes; false if they are needed.
    fn push_known(&self, py: Python<'_>, path: &str, object: PyObjectName<'_>) -> Result<bool> {
        let object = object_in(&object)?;
        self.with(py, |stream| stream.push_known(path, &object))
    }

    /// Add the next entry, an empty folder.
    fn push_folder(&self, py: Python<'_>, path: &str) -> Result<()> {
        self.with(py, |stream| stream.push_folder(path))
    }

    /// End the last pack.
    fn close<'py>(&self, py: Python<'py>) -> Result<Option<PyStaged<'py>>> {
        let last = self.with(py, Stream::close)?;
        Ok(one_out(py, last))
    }

    /// Make pages, root and layout: root, layout, entries, files, bytes, new files, packs in use.
    #[allow(clippy::type_complexity)]
    fn finish<'py>(
        &self,
        py: Python<'py>,
    ) -> Result<(
        PyObjectName<'py>,
        PyObjectName<'py>,
        (u64, u64, u64),
        Vec<PyStaged<'py>>,
        Vec<PyObjectName<'py>>,
    )> {
        let done = py.detach(|| {
            let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            stream.take().map(Stream::finish)
        });
        let (tree, staged, packs) = done.ok_or_else(finished)??;
        Ok((
            object_out(py, tree.root),
            object_out(py, tree.layout),
            (tree.entries, tree.files, tree.bytes),
            staged_out(py, &staged),
            objects_out(py, packs),
        ))
    }
}

/// The rules of what is left out of a directory.
#[pyclass(frozen, module = "radops._core")]
pub struct IgnoreRules(Rules);

#[pymethods]
impl IgnoreRules {
    #[new]
    #[pyo3(signature = (text = "", *, exclude = Vec::new(), no_ignore = false))]
    fn new(text: &str, exclude: Vec<String>, no_ignore: bool) -> Result<Self> {
        Ok(Self(Rules::with_text(text, &exclude, no_ignore)?))
    }

    /// Whether this path, relative to the top, is left out.
    fn leave_out(&self, path: &str, folder: bool) -> bool {
        self.0.leave_out(path, folder)
    }

    /// How many rules left something out.
    #[getter]
    fn used(&self) -> usize {
        self.0.used()
    }
}
