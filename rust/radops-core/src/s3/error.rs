//! Errors of requests to a server.

use std::error::Error as StdError;
use std::sync::Arc;

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// No connection was made.
    Connect,
    /// No connection to, or through, the proxy was made.
    Proxy,
    /// The connection was made and did not hold, or brought something that is not HTTP.
    Connection,
    /// The server did not answer in time, or stopped in the middle.
    Timeout,
}

/// A failure of a request, after all tries.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The key does not exist.
    #[error("{key}: no such key")]
    Absent {
        /// The key, without the prefix of the backend.
        key: String,
    },
    /// The server answered with an error.
    #[error("{code}: {message}")]
    Answer {
        /// The HTTP status.
        status: u16,
        /// The code of the answer, such as `AccessDenied`; empty where it has no body.
        code: String,
        /// The message of the answer.
        message: String,
        /// Seconds after which the server allows the request to be sent again.
        retry_after: Option<f64>,
    },
    /// The answer is an error, but not one of an S3 server: a page of something between, or of
    /// another server.
    #[error("this is not an S3 server's answer (HTTP {status})")]
    NotS3 {
        /// The HTTP status.
        status: u16,
    },
    /// The bucket is in another region. Tried again there.
    #[error("the bucket is in the region {region}")]
    OtherRegion {
        /// Which.
        region: String,
    },
    /// There was no answer.
    #[error("{text}")]
    Broken {
        /// Why.
        kind: Broken,
        /// The error of the system or the HTTP library.
        text: String,
    },
    /// A connection broke again and again while the body of an answer was read.
    #[error("the connection broke while {key} was read")]
    Interrupted {
        /// What was read.
        key: String,
    },
    /// The TLS handshake failed for a reason that trying again does not change.
    #[error("{text}")]
    Tls {
        /// The error of the TLS library.
        text: String,
        /// Whether the certificate is at fault; else the server does not speak TLS.
        certificate: bool,
    },
    /// The answer is not one to the question: too short, no listing, other bytes.
    #[error("{text}")]
    Nonsense {
        /// What is wrong with it.
        text: String,
    },
    /// The object was replaced or deleted while it was read.
    #[error("{key} {what} while it was read")]
    Changed {
        /// Its key.
        key: String,
        /// "changed" or "went away".
        what: &'static str,
    },
    /// The server sends the client to another host.
    #[error("a redirect to {host}")]
    Redirect {
        /// Where to.
        host: String,
    },
    /// The store ignores ranges of bytes.
    #[error("ranges of bytes are ignored")]
    NoRanges,
    /// The bytes of an object are wrong, twice in a row.
    #[error("{key}: wrong bytes in block {block}")]
    WrongBytes {
        /// The key.
        key: String,
        /// Which block of 1 MiB.
        block: u64,
    },
    /// A local file does not hold what it must; nothing of it was sent.
    #[error("{path}: wrong bytes in block {block}")]
    WrongFile {
        /// The file.
        path: String,
        /// Which block of 1 MiB.
        block: u64,
    },
    /// No credentials could be obtained. The cause is the caller's own error.
    #[error("{0}")]
    Credentials(Arc<dyn StdError + Send + Sync>),
    /// The configuration cannot be used.
    #[error("{0}")]
    Config(String),
    /// A local file failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The system's error.
        source: Arc<std::io::Error>,
    },
    /// The call was stopped.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// An answer that makes no sense.
    pub fn nonsense(text: impl Into<String>) -> Self {
        Self::Nonsense { text: text.into() }
    }

    /// An error of the operating system about a local file.
    pub fn io(path: &std::path::Path, source: impl Into<std::io::Error>) -> Self {
        Self::Io {
            path: path.display().to_string(),
            source: Arc::new(source.into()),
        }
    }

    /// An error of another part of this crate about a local file.
    pub fn file(error: &crate::error::Error) -> Self {
        match error {
            crate::error::Error::Io { path, source, .. } => Self::Io {
                path: path.display().to_string(),
                source: Arc::new(source.raw_os_error().map_or_else(
                    || std::io::Error::from(source.kind()),
                    std::io::Error::from_raw_os_error,
                )),
            },
            _ => Self::Cancelled,
        }
    }

    /// The HTTP status of an answer, 0 without one.
    pub fn status(&self) -> u16 {
        match self {
            Self::Answer { status, .. } | Self::NotS3 { status } => *status,
            _ => 0,
        }
    }

    /// The code of an answer, empty without one.
    pub fn code(&self) -> &str {
        match self {
            Self::Answer { code, .. } => code,
            _ => "",
        }
    }

    /// The message of an answer, empty without one.
    pub fn message(&self) -> &str {
        match self {
            Self::Answer { message, .. } => message,
            _ => "",
        }
    }
}

/// Whether a code means that the server asks for fewer requests.
pub(super) fn is_throttling(status: u16, code: &str) -> bool {
    status == 429
        || matches!(
            code,
            "SlowDown"
                | "Throttling"
                | "ThrottlingException"
                | "ThrottledException"
                | "RequestThrottled"
                | "RequestThrottledException"
                | "RequestLimitExceeded"
                | "TooManyRequests"
                | "TooManyRequestsException"
                | "BandwidthLimitExceeded"
                | "PriorRequestNotComplete"
        )
        || (status == 503 && (code.is_empty() || code == "ServiceUnavailable"))
}

/// Whether a request that failed so may succeed when it is sent again.
pub(super) fn is_transient(status: u16, code: &str) -> bool {
    (status >= 500 && status != 501)
        || status == 408
        || matches!(
            code,
            "RequestTimeout"
                | "InternalError"
                | "ServiceUnavailable"
                | "OperationAborted"
                | "BadDigest"
                | "IncompleteBody"
                | "XAmzContentChecksumMismatch"
                | "XAmzContentSHA256Mismatch"
        )
}
