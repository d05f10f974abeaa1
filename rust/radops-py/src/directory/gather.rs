//! Many files of packs that are not here, as one.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use radops_core::directory::Files;
use std::collections::HashMap;

/// What to fetch of packs that are not here: pack, first byte, the one after the last.
#[pyfunction]
#[pyo3(signature = (pack_of, offsets, sizes, absent, /, *, gap, most))]
pub fn file_spans(
    py: Python<'_>,
    pack_of: &[u8],
    offsets: &[u8],
    sizes: &[u8],
    absent: Vec<bool>,
    gap: u64,
    most: u64,
) -> Vec<(u32, u64, u64)> {
    let files = Files {
        pack_of: numbers(pack_of, u32::from_ne_bytes),
        offsets: numbers(offsets, u32::from_ne_bytes),
        sizes: numbers(sizes, u64::from_ne_bytes),
        digests: &[],
    };
    let spans = py.detach(|| files.spans(&absent, gap, most));
    spans
        .into_iter()
        .map(|one| (one.pack, one.start, one.end))
        .collect()
}

/// Lay files end to end, verified; the second is the numbers of those that are not there.
#[pyfunction]
#[pyo3(signature = (pack_of, offsets, sizes, digests, spans, others, /))]
pub fn join_files<'py>(
    py: Python<'py>,
    pack_of: &[u8],
    offsets: &[u8],
    sizes: &[u8],
    digests: &[u8],
    spans: Vec<(u32, u64, Bound<'py, PyBytes>)>,
    others: HashMap<usize, Bound<'py, PyBytes>>,
) -> PyResult<(Bound<'py, PyBytes>, Vec<usize>)> {
    let files = Files {
        pack_of: numbers(pack_of, u32::from_ne_bytes),
        offsets: numbers(offsets, u32::from_ne_bytes),
        sizes: numbers(sizes, u64::from_ne_bytes),
        digests,
    };
    if !files.agree() {
        return Err(PyValueError::new_err("the arrays differ in length"));
    }
    let spans: Vec<_> = spans
        .iter()
        .map(|(pack, start, data)| (*pack, *start, data.as_bytes()))
        .collect();
    let others = others
        .iter()
        .map(|(number, data)| (*number, data.as_bytes()))
        .collect();
    let joined = py.detach(|| files.join(&spans, &others));
    Ok((PyBytes::new(py, &joined.bytes), joined.missing))
}

/// The numbers of an array, as `stretch` of `TreeReader` gives them.
fn numbers<const N: usize, T>(bytes: &[u8], number: fn([u8; N]) -> T) -> Vec<T> {
    let (whole, _) = bytes.as_chunks::<N>();
    whole.iter().map(|one| number(*one)).collect()
}
