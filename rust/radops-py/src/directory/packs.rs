//! Packs by themselves: what is in one, and making one again.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use radops_core::directory::{Sources, Store, listed, remake};
use std::path::PathBuf;

use super::values::{PyObjectName, PyStaged, object_in, objects_in, objects_out, staged_out};
use crate::calls::digest_of;
use crate::errors::Result;

/// The files in a pack, in their order, by the trailer of a copy; `None` if that is damaged.
#[pyfunction]
#[pyo3(signature = (copy, pack, /))]
pub fn pack_files<'py>(
    py: Python<'py>,
    copy: PathBuf,
    pack: PyObjectName<'py>,
) -> Result<Option<Vec<PyObjectName<'py>>>> {
    let pack = object_in(&pack)?;
    let found = py.detach(|| listed(&copy, &pack));
    Ok(found.map(|files| objects_out(py, files)))
}

/// Make a pack again of its files: how many of them are nowhere, and the pack if none is.
#[pyfunction]
#[pyo3(signature = (home, pack, files, stem, *, damaged = None, packs = Vec::new(), copies = Vec::new()))]
#[allow(clippy::too_many_arguments)]
pub fn remake_pack<'py>(
    py: Python<'py>,
    home: PathBuf,
    pack: PyObjectName<'py>,
    files: Vec<PyObjectName<'py>>,
    stem: PathBuf,
    damaged: Option<PathBuf>,
    packs: Vec<PyObjectName<'py>>,
    copies: Vec<(Bound<'py, PyBytes>, PathBuf)>,
) -> Result<(u64, Option<PyStaged<'py>>)> {
    let (pack, files) = (object_in(&pack)?, objects_in(files)?);
    let copy = |(digest, path): (Bound<'_, PyBytes>, _)| -> Result<_> {
        Ok((digest_of(digest.as_bytes())?, path))
    };
    let sources = Sources {
        damaged,
        packs: objects_in(packs)?,
        files: copies.into_iter().map(copy).collect::<Result<_>>()?,
    };
    let store = Store::new(&home);
    let (lost, made) = py.detach(|| remake(&store, &pack, &files, &sources, &stem))?;
    Ok((lost, staged_out(py, made.as_slice()).pop()))
}
