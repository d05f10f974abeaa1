//! Objects that are written in parts, invisible until all are there.

use super::answer::header;
use super::body::Body;
use super::client::Client;
use super::error::Error;
use super::object::{encrypted, entity_tag, from_source, with_key};
use super::request::Request;
use super::sign::hex;
use super::xml;
use http::Method;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// The header with which an upload marks its object.
///
/// If the answer to the last request is lost, it shows whether the object is ours: size and number
/// of parts can be those of what was there before.
const MARK: &str = "x-amz-meta-radops-upload";

/// An upload in parts. Parts may be sent at once and in any order. Cheap to clone.
#[derive(Clone)]
pub struct Multipart(Arc<Inner>);

struct Inner {
    client: Client,
    key: String,
    id: String,
    mark: String,
    parts: Mutex<BTreeMap<u32, Part>>,
}

struct Part {
    etag: String,
    crc32: Option<String>,
}

impl Multipart {
    /// Begin an upload.
    pub async fn begin(client: &Client, key: &str, checksums: bool) -> Result<Self, Error> {
        let mark = hex(&rand::random::<[u8; 16]>());
        let request = Request::new(Method::POST, key)
            .query("uploads", "")
            .header(MARK, &mark)
            .answered_by("InitiateMultipartUploadResult");
        let mut request = encrypted(request, &client.config().encryption);
        if checksums {
            request = request.header("x-amz-checksum-algorithm", "CRC32");
        }
        request.slow = true;
        let reply = client.call(&request).await?;
        let id = reply
            .document
            .get("UploadId")
            .unwrap_or_default()
            .to_owned();
        if id.is_empty() {
            return Err(Error::nonsense("the answer names no upload"));
        }
        Ok(Self(Arc::new(Inner {
            client: client.clone(),
            key: key.to_owned(),
            id,
            mark,
            parts: Mutex::default(),
        })))
    }

    fn request(&self, number: u32) -> Request {
        let mut request = Request::new(Method::PUT, &self.0.key)
            .query("partNumber", (number + 1).to_string())
            .query("uploadId", &self.0.id);
        request.slow = true;
        request
    }

    /// Send a part, counted from 0. Sending it again replaces it.
    pub async fn send(&self, number: u32, body: Body) -> Result<(), Error> {
        let client = &self.0.client;
        let mut request = with_key(self.request(number), &client.config().encryption);
        request.body = body;
        let reply = client.call(&request).await?;
        let part = Part {
            etag: entity_tag(&reply)?,
            // A server that stores checksums expects them again.
            crc32: header(&reply.headers, "x-amz-checksum-crc32"),
        };
        self.note(number, part);
        Ok(())
    }

    /// Copy a part from another object.
    pub async fn copy_part(
        &self,
        client: &Client,
        number: u32,
        source: &str,
        start: u64,
        last: u64,
    ) -> Result<(), Error> {
        let request = with_key(self.request(number), &client.config().encryption);
        let request = from_source(request, client, source)
            .header("x-amz-copy-source-range", format!("bytes={start}-{last}"))
            .answered_by("CopyPartResult");
        let answer = client.call(&request).await?.document;
        let part = Part {
            etag: answer.get("ETag").unwrap_or_default().to_owned(),
            crc32: answer.get("ChecksumCRC32").map(str::to_owned),
        };
        self.note(number, part);
        Ok(())
    }

    fn note(&self, number: u32, part: Part) {
        let mut parts = self.0.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.insert(number, part);
    }

    /// Make the object visible.
    pub async fn complete(&self) -> Result<(), Error> {
        let list = self.list();
        let client = &self.0.client;
        let mut request = Request::new(Method::POST, &self.0.key)
            .query("uploadId", &self.0.id)
            .answered_by("CompleteMultipartUploadResult");
        request = with_key(request, &client.config().encryption);
        request.body = Body::Bytes(list.into());
        request.no_checksum = true;
        request.slow = true;
        match client.call(&request).await {
            Ok(_) => Ok(()),
            // The answer to a first try may have been lost: then there is no such upload any
            // more, but the object is there.
            Err(error) if error.code() == "NoSuchUpload" => {
                if self.is_complete().await {
                    Ok(())
                } else {
                    Err(error)
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the object is there and has our mark.
    async fn is_complete(&self) -> bool {
        let client = &self.0.client;
        let request = Request::new(Method::HEAD, &self.0.key);
        let found = client
            .call(&with_key(request, &client.config().encryption))
            .await;
        found.is_ok_and(|found| header(&found.headers, MARK).as_ref() == Some(&self.0.mark))
    }

    fn list(&self) -> String {
        let parts = self.0.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list = String::from(
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
        );
        for (number, part) in parts.iter() {
            let etag = xml::escape(&part.etag);
            let _ = write!(list, "<Part><ETag>{etag}</ETag>");
            if let Some(crc32) = &part.crc32 {
                let _ = write!(
                    list,
                    "<ChecksumCRC32>{}</ChecksumCRC32>",
                    xml::escape(crc32)
                );
            }
            let _ = write!(list, "<PartNumber>{}</PartNumber></Part>", number + 1);
        }
        list.push_str("</CompleteMultipartUpload>");
        list
    }

    /// Drop the parts that were sent. What cannot be dropped now stays until a collection: the
    /// error that led here matters more.
    pub async fn abort(&self) {
        let request = Request::new(Method::DELETE, &self.0.key).query("uploadId", &self.0.id);
        let _ = self.0.client.call(&request).await;
    }
}
