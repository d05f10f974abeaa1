//! Many small files at once, as Python calls it.
//!
//! Threads that make or rename files in one folder wait for each other in the kernel, and keep a
//! core busy with waiting: one is enough, unless told otherwise.

use crate::error::{Cancelled, Error};
use crate::place;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use std::path::PathBuf;

use super::calls::detached;

/// Write many files that must not exist.
#[pyfunction]
#[pyo3(signature = (files, *, mode = 0o444, threads = 1))]
pub fn write_files<'py>(
    py: Python<'py>,
    files: Vec<(PathBuf, Bound<'py, PyBytes>)>,
    mode: u32,
    threads: usize,
) -> PyResult<Bound<'py, PyList>> {
    let files: Vec<_> = files
        .iter()
        .map(|(path, content)| (path, content.as_bytes()))
        .collect();
    failures(
        py,
        detached(py, threads, None, |call| {
            place::write_files(&files, mode, call)
        })?,
    )
}

/// Give many files their permission bits, and now as their time.
#[pyfunction]
#[pyo3(signature = (paths, *, mode = 0o444, threads = 1))]
pub fn finish_files<'py>(
    py: Python<'py>,
    paths: Vec<PathBuf>,
    mode: u32,
    threads: usize,
) -> PyResult<Bound<'py, PyList>> {
    failures(
        py,
        detached(py, threads, None, |call| {
            place::finish_files(&paths, mode, call)
        })?,
    )
}

/// Rename many files.
#[pyfunction]
#[pyo3(signature = (pairs, *, replace, threads = 1))]
pub fn place_files<'py>(
    py: Python<'py>,
    pairs: Vec<(PathBuf, PathBuf)>,
    replace: bool,
    threads: usize,
) -> PyResult<Bound<'py, PyList>> {
    failures(
        py,
        detached(py, threads, None, |call| {
            place::place_files(&pairs, replace, call)
        })?,
    )
}

/// Look at many files.
#[pyfunction]
#[pyo3(signature = (paths, *, threads = 0))]
pub fn stat_files<'py>(
    py: Python<'py>,
    paths: Vec<PathBuf>,
    threads: usize,
) -> PyResult<Bound<'py, PyList>> {
    let answers = detached(py, threads, None, |call| place::stat_files(&paths, call))?;
    let list = PyList::empty(py);
    for answer in answers.map_err(|_| Error::Cancelled)? {
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
            Err(error) => list.append(PyErr::from(error).into_value(py))?,
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
    answers: Result<Vec<Result<(), Error>>, Cancelled>,
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for answer in answers.map_err(|_| Error::Cancelled)? {
        match answer {
            Ok(()) => list.append(py.None())?,
            Err(error) => list.append(PyErr::from(error).into_value(py))?,
        }
    }
    Ok(list)
}
