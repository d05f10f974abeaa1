//! How to reach a bucket.

use std::path::PathBuf;
use std::time::Duration;

/// How the bucket is named in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// In the host's name where that is possible, else in the path.
    Auto,
    /// In the path: `https://host/bucket/key`.
    Path,
    /// In the host's name: `https://bucket.host/key`.
    Virtual,
}

/// How long to wait for a server.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Until a connection is made, TLS included.
    pub connect: Duration,
    /// Without an answer, or without more of it, for requests that carry little.
    pub read: Duration,
    /// The same for parts of large objects and for copies: the longest time in which the server
    /// neither takes bytes nor answers.
    pub transfer: Duration,
    /// How long a server may refuse everything because of its rate limit.
    pub throttled: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(8),
            transfer: Duration::from_secs(60),
            throttled: Duration::from_secs(60),
        }
    }
}

/// Encryption at rest that is asked for with each write.
#[derive(Debug, Clone, Default)]
pub struct Encryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub algorithm: Option<String>,
    /// The key of the key service.
    pub kms_key_id: Option<String>,
    /// A key of the customer's own (SSE-C), which every read needs as well.
    pub customer_key: Option<[u8; 32]>,
}

/// All about one bucket that does not change while it is used.
#[derive(Debug, Clone)]
pub struct Config {
    /// `https://host[:port][/path]`.
    pub endpoint: String,
    /// The bucket's name.
    pub bucket: String,
    /// The region to sign for.
    pub region: String,
    /// How the bucket is named in a request.
    pub addressing: Addressing,
    /// A file of certificates to trust beside the system's.
    pub ca_bundle: Option<PathBuf>,
    /// Encryption at rest.
    pub encryption: Encryption,
    /// Whether the caller pays for requests and transfer.
    pub requester_pays: bool,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// Most requests at once.
    pub max_connections: usize,
}
