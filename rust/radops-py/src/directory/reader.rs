//! A directory that is read: entries, files, and the objects that are needed for them.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use radops_core::directory::{Directory, OwnedEntry, Patterns, Store};
use radops_core::outline::Digest;
use std::path::PathBuf;

use super::values::{
    PyEntry, PyObjectName, entries_out, entry_out, object_in, object_out, objects_out,
};
use crate::errors::Result;

/// A directory, open for reading.
#[pyclass(frozen, module = "radops._core")]
pub struct TreeReader(pub(super) Directory);

#[pymethods]
impl TreeReader {
    #[new]
    #[pyo3(signature = (home, root, layout = None))]
    fn new(
        py: Python<'_>,
        home: PathBuf,
        root: PyObjectName<'_>,
        layout: Option<PyObjectName<'_>>,
    ) -> Result<Self> {
        let root = object_in(&root)?;
        let layout = layout.as_ref().map(object_in).transpose()?;
        let store = Store::new(&home);
        Ok(Self(py.detach(|| Directory::open(store, root, layout))?))
    }

    /// How many entries it has.
    #[getter]
    fn entries(&self) -> u64 {
        self.0.root().entries()
    }

    /// How many of them are files.
    #[getter]
    fn files(&self) -> u64 {
        self.0.root().files
    }

    /// Bytes of these files.
    #[getter]
    fn bytes(&self) -> u64 {
        self.0.root().bytes
    }

    /// How many pages it has.
    #[getter]
    fn pages(&self) -> usize {
        self.0.root().page_count()
    }

    /// The entry with this path.
    fn find<'py>(&self, py: Python<'py>, path: &str) -> Result<Option<PyEntry<'py>>> {
        let found = py.detach(|| self.0.find(path))?;
        Ok(found.map(|(entry, _, _)| entry_out(py, entry)))
    }

    /// The pack or object that holds a file, and the offset in it.
    fn place<'py>(&self, py: Python<'py>, path: &str) -> Result<Option<(PyObjectName<'py>, u64)>> {
        let place = py.detach(|| self.0.place(path))?;
        Ok(place.map(|(object, offset)| (object_out(py, object), offset)))
    }

    /// The bytes of a file of at most 4 MiB, hashed.
    fn read<'py>(&self, py: Python<'py>, path: &str) -> Result<Option<Bound<'py, PyBytes>>> {
        let bytes = py.detach(|| self.0.read(path))?;
        Ok(bytes.map(|bytes| PyBytes::new(py, &bytes)))
    }

    /// What is directly in a folder: names, and the entries of those that are no folders.
    #[pyo3(signature = (folder, *, after = "", most = 1000))]
    fn children<'py>(
        &self,
        py: Python<'py>,
        folder: &str,
        after: &str,
        most: usize,
    ) -> Result<Vec<(String, Option<PyEntry<'py>>)>> {
        let found = py.detach(|| self.0.children(folder, after, most))?;
        let shown = |(name, entry): (String, Option<OwnedEntry>)| {
            (name, entry.map(|entry| entry_out(py, entry)))
        };
        Ok(found.into_iter().map(shown).collect())
    }

    /// Entries that match, after a path.
    #[pyo3(signature = (patterns = Vec::new(), *, after = "", most = 1000))]
    fn select<'py>(
        &self,
        py: Python<'py>,
        patterns: Vec<String>,
        after: &str,
        most: usize,
    ) -> Result<Vec<PyEntry<'py>>> {
        let patterns = Patterns::new(&patterns)?;
        let found = py.detach(|| {
            let mut found = Vec::new();
            if most > 0 {
                self.0.each_match(&patterns, after, |entry, _, _| {
                    found.push(OwnedEntry::from(entry));
                    found.len() < most
                })?;
            }
            Ok::<_, radops_core::directory::Error>(found)
        })?;
        Ok(entries_out(py, found))
    }

    /// How many files of each page match, and their bytes.
    #[pyo3(signature = (patterns = Vec::new()))]
    fn page_totals(&self, py: Python<'_>, patterns: Vec<String>) -> Result<Vec<(u64, u64)>> {
        let patterns = some_patterns(&patterns)?;
        Ok(py.detach(|| self.0.page_totals(patterns.as_ref()))?)
    }

    /// Files of a page that match, by their numbers among those.
    #[pyo3(signature = (page, start, stop, patterns = Vec::new()))]
    fn page_files<'py>(
        &self,
        py: Python<'py>,
        page: usize,
        start: usize,
        stop: usize,
        patterns: Vec<String>,
    ) -> Result<Vec<PyEntry<'py>>> {
        if page >= self.0.root().page_count() {
            return Ok(Vec::new());
        }
        let patterns = some_patterns(&patterns)?;
        let found = py.detach(|| self.0.page_files(page, start..stop, patterns.as_ref()))?;
        Ok(entries_out(py, found))
    }

    /// Name, size and digest of the files below a folder, after a path. Names begin with `base`.
    #[pyo3(signature = (folder, *, base = "", after = "", most = 1000))]
    fn files_below<'py>(
        &self,
        py: Python<'py>,
        folder: &str,
        base: &str,
        after: &str,
        most: usize,
    ) -> Result<Vec<(String, u64, Bound<'py, PyBytes>)>> {
        let mut prefix = folder.to_owned();
        if !folder.is_empty() {
            prefix.push('/');
        }
        let found = py.detach(|| {
            let mut found = Vec::new();
            if most > 0 {
                self.0.each(&prefix, after, |entry, _, _| {
                    if entry.kind.is_file() {
                        found.push(([base, entry.path].concat(), entry.size, entry.digest));
                    }
                    found.len() < most
                })?;
            }
            Ok::<_, radops_core::directory::Error>(found)
        })?;
        let shown =
            |(name, size, digest): (String, u64, Digest)| (name, size, PyBytes::new(py, &digest));
        Ok(found.into_iter().map(shown).collect())
    }

    /// Files of some pages (page, first number, number after the last) that match: what all paths
    /// begin with, the rest of them one after the other, where each ends, sizes (8 bytes each),
    /// digests, packs, the number of each file's pack (4 bytes each) and the offset there (4 bytes).
    #[allow(clippy::type_complexity)]
    #[pyo3(signature = (parts, patterns = Vec::new()))]
    fn stretch<'py>(
        &self,
        py: Python<'py>,
        parts: Vec<(usize, usize, usize)>,
        patterns: Vec<String>,
    ) -> Result<(
        String,
        String,
        Bound<'py, PyBytes>,
        Bound<'py, PyBytes>,
        Bound<'py, PyBytes>,
        Vec<PyObjectName<'py>>,
        Bound<'py, PyBytes>,
        Bound<'py, PyBytes>,
    )> {
        let patterns = some_patterns(&patterns)?;
        let count = self.0.root().page_count();
        let known = parts.into_iter().filter(|(page, ..)| *page < count);
        let parts: Vec<_> = known
            .map(|(page, start, stop)| (page, start..stop))
            .collect();
        let found = py.detach(|| self.0.stretch(&parts, patterns.as_ref()))?;
        let short = |values: &[u32]| {
            let bytes: Vec<u8> = values.iter().flat_map(|one| one.to_ne_bytes()).collect();
            PyBytes::new(py, &bytes)
        };
        let sizes: Vec<u8> = found
            .sizes
            .iter()
            .flat_map(|one| one.to_ne_bytes())
            .collect();
        Ok((
            found.prefix,
            found.names,
            short(&found.ends),
            PyBytes::new(py, &sizes),
            PyBytes::new(py, &found.digests),
            objects_out(py, found.packs),
            short(&found.pack_of),
            short(&found.offsets),
        ))
    }

    /// Pages of these numbers, with their layout pages if `places`, that are not here.
    #[pyo3(signature = (pages, *, places = true))]
    fn missing_pages<'py>(
        &self,
        py: Python<'py>,
        pages: Vec<usize>,
        places: bool,
    ) -> Vec<PyObjectName<'py>> {
        let count = self.0.root().page_count();
        let known = pages.into_iter().filter(|page| *page < count);
        let missing = py.detach(|| self.0.missing(known, places));
        objects_out(py, missing)
    }

    /// Pages, with their layout pages if `places`, that are needed for what matches and that are
    /// not here.
    #[pyo3(signature = (patterns = Vec::new(), *, places = true))]
    fn missing<'py>(
        &self,
        py: Python<'py>,
        patterns: Vec<String>,
        places: bool,
    ) -> Result<Vec<PyObjectName<'py>>> {
        let patterns = Patterns::new(&patterns)?;
        let missing = py.detach(|| {
            let ranges = patterns.prefixes().iter();
            let ranges = ranges.map(|prefix| self.0.pages_with(prefix));
            let mut missing: Vec<_> = ranges
                .flat_map(|pages| self.0.missing(pages, places))
                .collect();
            missing.sort_unstable();
            missing.dedup();
            missing
        });
        Ok(objects_out(py, missing))
    }

    /// Every pack and large file.
    fn sources<'py>(&self, py: Python<'py>) -> Result<Vec<PyObjectName<'py>>> {
        let sources = py.detach(|| self.0.sources())?;
        Ok(objects_out(py, sources))
    }

    /// Pages, source lists and layout pages.
    fn parts<'py>(&self, py: Python<'py>) -> Vec<PyObjectName<'py>> {
        objects_out(py, self.0.parts())
    }
}

/// None for no patterns, which everything matches.
fn some_patterns(patterns: &[String]) -> Result<Option<Patterns>> {
    let given = !patterns.is_empty();
    Ok(given.then(|| Patterns::new(patterns)).transpose()?)
}
