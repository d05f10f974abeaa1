//! From a request to a signed HTTP message.

use super::address::{Address, encode_query};
use super::body::{Activity, Body, Outgoing};
use super::error::Error;
use super::request::{Request, is_checksum};
use super::sign::{self, Credentials, Signed};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, Method};
use std::sync::Arc;
use time::OffsetDateTime;

/// What a message is made with, beside the request.
pub struct Envelope<'a> {
    /// Where it goes.
    pub address: &'a Address,
    /// The keys to sign with.
    pub credentials: &'a Credentials,
    /// The time by the server's clock.
    pub now: OffsetDateTime,
    /// Whether the server takes checksums in headers.
    pub checksums: bool,
    /// Whether the caller pays for requests and transfer.
    pub requester_pays: bool,
    /// Notes how far the body gets.
    pub activity: &'a Arc<Activity>,
}

impl Envelope<'_> {
    /// Sign a request.
    pub fn seal(&self, request: &Request) -> Result<http::Request<Outgoing>, Error> {
        let address = self.address;
        let path = address.path(&request.key);
        let query = query_string(&request.query);
        let timestamp = sign::timestamp(self.now);
        let payload = payload(&request.body, address.is_tls());
        let mut headers: Vec<(&str, &str)> = vec![
            ("host", address.host()),
            ("x-amz-content-sha256", &payload),
            ("x-amz-date", &timestamp),
        ];
        if let Some(token) = &self.credentials.token {
            headers.push(("x-amz-security-token", token));
        }
        if self.requester_pays {
            headers.push(("x-amz-request-payer", "requester"));
        }
        let checksum = checksum(&request.body).filter(|_| self.checksums && !request.no_checksum);
        if let Some(checksum) = &checksum {
            headers.push(("x-amz-checksum-crc32", checksum));
        }
        for (name, value) in &request.headers {
            if self.checksums || !is_checksum(name) {
                headers.push((name, value));
            }
        }
        headers.sort_unstable();
        let signed = Signed {
            method: request.method.as_str(),
            path: &path,
            query: &query,
            headers: &headers,
            payload: &payload,
        };
        let authorization =
            sign::authorization(&signed, self.credentials, &address.region, &timestamp);
        let mut message = http::Request::new(Outgoing::new(&request.body, self.activity.clone()));
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = address.uri(&path, &query)?;
        let fields = message.headers_mut();
        for (name, value) in headers {
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unsendable(name))?;
            fields.insert(key, field(name, value)?);
        }
        fields.insert(
            http::header::AUTHORIZATION,
            field("authorization", &authorization)?,
        );
        if matches!(request.method, Method::PUT | Method::POST) && request.body.is_empty() {
            // Without a body hyper sends no length, which servers insist on.
            fields.insert(http::header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        fields.insert(http::header::USER_AGENT, HeaderValue::from_static("radops"));
        Ok(message)
    }
}

fn field(name: &str, value: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_bytes(value.as_bytes()).map_err(|_| unsendable(name))
}

fn unsendable(name: &str) -> Error {
    Error::Config(format!("the header {name} cannot be sent"))
}

fn query_string(query: &[(&'static str, String)]) -> String {
    let mut pairs: Vec<_> = query
        .iter()
        .map(|(name, value)| format!("{}={}", encode_query(name), encode_query(value)))
        .collect();
    pairs.sort_unstable();
    pairs.join("&")
}

/// What is signed in place of the body.
fn payload(body: &Body, tls: bool) -> String {
    match body {
        Body::Empty => sign::EMPTY.to_owned(),
        _ if tls => sign::UNSIGNED.to_owned(),
        Body::Bytes(bytes) => sign::sha256_hex(bytes),
        Body::Source(source) => source.sha256().unwrap_or(sign::UNSIGNED).to_owned(),
    }
}

/// A body's CRC-32 as S3 writes it.
fn checksum(body: &Body) -> Option<String> {
    let crc32 = match body {
        Body::Empty => return None,
        Body::Bytes(bytes) => crc32fast::hash(bytes),
        Body::Source(source) => source.crc32(),
    };
    Some(STANDARD.encode(crc32.to_be_bytes()))
}
