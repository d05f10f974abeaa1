//! Errors of S3 as Python sees them.

use crate::errors::{Raised, number};
use pyo3::exceptions::{PyException, PyInterruptedError, PyOSError};
use pyo3::prelude::*;
use radops_core::error::reason;
use radops_core::s3::{Broken, Error};
use std::fmt;

pyo3::create_exception!(
    radops._core,
    S3Error,
    PyException,
    "A request failed: `args` are kind, text, HTTP status or 0, code, key."
);

/// What a Python function raised, on its way through Rust.
#[derive(Debug)]
pub struct Foreign(pub PyErr);

impl fmt::Display for Foreign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl std::error::Error for Foreign {}

impl From<Error> for Raised {
    fn from(error: Error) -> Self {
        exception(&error).into()
    }
}

/// The exception for an error.
pub fn exception(error: &Error) -> PyErr {
    let text = error.to_string();
    let (kind, status, code, key) = match error {
        Error::Absent { key } => ("absent", 404, "", key.as_str()),
        Error::Answer {
            status,
            code,
            message,
            ..
        } => {
            let fields = ("answer", message.clone(), *status, code.clone(), "");
            return S3Error::new_err(fields);
        }
        Error::NotS3 { status } => ("not-s3", *status, "", ""),
        Error::OtherRegion { region } => ("region", 301, "", region.as_str()),
        Error::Broken { kind, .. } => {
            let kind = match kind {
                Broken::Connect => "connect",
                Broken::Proxy => "proxy",
                Broken::Connection => "connection",
                Broken::Timeout => "timeout",
            };
            (kind, 0, "", "")
        }
        Error::Interrupted { key } => ("interrupted", 0, "", key.as_str()),
        Error::Tls {
            certificate: true, ..
        } => ("certificate", 0, "", ""),
        Error::Tls { .. } => ("no-tls", 0, "", ""),
        Error::Nonsense { .. } => ("nonsense", 0, "", ""),
        Error::Changed { key, what } => ("changed", 0, *what, key.as_str()),
        Error::Redirect { host } => ("redirect", 0, "", host.as_str()),
        Error::NoRanges => ("no-ranges", 0, "", ""),
        Error::WrongBytes { key, .. } => ("wrong-bytes", 0, "", key.as_str()),
        Error::WrongFile { path, .. } => ("wrong-file", 0, "", path.as_str()),
        Error::Config(_) => ("config", 0, "", ""),
        Error::Credentials(cause) => {
            if let Some(Foreign(cause)) = cause.downcast_ref() {
                return Python::attach(|py| cause.clone_ref(py));
            }
            ("config", 0, "", "")
        }
        Error::Io { path, source } => {
            return PyOSError::new_err((number(source), reason(source), path.clone()));
        }
        Error::Cancelled => {
            return PyInterruptedError::new_err("cancelled");
        }
    };
    S3Error::new_err((kind, text, status, code.to_owned(), key.to_owned()))
}
