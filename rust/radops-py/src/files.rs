//! Many small files at once, as Python calls it.
//!
//! Threads that make or rename files in one folder wait for each other in the kernel, and keep a
//! core busy with waiting: one is enough, unless the caller asks for more.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
#[cfg(unix)]
use radops_core::beneath::Root;
use radops_core::error::{Cancelled, Error};
use radops_core::place::{self, Naming, Site};
use std::path::PathBuf;

use super::calls::detached;
use super::errors::{self, Result};

/// Where files are: below a root without a link on the way, if there is one, otherwise anywhere.
fn site(beneath: Option<PathBuf>, folder_mode: Option<u32>) -> Result<Site> {
    let Some(root) = beneath else {
        return Ok(Site::Anywhere);
    };
    #[cfg(unix)]
    return Ok(Site::Beneath(Root::open(&root, folder_mode)?));
    #[cfg(not(unix))]
    {
        let _ = folder_mode;
        let unsupported = std::io::ErrorKind::Unsupported;
        Err(Error::io(&root, std::io::Error::from(unsupported)).into())
    }
}

/// Write many files that must not exist.
#[pyfunction]
#[pyo3(signature = (files, *, mode = 0o444, beneath = None, threads = 1))]
pub fn write_files<'py>(
    py: Python<'py>,
    files: Vec<(PathBuf, Bound<'py, PyBytes>)>,
    mode: u32,
    beneath: Option<PathBuf>,
    threads: usize,
) -> Result<Bound<'py, PyList>> {
    let site = site(beneath, None)?;
    let files: Vec<_> = files
        .iter()
        .map(|(path, content)| (path, content.as_bytes()))
        .collect();
    failures(
        py,
        detached(py, threads, None, |call| {
            place::write_files(&site, &files, mode, call)
        })?,
    )
}

/// Give many files their permission bits, and now as their time.
#[pyfunction]
#[pyo3(signature = (paths, *, mode = 0o444, beneath = None, threads = 1))]
pub fn finish_files<'py>(
    py: Python<'py>,
    paths: Vec<PathBuf>,
    mode: u32,
    beneath: Option<PathBuf>,
    threads: usize,
) -> Result<Bound<'py, PyList>> {
    let site = site(beneath, None)?;
    failures(
        py,
        detached(py, threads, None, |call| {
            place::finish_files(&site, &paths, mode, call)
        })?,
    )
}

/// Give many files new names.
#[pyfunction]
#[pyo3(signature = (pairs, *, replace, link = false, beneath = None, folder_mode = None, threads = 1))]
pub fn place_files<'py>(
    py: Python<'py>,
    pairs: Vec<(PathBuf, PathBuf)>,
    replace: bool,
    link: bool,
    beneath: Option<PathBuf>,
    folder_mode: Option<u32>,
    threads: usize,
) -> Result<Bound<'py, PyList>> {
    let site = site(beneath, folder_mode)?;
    let naming = match (replace, link) {
        (true, _) => Naming::Replace,
        (false, false) => Naming::Rename,
        (false, true) => Naming::Link,
    };
    failures(
        py,
        detached(py, threads, None, |call| {
            place::place_files(&site, &pairs, naming, call)
        })?,
    )
}

/// Remove many files.
#[pyfunction]
#[pyo3(signature = (paths, *, beneath = None, threads = 1))]
pub fn remove_files<'py>(
    py: Python<'py>,
    paths: Vec<PathBuf>,
    beneath: Option<PathBuf>,
    threads: usize,
) -> Result<Bound<'py, PyList>> {
    let site = site(beneath, None)?;
    failures(
        py,
        detached(py, threads, None, |call| {
            place::remove_files(&site, &paths, call)
        })?,
    )
}

/// Open a folder below a root without following a link; the caller owns the descriptor.
#[pyfunction]
#[pyo3(signature = (root, path, /))]
pub fn open_folder_beneath(py: Python<'_>, root: PathBuf, path: PathBuf) -> Result<i32> {
    #[cfg(unix)]
    return py.detach(|| {
        use std::os::fd::IntoRawFd;
        let folder = Root::open(&root, None)?.folder(&path);
        Ok(folder
            .map_err(|error| Error::io(&path, error))?
            .into_raw_fd())
    });
    #[cfg(not(unix))]
    {
        let _ = (py, path);
        let unsupported = std::io::ErrorKind::Unsupported;
        Err(Error::io(&root, std::io::Error::from(unsupported)).into())
    }
}

/// Look at many files.
#[pyfunction]
#[pyo3(signature = (paths, *, threads = 0))]
pub fn stat_files<'py>(
    py: Python<'py>,
    paths: Vec<PathBuf>,
    threads: usize,
) -> Result<Bound<'py, PyList>> {
    let answers = detached(py, threads, None, |call| place::stat_files(&paths, call))?;
    let list = PyList::empty(py);
    for answer in answers? {
        match answer {
            Ok(None) => list.append(py.None())?,
            Ok(Some(stat)) => list.append(PyTuple::new(
                py,
                [
                    stat.size.into_pyobject(py)?.into_any(),
                    nanoseconds(py, stat.mtime_ns())?,
                    nanoseconds(py, stat.ctime_ns())?,
                    stat.inode.into_pyobject(py)?.into_any(),
                ],
            )?)?,
            Err(error) => list.append(errors::value(py, error))?,
        }
    }
    Ok(list)
}

/// A number that almost always has 64 bits, for which the stable ABI has a quick way.
fn nanoseconds(py: Python<'_>, value: i128) -> PyResult<Bound<'_, PyAny>> {
    Ok(match i64::try_from(value) {
        Ok(value) => value.into_pyobject(py)?.into_any(),
        Err(_) => value.into_pyobject(py)?.into_any(),
    })
}

/// `None` for each file that was done, an `OSError` for each that was not.
fn failures<'py>(
    py: Python<'py>,
    answers: std::result::Result<Vec<std::result::Result<(), Error>>, Cancelled>,
) -> Result<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for answer in answers? {
        match answer {
            Ok(()) => list.append(py.None())?,
            Err(error) => list.append(errors::value(py, error))?,
        }
    }
    Ok(list)
}
