//! Errors of directories as Python sees them.

use super::errors::{
    BadSliceError, DamagedObjectError, FolderRefusedError, MissingObjectsError, Raised,
};
use pyo3::exceptions::{PyFileExistsError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use radops_core::directory;
use radops_core::tree::Object;

/// The same number on Linux and macOS.
const EEXIST: i32 = 17;

impl From<directory::Error> for Raised {
    fn from(error: directory::Error) -> Self {
        let text = error.to_string();
        Self::from(match error {
            directory::Error::File(error) => return error.into(),
            directory::Error::Format(error) => return error.into(),
            directory::Error::Pattern(text) => PyValueError::new_err(text),
            directory::Error::Refused(refusal) => {
                let groups = refusal.groups.into_iter().map(|(reason, group)| {
                    let names: Vec<_> = group.names.into_iter().collect();
                    (reason.as_str(), group.count, names)
                });
                FolderRefusedError::new_err((groups.collect::<Vec<_>>(),))
            }
            directory::Error::Missing(objects) => Python::attach(|py| {
                let objects = objects.iter().map(|object| named(py, object));
                MissingObjectsError::new_err((objects.collect::<Vec<_>>(),))
            }),
            directory::Error::Damaged(object) => {
                Python::attach(|py| DamagedObjectError::new_err(named(py, &object)))
            }
            directory::Error::BadSlice { path, pack } => Python::attach(|py| {
                let (digest, size) = named(py, &pack);
                BadSliceError::new_err((path, digest, size))
            }),
            directory::Error::Taken { path, other } => PyFileExistsError::new_err((
                EEXIST,
                text,
                path.into_os_string(),
                None::<i32>,
                other,
            )),
        })
    }
}

fn named(py: Python<'_>, object: &Object) -> (Py<PyBytes>, u64) {
    (PyBytes::new(py, &object.digest).unbind(), object.size)
}
