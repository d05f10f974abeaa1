//! A folder that is to become a directory.

use pyo3::prelude::*;
use radops_core::directory::{AddOptions, Options, Scan, add, name_folder};
use std::path::PathBuf;

use super::add::AddedTree;
use super::values::{PyObjectName, object_out, objects_in};
use crate::calls::detached;
use crate::errors::Result;
use crate::types::Progress;

/// Everything in a folder that is to become a directory.
#[pyclass(frozen, module = "radops._core")]
pub struct FolderScan(Scan);

#[pymethods]
impl FolderScan {
    #[new]
    #[pyo3(signature = (
        path, *, exclude = Vec::new(), no_ignore = false, follow_links = false,
        executables = false, threads = 0, progress = None
    ))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        exclude: Vec<String>,
        no_ignore: bool,
        follow_links: bool,
        executables: bool,
        threads: usize,
        progress: Option<&Bound<'_, Progress>>,
    ) -> Result<Self> {
        let options = Options {
            exclude,
            no_ignore,
            follow_links,
            executables,
        };
        let scan = detached(py, threads, progress, |call| {
            Scan::new(&path, &options, call)
        })?;
        Ok(Self(scan?))
    }

    /// Entries that the directory will have.
    #[getter]
    fn entries(&self) -> u64 {
        self.0.totals().entries
    }

    /// How many of them are files.
    #[getter]
    fn files(&self) -> u64 {
        self.0.totals().files
    }

    /// Bytes of these files.
    #[getter]
    fn bytes(&self) -> u64 {
        self.0.totals().bytes
    }

    /// Files that rules left out.
    #[getter]
    fn left_out(&self) -> u64 {
        self.0.totals().left_out
    }

    /// Rules that left something out.
    #[getter]
    fn rules(&self) -> u64 {
        self.0.totals().rules
    }

    /// Files whose names are those of a lake's own, and links that were followed.
    #[getter]
    fn lake_files(&self) -> Vec<String> {
        self.0.lake_files().to_vec()
    }

    /// Make a directory: finished files in `tmp/`, to be moved into the home together.
    #[pyo3(signature = (home, stem, *, base = Vec::new(), stats = None, threads = 0, progress = None))]
    #[allow(clippy::too_many_arguments)]
    fn add<'py>(
        &self,
        py: Python<'py>,
        home: PathBuf,
        stem: PathBuf,
        base: Vec<PyObjectName<'py>>,
        stats: Option<PathBuf>,
        threads: usize,
        progress: Option<&Bound<'py, Progress>>,
    ) -> Result<AddedTree> {
        let options = AddOptions {
            home,
            stem,
            base: objects_in(base)?,
            stats,
        };
        let added = detached(py, threads, progress, |call| add(&self.0, &options, call))?;
        Ok(AddedTree(added?))
    }

    /// Write root and pages of the directory that the folder would become below `target`.
    #[pyo3(signature = (home, target, *, stats = None, threads = 0, progress = None))]
    fn name<'py>(
        &self,
        py: Python<'py>,
        home: PathBuf,
        target: PathBuf,
        stats: Option<PathBuf>,
        threads: usize,
        progress: Option<&Bound<'py, Progress>>,
    ) -> Result<PyObjectName<'py>> {
        let root = detached(py, threads, progress, |call| {
            name_folder(&self.0, &home, &target, stats.as_deref(), call)
        })?;
        Ok(object_out(py, root?))
    }
}
