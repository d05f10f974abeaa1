//! What differs between two directories.

use pyo3::prelude::*;
use radops_core::directory::{OwnedEntry, diff, missing_to_diff};

use super::reader::TreeReader;
use super::values::{PyEntry, PyObjectName, entries_out, entry_out, objects_out};
use crate::errors::Result;

/// Pairs of entries: before and after.
type PyPairs<'py> = Vec<(PyEntry<'py>, PyEntry<'py>)>;

/// What differs between two directories: added, removed, changed and moved.
#[pyfunction]
#[pyo3(signature = (left, right, /))]
#[allow(clippy::type_complexity)]
pub fn diff_trees<'py>(
    py: Python<'py>,
    left: &Bound<'py, TreeReader>,
    right: &Bound<'py, TreeReader>,
) -> Result<(
    Vec<PyEntry<'py>>,
    Vec<PyEntry<'py>>,
    PyPairs<'py>,
    PyPairs<'py>,
)> {
    let (left, right) = (&left.get().0, &right.get().0);
    let found = py.detach(|| diff(left, right))?;
    let pairs = |pairs: Vec<(OwnedEntry, OwnedEntry)>| -> PyPairs<'py> {
        let shown = |(old, new)| (entry_out(py, old), entry_out(py, new));
        pairs.into_iter().map(shown).collect()
    };
    Ok((
        entries_out(py, found.added),
        entries_out(py, found.removed),
        pairs(found.changed),
        pairs(found.moved),
    ))
}

/// Pages that are needed to compare two directories and are not here.
#[pyfunction]
#[pyo3(signature = (left, right, /))]
pub fn missing_to_diff_trees<'py>(
    py: Python<'py>,
    left: &Bound<'py, TreeReader>,
    right: &Bound<'py, TreeReader>,
) -> Vec<PyObjectName<'py>> {
    objects_out(py, missing_to_diff(&left.get().0, &right.get().0))
}
