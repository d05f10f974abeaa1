//! What is stored, as Python sees it.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use radops_core::cbor;

/// Check that bytes are the one encoding of one value.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub fn scan_cbor(data: &[u8]) -> PyResult<()> {
    cbor::scan(data).map_err(|error| PyValueError::new_err(error.to_string()))
}
