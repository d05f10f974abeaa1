//! A directory that was made of a folder.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use radops_core::directory::Added;

use super::values::{PyObjectName, PyStaged, object_out, objects_out, staged_out};

/// A directory that is ready to be moved into a home.
#[pyclass(frozen, module = "radops._core")]
pub struct AddedTree(pub(super) Added);

#[pymethods]
impl AddedTree {
    /// The root.
    #[getter]
    fn root<'py>(&self, py: Python<'py>) -> PyObjectName<'py> {
        object_out(py, self.0.tree.root)
    }

    /// The layout.
    #[getter]
    fn layout<'py>(&self, py: Python<'py>) -> PyObjectName<'py> {
        object_out(py, self.0.tree.layout)
    }

    /// How many entries it has.
    #[getter]
    fn entries(&self) -> u64 {
        self.0.tree.entries
    }

    /// How many of them are files.
    #[getter]
    fn files(&self) -> u64 {
        self.0.tree.files
    }

    /// Bytes of these files.
    #[getter]
    fn bytes(&self) -> u64 {
        self.0.tree.bytes
    }

    /// New files, in the order of a commit.
    #[getter]
    fn staged<'py>(&self, py: Python<'py>) -> Vec<PyStaged<'py>> {
        staged_out(py, &self.0.staged)
    }

    /// Objects in the home that the directory uses.
    #[getter]
    fn reused<'py>(&self, py: Python<'py>) -> Vec<PyObjectName<'py>> {
        objects_out(py, self.0.reused.clone())
    }

    /// Stats of the files, for the next time.
    #[getter]
    fn stats<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.stats)
    }

    /// Files that were read.
    #[getter]
    fn read(&self) -> u64 {
        self.0.read
    }
}
