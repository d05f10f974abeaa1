//! What the server answers: streams of bytes, documents, errors. Size and time are bounded for
//! each.

use super::error::{Broken, Error};
use super::pace::Permit;
use super::request::Request;
use super::xml::{self, Node};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::time::{Duration, Instant};

/// The most that the body of an object may have that is read into memory.
const MOST_BODY: u64 = 64 << 20;

/// The same for a document: a listing of 1,000 long keys has some 4 MiB.
const MOST_DOCUMENT: u64 = 16 << 20;

/// The same for an error, which has a few hundred bytes.
const MOST_ERROR: usize = 64 << 10;

/// Bodies of up to so many bytes are read without memory being reserved for them: with 64
/// connections they have a few MiB.
pub const SMALL_BODY: u64 = 64 << 10;

/// A body that arrives at less than so many bytes a second counts as stopped.
const LEAST_RATE: u32 = 1024;

/// An answer whose body was read.
#[derive(Default)]
pub struct Reply {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// The body as a document, if the request names its root.
    pub document: Node,
}

/// An answer whose body is still to be read.
pub struct Streaming {
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    incoming: Incoming,
    patience: Patience,
    /// Kept by downloads while they read; a reader that Python holds gives it back.
    pub permit: Option<Permit>,
}

impl Streaming {
    /// An answer of which the head has arrived. `limit` is how long it may stop.
    pub fn new(answer: http::Response<Incoming>, limit: Duration) -> Self {
        let (head, incoming) = answer.into_parts();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            incoming,
            patience: Patience::new(limit),
            permit: None,
        }
    }

    /// The next bytes; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let asked = Instant::now();
            let frame = tokio::time::timeout(self.patience.left, self.incoming.frame()).await;
            match frame.map_err(|_| stopped())? {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap_or_default();
                    self.patience.arrived(asked.elapsed(), data.len());
                    if !data.is_empty() {
                        return Ok(Some(data));
                    }
                }
                Some(Err(error)) => {
                    return Err(Error::Broken {
                        kind: Broken::Connection,
                        text: error.to_string(),
                    });
                }
            }
        }
    }

    /// Bytes of the body of a request's answer that are enough.
    fn enough(request: &Request) -> u64 {
        // Of a write or a deletion the head says all. Who writes holds memory for what is sent,
        // and must not wait for more: all others may be waiting too.
        let is_in_head = request.root.is_none() && request.method != Method::POST;
        let enough = request.enough.or(is_in_head.then_some(SMALL_BODY));
        enough.unwrap_or(u64::MAX)
    }

    /// The most that the body of a request's answer may have.
    pub fn most(request: &Request) -> u64 {
        let most = request.enough.map_or(MOST_DOCUMENT, |_| MOST_BODY);
        Self::enough(request).min(most)
    }

    /// Read the body, or as much of it as is enough.
    pub async fn read_whole(&mut self, request: &Request) -> Result<Bytes, Error> {
        if request.method == Method::HEAD {
            return Ok(Bytes::new());
        }
        let (most, enough) = (Self::most(request), Self::enough(request));
        let expected = content_length(&self.headers).map(|all| all.min(enough));
        if expected.is_none() && request.method == Method::GET && !is_chunked(&self.headers) {
            // The end of the connection would be the end of the body, and a cut would be too.
            return Err(Error::nonsense("the answer has no length"));
        }
        let mut body = BytesMut::new();
        while (body.len() as u64) < enough
            && let Some(data) = self.next().await?
        {
            if body.len() as u64 + data.len() as u64 > most && most < enough {
                return Err(Error::nonsense("the answer is too large"));
            }
            body.extend_from_slice(&data);
        }
        if expected.is_some_and(|expected| (body.len() as u64) < expected) {
            return Err(stopped());
        }
        body.truncate(usize::try_from(enough).unwrap_or(usize::MAX));
        Ok(body.freeze())
    }

    /// The error that the answer holds.
    pub async fn failure(&mut self, method: &Method) -> Error {
        let mut body = BytesMut::new();
        if method != Method::HEAD {
            let limit = self.patience.limit;
            let read = async {
                while body.len() < MOST_ERROR
                    && let Ok(Some(data)) = self.next().await
                {
                    body.extend_from_slice(&data);
                }
            };
            // What has arrived by then decides; without a code of S3's the status does.
            let _ = tokio::time::timeout(limit, read).await;
        }
        let error = xml::parse(&body).ok().filter(|root| root.name == "Error");
        if error.is_none() && !self.may_be_s3(method, body.trim_ascii().is_empty()) {
            return Error::NotS3 {
                status: self.status,
            };
        }
        let error = error.unwrap_or_default();
        let text = |name| error.get(name).unwrap_or_default().to_owned();
        Error::Answer {
            status: self.status,
            code: text("Code"),
            message: text("Message"),
            retry_after: header(&self.headers, "retry-after").and_then(|text| text.parse().ok()),
        }
    }

    /// Whether an error without a document of S3's can come from an S3 server, or from a
    /// proxy before one: then trying again may help, or a redirect says more.
    fn may_be_s3(&self, method: &Method, empty: bool) -> bool {
        if self.status >= 500 || self.status < 400 || matches!(self.status, 408 | 429) {
            return true;
        }
        let page = header(&self.headers, "content-type")
            .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"));
        let without_body = *method == Method::HEAD || *method == Method::DELETE;
        empty && !page && (without_body || self.status != 404)
    }
}

/// How much longer an answer may stall. Waiting uses this up; each byte that arrives adds some.
struct Patience {
    limit: Duration,
    left: Duration,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self { limit, left: limit }
    }

    fn arrived(&mut self, waited: Duration, bytes: usize) {
        let earned = Duration::from_secs(bytes as u64) / LEAST_RATE;
        self.left = (self.left.saturating_sub(waited) + earned).min(self.limit);
    }
}

fn stopped() -> Error {
    Error::Broken {
        kind: Broken::Timeout,
        text: "the answer stopped in the middle".into(),
    }
}

/// Parse a document, which must have the root that is expected.
pub fn document(body: &[u8], root: &'static str) -> Result<Node, Error> {
    let document = xml::parse(body)?;
    if document.name == root {
        return Ok(document);
    }
    if document.name == "Error" {
        return Err(Error::Answer {
            status: 200,
            code: document.get("Code").unwrap_or_default().to_owned(),
            message: document.get("Message").unwrap_or_default().to_owned(),
            retry_after: None,
        });
    }
    Err(Error::nonsense(format!("the answer is no {root}")))
}

/// A header's value, if it is there and is text.
pub fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// The length of the body, as the answer declares it.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    header(headers, "content-length")?.parse().ok()
}

fn is_chunked(headers: &HeaderMap) -> bool {
    header(headers, "transfer-encoding").is_some_and(|coding| {
        let last = coding.rsplit(',').next().unwrap_or_default();
        last.trim().eq_ignore_ascii_case("chunked")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_for_a_drip_and_not_for_a_slow_line() {
        let limit = Duration::from_secs(8);
        let mut patience = Patience::new(limit);
        for _ in 0..100 {
            patience.arrived(Duration::from_secs(7), 8 * 1024);
        }
        assert!(patience.left >= Duration::from_secs(1));
        let mut patience = Patience::new(limit);
        for _ in 0..8 {
            patience.arrived(Duration::from_secs(1), 1);
        }
        assert!(patience.left < Duration::from_secs(1));
    }

    #[test]
    fn a_document_with_another_root_is_refused() {
        assert!(document(b"<?xml version=\"1.0\"?>\n\n<A><b>1</b></A>", "A").is_ok());
        for body in ["<B/>", "", "  ", "<A>", "<html><br></html>"] {
            let found = document(body.as_bytes(), "A");
            assert!(matches!(found, Err(Error::Nonsense { .. })), "{body}");
        }
        let error = document(b"<Error><Code>SlowDown</Code></Error>", "A").unwrap_err();
        assert_eq!((error.status(), error.code()), (200, "SlowDown"));
    }
}
