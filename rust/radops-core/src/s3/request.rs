//! What is asked of the server, before it is signed.

use super::body::Body;
use http::Method;

/// A request to the bucket.
#[derive(Clone, Default)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// The key in the bucket; empty for the bucket itself.
    pub key: String,
    /// Names and values of the query, not encoded.
    pub query: Vec<(&'static str, String)>,
    /// Headers beside those of every request; names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// What is sent.
    pub body: Body,
    /// Whether the server may take long, as for parts of large objects.
    pub slow: bool,
    /// The root element of a successful answer. Anything else in the body is an error, also with
    /// status 200: a server that has begun to answer cannot change the status any more.
    pub root: Option<&'static str>,
    /// Whether the body goes without a checksum, which the server would take for the object's.
    pub no_checksum: bool,
    /// Bytes of the answer's body that are enough.
    pub enough: Option<u64>,
    /// Whether the caller has reserved memory for the answer's body.
    pub reserved: bool,
}

impl Request {
    /// A request without anything beside the method and the key.
    pub fn new(method: Method, key: &str) -> Self {
        Self {
            method,
            key: key.to_owned(),
            ..Self::default()
        }
    }

    /// Add to the query.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Add a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Expect a document with this root element.
    #[must_use]
    pub fn answered_by(mut self, root: &'static str) -> Self {
        self.root = Some(root);
        self
    }

    /// Whether only a part of an object is asked for.
    pub fn is_ranged(&self) -> bool {
        self.headers.iter().any(|(name, _)| *name == "range")
    }

    /// Whether a header of the request is about a checksum.
    pub fn has_checksum(&self) -> bool {
        let of_body = !self.no_checksum && !matches!(self.body, Body::Empty);
        of_body || self.headers.iter().any(|(name, _)| is_checksum(name))
    }
}

/// Whether a header is about a checksum.
pub fn is_checksum(header: &str) -> bool {
    header.starts_with("x-amz-checksum")
}
