//! Requests about one key.

use super::address::encode_path;
use super::answer::{Reply, content_length, header};
use super::body::Body;
use super::client::Client;
use super::config::Encryption;
use super::error::Error;
use super::request::Request;
use super::times::http_time;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use md5::{Digest, Md5};
use std::time::Duration;

/// Codes of a key that does not exist. The answer to a HEAD has none, and that to a DELETE need
/// not have one; elsewhere an answer without a code is not S3's.
const ABSENT: [&str; 4] = ["NoSuchKey", "NoSuchVersion", "NotFound", ""];

/// Some 6 s in all: a server was seen to take 5 s to decide among 16 creators.
const CONFLICT_TRIES: u32 = 8;

/// Copies of more than this are made in parts: S3 allows 5 GiB at once, but sends nothing back
/// until such a copy is done, which looks like a server that hangs.
pub const MOST_COPIED_AT_ONCE: u64 = 1 << 30;

const COPIED_PART: u64 = 512 << 20;

/// S3's own limit.
pub const MOST_PARTS: u64 = 10_000;

/// The fields in the head of an object.
#[derive(Debug, Clone)]
pub struct Stat {
    /// Bytes.
    pub size: u64,
    /// When it was last changed by the server's clock, in seconds since the epoch.
    pub modified: f64,
}

/// Headers that ask for encryption at rest.
pub fn encrypted(request: Request, encryption: &Encryption) -> Request {
    let mut request = with_key(request, encryption);
    if let Some(algorithm) = &encryption.algorithm {
        request = request.header("x-amz-server-side-encryption", algorithm);
    }
    if let Some(key) = &encryption.kms_key_id {
        request = request.header("x-amz-server-side-encryption-aws-kms-key-id", key);
    }
    request
}

/// Headers with the customer's own key, which also reads and parts need.
pub fn with_key(request: Request, encryption: &Encryption) -> Request {
    let Some(key) = &encryption.customer_key else {
        return request;
    };
    request
        .header("x-amz-server-side-encryption-customer-algorithm", "AES256")
        .header(
            "x-amz-server-side-encryption-customer-key",
            STANDARD.encode(key),
        )
        .header(
            "x-amz-server-side-encryption-customer-key-md5",
            STANDARD.encode(Md5::digest(key)),
        )
}

/// The headers of a copy that name its source.
pub fn from_source(request: Request, client: &Client, source: &str) -> Request {
    let config = client.config();
    let place = format!("/{}/{}", encode_path(&config.bucket), encode_path(source));
    let request = request.header("x-amz-copy-source", place);
    let Some(key) = &config.encryption.customer_key else {
        return request;
    };
    request
        .header(
            "x-amz-copy-source-server-side-encryption-customer-algorithm",
            "AES256",
        )
        .header(
            "x-amz-copy-source-server-side-encryption-customer-key",
            STANDARD.encode(key),
        )
        .header(
            "x-amz-copy-source-server-side-encryption-customer-key-md5",
            STANDARD.encode(Md5::digest(key)),
        )
}

/// Make an answer "no such key" an error of its own.
pub fn absent(error: Error, key: &str) -> Error {
    match &error {
        Error::Answer {
            status: 404, code, ..
        } if ABSENT.contains(&code.as_str()) => Error::Absent {
            key: key.to_owned(),
        },
        _ => error,
    }
}

/// Size and time of a key, `None` if it does not exist.
pub async fn stat(client: &Client, key: &str) -> Result<Option<Stat>, Error> {
    let request = with_key(Request::new(Method::HEAD, key), &client.config().encryption);
    match client
        .call(&request)
        .await
        .map_err(|error| absent(error, key))
    {
        // A collector would take an object without a time for an old one.
        Ok(reply) => Ok(Some(Stat {
            size: content_length(&reply.headers)
                .ok_or_else(|| Error::nonsense("the answer holds no size"))?,
            modified: http_time(&reply.headers, "last-modified")
                .ok_or_else(|| Error::nonsense("the answer holds no time"))?
                as f64,
        })),
        Err(Error::Absent { .. }) => {
            client.check_bucket().await?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The first `most` bytes of a key, `None` if it does not exist; `reserved`: the caller has
/// reserved memory for them.
pub async fn read(
    client: &Client,
    key: &str,
    most: u64,
    reserved: bool,
) -> Result<Option<Bytes>, Error> {
    let mut request = with_key(Request::new(Method::GET, key), &client.config().encryption);
    request.enough = Some(most);
    request.reserved = reserved;
    match client
        .call(&request)
        .await
        .map_err(|error| absent(error, key))
    {
        Ok(reply) => Ok(Some(reply.body)),
        Err(Error::Absent { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Write a key, replacing what is there.
pub async fn put(client: &Client, key: &str, body: Body, slow: bool) -> Result<(), Error> {
    let reply = client.call(&writing(client, key, body, slow)).await?;
    entity_tag(&reply).map(|_| ())
}

/// The tag of what was written. An answer without one is not S3's, and nothing was written:
/// something between, such as a login page, says that all is well.
pub fn entity_tag(reply: &Reply) -> Result<String, Error> {
    header(&reply.headers, "etag").ok_or(Error::NotS3 { status: 200 })
}

fn writing(client: &Client, key: &str, body: Body, slow: bool) -> Request {
    let mut request = encrypted(Request::new(Method::PUT, key), &client.config().encryption);
    request.body = body;
    request.slow = slow;
    request
}

/// Create a key; false if it exists.
pub async fn create(client: &Client, key: &str, body: Bytes) -> Result<bool, Error> {
    let request = writing(client, key, Body::Bytes(body), false).header("if-none-match", "*");
    let mut tries = 0;
    loop {
        tries += 1;
        match client.call(&request).await {
            Ok(reply) => return entity_tag(&reply).map(|_| true),
            Err(error) if error.status() == 412 => return Ok(false),
            // Another creator is at work and may yet fail. S3 asks to try again.
            Err(error) if error.status() == 409 && tries < CONFLICT_TRIES => {
                let pause = Duration::from_millis(50 << tries).min(Duration::from_secs(2));
                let part = rand::RngExt::random_range(&mut rand::rng(), 0.5..1.0);
                tokio::time::sleep(pause.mul_f64(part)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Delete a key; one that does not exist is no error.
pub async fn delete(client: &Client, key: &str) -> Result<(), Error> {
    match client.call(&Request::new(Method::DELETE, key)).await {
        Ok(_) => Ok(()),
        Err(error) => match absent(error, key) {
            Error::Absent { .. } => Ok(()),
            error => Err(error),
        },
    }
}

/// Copy an object within the bucket, on the server, replacing the target, which is whole at
/// every moment.
pub async fn copy(
    client: &Client,
    source: &str,
    target: &str,
    size: u64,
    most_at_once: u64,
) -> Result<(), Error> {
    let encryption = &client.config().encryption;
    if size <= most_at_once {
        let request = encrypted(Request::new(Method::PUT, target), encryption);
        let mut request = from_source(request, client, source).answered_by("CopyObjectResult");
        request.slow = true;
        let copied = client.call(&request).await;
        return copied.map(|_| ()).map_err(|error| absent(error, source));
    }
    let part_size = COPIED_PART.min(most_at_once).max(size.div_ceil(MOST_PARTS));
    let upload = super::multipart::Multipart::begin(client, target, false).await?;
    let copied = copy_parts(client, &upload, source, size, part_size).await;
    if copied.is_err() {
        upload.abort().await;
    }
    copied
}

async fn copy_parts(
    client: &Client,
    upload: &super::multipart::Multipart,
    source: &str,
    size: u64,
    part_size: u64,
) -> Result<(), Error> {
    for (number, start) in (0..size).step_by(part_size as usize).enumerate() {
        let last = size.min(start + part_size) - 1;
        let copied = upload
            .copy_part(client, number as u32, source, start, last)
            .await;
        copied.map_err(|error| absent(error, source))?;
    }
    upload.complete().await
}
