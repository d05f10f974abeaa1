//! A directory as a whole: checked, summed up, written into a folder, and made again.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use radops_core::directory::{
    Patterns, UpdateOptions, WriteOptions, hits, prove, rebuild, summarize, update, used, write,
};
use std::path::PathBuf;

use super::add::AddedTree;
use super::reader::TreeReader;
use super::values::{PyObjectName, PyStaged, object_out, objects_in, staged_out};
use crate::calls::{detached, digest_of};
use crate::errors::Result;
use crate::types::Progress;

#[pymethods]
impl TreeReader {
    /// Check all pages and layout pages; gives how many entries there are.
    fn check(&self, py: Python<'_>) -> Result<u64> {
        Ok(py.detach(|| self.0.check())?)
    }

    /// Hash every packed file of some pages at its place in the layout. Gives how many are not
    /// there, and some of their paths with the packs.
    #[pyo3(signature = (pages = None, *, threads = 0, progress = None))]
    fn prove<'py>(
        &self,
        py: Python<'py>,
        pages: Option<Vec<usize>>,
        threads: usize,
        progress: Option<&Bound<'py, Progress>>,
    ) -> Result<(u64, Vec<(String, PyObjectName<'py>)>)> {
        let count = self.0.root().page_count();
        let mut pages = pages.unwrap_or_else(|| (0..count).collect());
        pages.retain(|page| *page < count);
        let found = detached(py, threads, progress, |call| prove(&self.0, &pages, call))??;
        let shown = |(path, pack)| (path, object_out(py, pack));
        Ok((found.count, found.files.into_iter().map(shown).collect()))
    }

    /// Write what matches into a folder that must not exist. Gives entries and bytes.
    #[pyo3(signature = (
        target, patterns = Vec::new(), *, time, file_mode = 0o644, executable_mode = 0o755,
        folder_mode = 0o755, threads = 0, progress = None
    ))]
    #[allow(clippy::too_many_arguments)]
    fn write(
        &self,
        py: Python<'_>,
        target: PathBuf,
        patterns: Vec<String>,
        time: i64,
        file_mode: u32,
        executable_mode: u32,
        folder_mode: u32,
        threads: usize,
        progress: Option<&Bound<'_, Progress>>,
    ) -> Result<(u64, u64)> {
        let patterns = Patterns::new(&patterns)?;
        let options = WriteOptions {
            file_mode,
            executable_mode,
            folder_mode,
            time,
        };
        let written = detached(py, threads, progress, |call| {
            write(&self.0, &patterns, &target, &options, call)
        })??;
        Ok((written.entries, written.bytes))
    }

    /// Make a layout from the trailers of packs: the layout's name, new files, and how many files
    /// are in none of the packs, with some of their paths.
    #[allow(clippy::type_complexity)]
    fn rebuild<'py>(
        &self,
        py: Python<'py>,
        packs: Vec<PyObjectName<'py>>,
        stem: PathBuf,
    ) -> Result<(
        Option<PyObjectName<'py>>,
        Vec<PyStaged<'py>>,
        u64,
        Vec<String>,
    )> {
        let packs = objects_in(packs)?;
        let found = py.detach(|| rebuild(&self.0, &packs, &stem))?;
        let layout = found.tree.map(|tree| object_out(py, tree.layout));
        let staged = staged_out(py, &found.staged);
        Ok((layout, staged, found.lost, found.names))
    }

    /// What it is made of: files by extension, links, empty folders, what is here, packs, and
    /// bytes in these that are used.
    #[allow(clippy::type_complexity)]
    #[pyo3(signature = (*, progress = None))]
    fn summary(
        &self,
        py: Python<'_>,
        progress: Option<&Bound<'_, Progress>>,
    ) -> Result<(
        Vec<(Option<String>, u64, u64)>,
        u64,
        u64,
        (u64, u64),
        (u64, u64),
        u64,
    )> {
        let found = detached(py, 0, progress, |call| summarize(&self.0, call))??;
        let extensions = found.extensions.into_iter();
        Ok((
            extensions
                .map(|(name, count)| (name, count.files, count.bytes))
                .collect(),
            found.links,
            found.folders,
            (found.here.files, found.here.bytes),
            (found.packs.files, found.packs.bytes),
            found.live,
        ))
    }

    /// For each damaged object, with spans of wrong bytes or none if it is lost: how many files are
    /// affected, and some of their paths.
    #[allow(clippy::type_complexity)]
    fn hits(
        &self,
        py: Python<'_>,
        damages: Vec<(Bound<'_, PyBytes>, Vec<(u64, u64)>)>,
        most: usize,
    ) -> Result<Vec<(u64, Vec<String>)>> {
        let damage = |(digest, spans): (Bound<'_, PyBytes>, _)| -> Result<_> {
            Ok((digest_of(digest.as_bytes())?, spans))
        };
        let damages = damages
            .into_iter()
            .map(damage)
            .collect::<Result<Vec<_>>>()?;
        let found = py.detach(|| hits(&self.0, &damages, most))?;
        Ok(found
            .into_iter()
            .map(|hit| (hit.count, hit.names))
            .collect())
    }

    /// Which paths a page, or its layout page, is about: where it begins, where the next one begins
    /// if there is one, and how many entries it has. `None` for an object that is neither.
    #[allow(clippy::type_complexity)]
    fn page_span(
        &self,
        digest: &Bound<'_, PyBytes>,
    ) -> Result<Option<(String, Option<String>, u64)>> {
        let digest = digest_of(digest.as_bytes())?;
        let text = |start: &[u8]| String::from_utf8_lossy(start).into_owned();
        Ok(self.0.span_of(&digest).map(|(page, next)| {
            let end = next.map(|next| text(&next.start));
            (text(&page.start), end, page.entries)
        }))
    }

    /// Offset, digest and size of the files that it has in a pack.
    fn used<'py>(
        &self,
        py: Python<'py>,
        pack: &Bound<'py, PyBytes>,
    ) -> Result<Vec<(u64, PyObjectName<'py>)>> {
        let pack = digest_of(pack.as_bytes())?;
        let found = py.detach(|| used(&self.0, &pack))?;
        let named = |(offset, file)| (offset, object_out(py, file));
        Ok(found.into_iter().map(named).collect())
    }

    /// The next version: with what a folder holds, which `over` names, without what is removed.
    #[pyo3(signature = (over, folder, stem, *, removed = Vec::new(), threads = 0, progress = None))]
    #[allow(clippy::too_many_arguments)]
    fn update<'py>(
        &self,
        py: Python<'py>,
        over: &Bound<'py, Self>,
        folder: PathBuf,
        stem: PathBuf,
        removed: Vec<String>,
        threads: usize,
        progress: Option<&Bound<'py, Progress>>,
    ) -> Result<(AddedTree, u64, u64)> {
        let over = &over.get().0;
        let patterns = match removed.is_empty() {
            true => None,
            false => Some(Patterns::new(&removed)?),
        };
        let options = UpdateOptions { folder, stem };
        let (added, replaced) = detached(py, threads, progress, |call| {
            update(&self.0, over, patterns.as_ref(), &options, call)
        })??;
        Ok((AddedTree(added), replaced.kept, replaced.removed))
    }
}
