//! Errors as Python sees them: always an `OSError` with errno and file name.

use crate::error::{Error, OutlineError, reason};
use pyo3::exceptions::{PyInterruptedError, PyOSError, PyValueError};
use pyo3::prelude::*;
use std::io;

// These numbers are the same on Linux, macOS and Windows.
const EINTR: i32 = 4;
const EBUSY: i32 = 16;
const EISDIR: i32 = 21;
const EINVAL: i32 = 22;

pyo3::create_exception!(
    radops._core,
    FileChangedError,
    PyOSError,
    "A file's size, times or inode were not the same before and after it was read."
);

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let text = error.reason();
        match error {
            Error::Io {
                path,
                other: Some(other),
                source,
            } => PyOSError::new_err((
                number(&source),
                text,
                path.into_os_string(),
                // The error number of Windows.
                None::<i32>,
                other.into_os_string(),
            )),
            Error::Io { path, source, .. } => {
                PyOSError::new_err((number(&source), text, path.into_os_string()))
            }
            Error::NotAFile { path, directory } => {
                let number = if directory { EISDIR } else { EINVAL };
                PyOSError::new_err((number, text, path.into_os_string()))
            }
            Error::Changed { path } => {
                FileChangedError::new_err((EBUSY, text, path.into_os_string()))
            }
            Error::Cancelled => PyInterruptedError::new_err((EINTR, text)),
        }
    }
}

/// An error of the system that is about no file.
pub fn bare(error: &io::Error) -> PyErr {
    PyOSError::new_err((number(error), reason(error)))
}

fn number(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(EINVAL)
}

impl From<OutlineError> for PyErr {
    fn from(error: OutlineError) -> Self {
        PyValueError::new_err(error.to_string())
    }
}
