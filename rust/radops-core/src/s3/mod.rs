//! S3: from socket to file and back, many requests at once, with no Python in between.
//!
//! [`Client`] is one bucket. [`Runtime`] runs its requests on a few threads that all clients of a
//! process share. Keys are whole keys of the bucket here; prefixes are the caller's task.

mod address;
mod amazon;
mod answer;
pub mod batch;
mod body;
mod client;
mod config;
mod connect;
mod credentials;
pub mod delete;
mod error;
mod list;
mod message;
mod multipart;
pub mod object;
mod pace;
mod part;
mod ranges;
mod reader;
mod request;
mod retry;
mod runtime;
mod sign;
mod times;
mod tls;
mod xml;

pub use body::Body;
pub use client::Client;
pub use config::{Addressing, Config, Encryption, Timeouts};
pub use credentials::Provider;
pub use error::{Broken, Error};
pub use list::{Listed, Page, Pages, Uploads};
pub use multipart::Multipart;
pub use ranges::{Ranges, download};
pub use reader::Reader;
pub use runtime::Runtime;
pub use sign::Credentials;
