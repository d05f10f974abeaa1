//! The decoders of [`radops_core::tree`]: roots, pages, layouts, source lists and packs.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use radops_core::directory::OwnedEntry;
use radops_core::tree::{
    Entries, Layout, LayoutBody, LayoutPage, Object, Root, RootBody, Trailer, decode_source_list,
};

use super::directory::values::{PyEntry, PyObjectName, entries_out, objects_out};
use super::errors::Result;

/// Decode a root: files, bytes, entries and the pages; no pages where the entries are in the root.
#[pyfunction]
#[pyo3(signature = (raw, /))]
pub fn decode_root<'py>(
    py: Python<'py>,
    raw: &[u8],
) -> Result<(u64, u64, u64, Vec<PyObjectName<'py>>)> {
    let root = Root::decode(raw.to_vec())?;
    let pages = match &root.body {
        RootBody::Pages(pages) => pages.iter().map(|page| page.object).collect(),
        RootBody::Inline(_) => Vec::new(),
    };
    Ok((
        root.files,
        root.bytes,
        root.entries(),
        objects_out(py, pages),
    ))
}

/// Decode a layout: the digest of its root, layout pages, source lists, and the sources themselves
/// where there are no lists.
#[pyfunction]
#[pyo3(signature = (raw, /))]
#[allow(clippy::type_complexity)]
pub fn decode_layout<'py>(
    py: Python<'py>,
    raw: &[u8],
) -> Result<(
    Bound<'py, PyBytes>,
    Vec<PyObjectName<'py>>,
    Vec<PyObjectName<'py>>,
    Vec<PyObjectName<'py>>,
)> {
    let layout = Layout::decode(raw)?;
    let (pages, lists, sources) = match layout.body {
        LayoutBody::Pages { pages, lists } => (pages, lists, Vec::new()),
        LayoutBody::Inline(page) => (Vec::new(), Vec::new(), page.sources),
    };
    Ok((
        PyBytes::new(py, &layout.root),
        objects_out(py, pages),
        objects_out(py, lists),
        objects_out(py, sources),
    ))
}

/// Decode a source list.
#[pyfunction]
#[pyo3(signature = (raw, /, *, last))]
pub fn decode_sources<'py>(
    py: Python<'py>,
    raw: &[u8],
    last: bool,
) -> Result<Vec<PyObjectName<'py>>> {
    Ok(objects_out(py, decode_source_list(raw, last)?))
}

/// Decode a page: its entries.
#[pyfunction]
#[pyo3(signature = (raw, /))]
pub fn decode_page<'py>(py: Python<'py>, raw: &[u8]) -> Result<Vec<PyEntry<'py>>> {
    let page = Entries::decode(raw.to_vec())?;
    let entries = page.iter().map(|entry| OwnedEntry::from(&entry)).collect();
    Ok(entries_out(py, entries))
}

/// Decode a layout page: its sources and places.
#[pyfunction]
#[pyo3(signature = (raw, /))]
#[allow(clippy::type_complexity)]
pub fn decode_layout_page<'py>(
    py: Python<'py>,
    raw: &[u8],
) -> Result<(Vec<PyObjectName<'py>>, Vec<Option<(u32, u32)>>)> {
    let page = LayoutPage::decode(raw)?;
    let places = page.places.iter();
    let places = places.map(|place| place.map(|place| (place.source, place.offset)));
    Ok((objects_out(py, page.sources.clone()), places.collect()))
}

/// Decode the trailer of a whole pack: digests and sizes of its files, in order.
#[pyfunction]
#[pyo3(signature = (raw, /))]
pub fn decode_pack<'py>(py: Python<'py>, raw: &[u8]) -> Result<Vec<PyObjectName<'py>>> {
    let trailer = Trailer::of_pack(raw)?;
    let objects = trailer.files.iter().map(|file| Object {
        digest: file.digest,
        size: u64::from(file.size),
    });
    Ok(objects_out(py, objects.collect()))
}
