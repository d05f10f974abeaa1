//! Sweeps and listings of very many small files, as Python sees them.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use radops_core::folder::Entry;
use radops_core::object_name::ObjectName;
use radops_core::outline::Digest;
use radops_core::slots::Files;
use radops_core::sweep;
use radops_core::sweep::Known;
use radops_core::sys::{Stat, is_settled};
use std::ffi::OsString;
use std::path::PathBuf;

use super::calls::detached;
use super::errors::Result;
use super::types::Progress;

/// A key below a folder, and whether it is a regular file.
type Rest = Vec<(OsString, bool)>;

/// Key, size, time of modification and of change, inode, digest and time of the check.
type Row<'py> = (
    Bound<'py, PyString>,
    u64,
    i64,
    i64,
    u64,
    Bound<'py, PyBytes>,
    i64,
);

const OBJECTS: &str = "objects/";

/// Checks a lake of very many small files in bulk, and finds out which need a closer look.
#[pyclass(module = "radops._core")]
pub struct Sweep {
    sweep: sweep::Sweep,
    threads: usize,
}

#[pymethods]
impl Sweep {
    #[new]
    #[pyo3(signature = (store, lake, prefix, *, threads = 0))]
    fn new(store: PathBuf, lake: PathBuf, prefix: &str, threads: usize) -> Result<Self> {
        let sweep = sweep::Sweep::new(&store, &lake, prefix)?;
        Ok(Self { sweep, threads })
    }

    /// Read the next slots: names of files that are checked here, and what is left.
    fn read(&mut self, py: Python<'_>, most: usize) -> Result<Option<(Vec<String>, Rest)>> {
        let Self { sweep, threads } = self;
        let read = detached(py, *threads, None, |call| sweep.read(most, call))??;
        Ok(read.map(|read| (read.names, rest(read.rest))))
    }

    /// Sort the objects, once all slots were read. Gives how many there are.
    fn sort(&mut self, py: Python<'_>) -> usize {
        py.detach(|| self.sweep.sort());
        self.sweep.count()
    }

    /// Leave objects to Python.
    fn leave(&mut self, digests: Vec<Bound<'_, PyBytes>>) {
        for digest in digests {
            if let Ok(digest) = Digest::try_from(digest.as_bytes()) {
                self.sweep.leave(&digest);
            }
        }
    }

    /// Leave objects whose files are not as they should be, without reading them.
    fn survey(&mut self, py: Python<'_>, start: usize, most: usize) -> Result<()> {
        let Self { sweep, threads } = self;
        detached(py, *threads, None, |call| sweep.survey(start, most, call))??;
        Ok(())
    }

    /// The keys of objects.
    fn keys(&self, start: usize, most: usize) -> Vec<String> {
        let end = self.sweep.count().min(start.saturating_add(most));
        let digests = (start..end).filter_map(|index| self.sweep.digest(index));
        digests.map(key).collect()
    }

    /// Check objects. Gives rows of those that were read and are good.
    #[pyo3(signature = (start, most, rows, *, quick, began, progress = None))]
    #[allow(clippy::too_many_arguments)]
    fn check<'py>(
        &mut self,
        py: Python<'py>,
        start: usize,
        most: usize,
        rows: &Bound<'py, PyList>,
        quick: bool,
        began: i64,
        progress: Option<&Bound<'py, Progress>>,
    ) -> Result<Vec<Bound<'py, PyTuple>>> {
        // A malformed row is ignored: the catalogue can hold anything.
        let mut known: Vec<_> = rows
            .iter()
            .filter_map(|row| known(row.extract().ok()?))
            .collect();
        known.sort_unstable_by_key(|known| known.digest);
        let Self { sweep, threads } = self;
        let news = detached(py, *threads, progress, |call| {
            sweep.check(start, most, &known, quick, call)
        })??;
        let rows = news.iter().map(|(digest, stat)| {
            let (mtime, ctime) = (stat.mtime_ns(), stat.ctime_ns());
            let bytes = PyBytes::new(py, digest);
            let row = (
                key(digest),
                stat.size,
                mtime,
                ctime,
                stat.inode,
                bytes,
                began,
            );
            row.into_pyobject(py)
        });
        Ok(rows.collect::<PyResult<_>>()?)
    }

    /// Files, objects, bytes of these, and trusted objects, of all that was not left.
    fn totals(&self) -> (u64, u64, u64, u64) {
        let totals = self.sweep.totals();
        (totals.files, totals.objects, totals.bytes, totals.trusted)
    }

    /// How many objects were left.
    fn left(&self) -> usize {
        self.sweep.left()
    }

    /// Read the slots once more from the beginning.
    fn rewind(&mut self) -> Result<()> {
        Ok(self.sweep.rewind()?)
    }

    /// The names of files that need an object which was left, among the next slots.
    fn users(&mut self, py: Python<'_>, most: usize) -> Result<Option<Vec<String>>> {
        let Self { sweep, threads } = self;
        Ok(detached(py, *threads, None, |call| {
            sweep.users(most, call)
        })??)
    }

    /// What is below `objects/` and was not found good.
    fn strangers(&mut self, py: Python<'_>, most: usize) -> Result<Option<Rest>> {
        let found = py.detach(|| self.sweep.strangers(most))?;
        Ok(found.map(rest))
    }
}

/// The files of a lake, for a listing.
#[pyclass(module = "radops._core")]
pub struct FileRows(Files);

/// Name, size, digest, time of creation, originator, and whether the object is on this machine.
type FileRow<'py> = (String, u64, Bound<'py, PyBytes>, String, String, bool);

#[pymethods]
impl FileRows {
    #[new]
    #[pyo3(signature = (store, lake, prefix, *, recursive = true))]
    fn new(store: PathBuf, lake: PathBuf, prefix: &str, recursive: bool) -> Result<Self> {
        Ok(Self(Files::new(&store, &lake, prefix, recursive)?))
    }

    /// Read the next slots: files, and what is left.
    fn read<'py>(
        &mut self,
        py: Python<'py>,
        most: usize,
    ) -> Result<Option<(Vec<FileRow<'py>>, Rest)>> {
        let batch = detached(py, 0, None, |call| self.0.next(most, call))??;
        Ok(batch.map(|batch| {
            let rows = batch.found.into_iter().map(|(uid, row)| {
                let digest = PyBytes::new(py, &row.digest);
                (
                    uid,
                    row.size,
                    digest,
                    row.created_at,
                    row.originator,
                    row.here,
                )
            });
            (rows.collect(), rest(batch.rest))
        }))
    }
}

fn rest(entries: Vec<Entry>) -> Rest {
    let pairs = entries.into_iter().map(|entry| (entry.key, entry.regular));
    pairs.collect()
}

fn key(digest: &Digest) -> String {
    format!("{OBJECTS}{}", ObjectName::new(digest).path().display())
}

/// The content of a row of the catalogue, if it is about an object and agrees with its name.
fn known(row: Row<'_>) -> Option<Known> {
    let (key, size, mtime, ctime, inode, bytes, checked) = row;
    let digest = Digest::try_from(bytes.as_bytes()).ok()?;
    let name = key.to_str().ok()?.strip_prefix(OBJECTS)?;
    let nanoseconds = |time: i64| {
        (
            time.div_euclid(1_000_000_000),
            time.rem_euclid(1_000_000_000),
        )
    };
    (ObjectName::parse(name.as_ref()) == Some(digest)).then(|| Known {
        digest,
        stat: Stat {
            size,
            mtime: nanoseconds(mtime),
            ctime: nanoseconds(ctime),
            inode,
            device: 0,
        },
        settled: is_settled(mtime.into(), ctime.into(), checked.into()),
    })
}
