//! Bytes from Python without holding the interpreter lock.
//!
//! The buffer protocol joined the stable ABI with Python 3.11, and this module is built for 3.10.
//! So `bytes`, which cannot change, are used in place; any other buffer is copied piece by
//! piece, which also makes it safe to hash while another thread writes into it.

use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView, PySlice};
use radops_core::outline::BLOCK_SIZE;

/// Below this, releasing the lock costs more than it gives to others.
const SMALL: usize = 2048;

/// How much is worked on between two looks at pending signals: some 10 ms.
const STRETCH: usize = 64 * BLOCK_SIZE as usize;

/// Call `work` with the bytes of `data`, in order, in pieces that are whole blocks but for the
/// last one. The lock is released meanwhile.
pub fn for_pieces<F>(data: &Bound<'_, PyAny>, mut work: F) -> PyResult<()>
where
    F: FnMut(&[u8]) + Send,
{
    let py = data.py();
    if let Ok(bytes) = data.cast::<PyBytes>() {
        let bytes = bytes.as_bytes();
        if bytes.len() <= SMALL {
            work(bytes);
            return Ok(());
        }
        for piece in bytes.chunks(STRETCH) {
            py.detach(|| work(piece));
            py.check_signals()?;
        }
        return Ok(());
    }
    let view = flat_view(data)?;
    let length = view.len()?;
    for start in (0..length).step_by(BLOCK_SIZE as usize) {
        let end = length.min(start + BLOCK_SIZE as usize);
        let piece = view.get_item(PySlice::new(py, start as isize, end as isize, 1))?;
        let piece = piece.call_method0("tobytes")?;
        let piece = piece.cast::<PyBytes>()?.as_bytes();
        py.detach(|| work(piece));
        py.check_signals()?;
    }
    Ok(())
}

/// All bytes of `data` as `bytes`: itself or a copy.
pub fn to_bytes<'py>(data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    match data.cast::<PyBytes>() {
        Ok(bytes) => Ok(bytes.clone()),
        Err(_) => Ok(flat_view(data)?.call_method0("tobytes")?.cast_into()?),
    }
}

/// A one-dimensional view of the bytes of any contiguous buffer.
fn flat_view<'py>(data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = data.py();
    let view = PyMemoryView::from(data).map_err(|_| {
        let name = data.get_type().name();
        let name = name.map_or_else(|_| "object".to_owned(), |name| name.to_string());
        PyTypeError::new_err(format!("a bytes-like object is required, not '{name}'"))
    })?;
    if !view.getattr("c_contiguous")?.is_truthy()? {
        return Err(PyBufferError::new_err("the buffer is not contiguous"));
    }
    if view.getattr("nbytes")?.extract::<usize>()? == 0 {
        // A view with a zero in its shape cannot be cast.
        return Ok(PyMemoryView::from(&PyBytes::new(py, b""))?.into_any());
    }
    view.call_method1("cast", ("B",))
}
