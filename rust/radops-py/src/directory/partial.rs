//! What must be fetched to read a part of a directory.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use radops_core::directory::{Patterns, lacking, needed, placed};

use super::reader::TreeReader;
use super::values::{PyObjectName, object_out, objects_in, objects_out};
use crate::errors::Result;

/// Numbers of 4 bytes each.
type PyNumbers<'py> = Bound<'py, PyBytes>;

#[pymethods]
impl TreeReader {
    /// Packs and large files that hold what matches.
    #[pyo3(signature = (patterns = Vec::new()))]
    fn needed<'py>(
        &self,
        py: Python<'py>,
        patterns: Vec<String>,
    ) -> Result<Vec<PyObjectName<'py>>> {
        let patterns = Patterns::new(&patterns)?;
        let found = py.detach(|| needed(&self.0, &patterns))?;
        Ok(objects_out(py, found))
    }

    /// Packs and large files that are not here and hold what matches and is not here otherwise:
    /// each with how many contents that are, their bytes, and how much of it they take.
    /// If `first`, the look ends at the first of them.
    #[pyo3(signature = (patterns = Vec::new(), *, first = false))]
    fn lacking<'py>(
        &self,
        py: Python<'py>,
        patterns: Vec<String>,
        first: bool,
    ) -> Result<Vec<(PyObjectName<'py>, u64, u64, u64)>> {
        let patterns = Patterns::new(&patterns)?;
        let found = py.detach(|| lacking(&self.0, &patterns, first))?;
        let shown = found.into_iter().map(|one| {
            let source = object_out(py, one.source);
            (source, one.files, one.bytes, one.taken)
        });
        Ok(shown.collect())
    }

    /// What matches of some packs: number of the pack, offset in it and size (4 bytes each), and
    /// digests.
    #[pyo3(signature = (packs, patterns = Vec::new()))]
    #[allow(clippy::type_complexity)]
    fn placed<'py>(
        &self,
        py: Python<'py>,
        packs: Vec<PyObjectName<'py>>,
        patterns: Vec<String>,
    ) -> Result<(
        PyNumbers<'py>,
        PyNumbers<'py>,
        PyNumbers<'py>,
        Bound<'py, PyBytes>,
    )> {
        let patterns = Patterns::new(&patterns)?;
        let packs = objects_in(packs)?;
        let (found, digests) = py.detach(|| {
            let found = placed(&self.0, &patterns, &packs)?;
            let digests: Vec<u8> = found.iter().flat_map(|one| one.digest).collect();
            Ok::<_, radops_core::directory::Error>((found, digests))
        })?;
        let numbers = |values: &mut dyn Iterator<Item = u32>| {
            let bytes: Vec<u8> = values.flat_map(u32::to_ne_bytes).collect();
            PyBytes::new(py, &bytes)
        };
        Ok((
            numbers(&mut found.iter().map(|one| one.pack)),
            numbers(&mut found.iter().map(|one| one.offset)),
            numbers(&mut found.iter().map(|one| one.size)),
            PyBytes::new(py, &digests),
        ))
    }
}
