//! S3 for Python.

mod client;
mod error;
mod files;
mod process;
mod streams;

pub use client::S3Client;
pub use error::S3Error;
pub use streams::{S3Pages, S3Reader, S3Upload};
