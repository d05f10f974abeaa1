//! Errors as Python sees them: always an `OSError` with errno and file name.

use pyo3::exceptions::{
    PyBaseException, PyInterruptedError, PyLookupError, PyOSError, PyValueError,
};
use pyo3::prelude::*;
use radops_core::error::{Cancelled, Error, OutlineError, reason};
use radops_core::tree::FormatError;
use std::convert::Infallible;
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

pyo3::create_exception!(
    radops._core,
    TreeFormatError,
    PyValueError,
    "An object is not the part of a directory that it should be."
);

pyo3::create_exception!(
    radops._core,
    NewerTreeError,
    PyValueError,
    "A part of a directory was written by a later version of radops."
);

pyo3::create_exception!(
    radops._core,
    FolderRefusedError,
    PyValueError,
    "A folder holds what a directory cannot: `args[0]` has reason, count and first paths of each."
);

pyo3::create_exception!(
    radops._core,
    MissingObjectsError,
    PyLookupError,
    "Objects are not here: `args[0]` has the digest and size of each."
);

pyo3::create_exception!(
    radops._core,
    DamagedObjectError,
    PyValueError,
    "The bytes of an object are not those of its digest: `args` are digest and size."
);

pyo3::create_exception!(
    radops._core,
    BadSliceError,
    PyValueError,
    "The bytes of a file in a pack are wrong: `args` are its path, and digest and size of the pack."
);

/// An exception that is to be raised. It exists because `?` cannot turn an error of another crate
/// into `PyErr`, which is of another crate too.
pub struct Raised(PyErr);

/// What a function of the module returns.
pub type Result<T> = std::result::Result<T, Raised>;

impl From<PyErr> for Raised {
    fn from(error: PyErr) -> Self {
        Self(error)
    }
}

impl From<Raised> for PyErr {
    fn from(raised: Raised) -> Self {
        raised.0
    }
}

impl From<Infallible> for Raised {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<Cancelled> for Raised {
    fn from(_: Cancelled) -> Self {
        Error::Cancelled.into()
    }
}

impl From<Error> for Raised {
    fn from(error: Error) -> Self {
        let text = error.reason();
        Self(match error {
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
        })
    }
}

/// The exception for an error, as an item of a list of answers.
pub fn value(py: Python<'_>, error: Error) -> Py<PyBaseException> {
    Raised::from(error).0.into_value(py)
}

/// An error of the system that is about no file.
pub fn bare(error: &io::Error) -> PyErr {
    PyOSError::new_err((number(error), reason(error)))
}

pub fn number(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(EINVAL)
}

impl From<OutlineError> for Raised {
    fn from(error: OutlineError) -> Self {
        Self(PyValueError::new_err(error.to_string()))
    }
}

impl From<FormatError> for Raised {
    fn from(error: FormatError) -> Self {
        let text = error.to_string();
        Self(match error {
            FormatError::Newer { .. } => NewerTreeError::new_err(text),
            FormatError::Corrupt { .. } | FormatError::TooLarge { .. } => {
                TreeFormatError::new_err(text)
            }
        })
    }
}
