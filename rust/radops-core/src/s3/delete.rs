//! Deleting many keys.

use super::answer::document;
use super::body::Body;
use super::client::Client;
use super::error::{Error, is_throttling, is_transient};
use super::object;
use super::request::Request;
use super::retry::Mend;
use super::runtime::each;
use super::xml;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use md5::{Digest, Md5};
use std::sync::Arc;
use std::time::Instant;

/// S3's own limit for a request.
const MOST_KEYS: usize = 1000;

/// Requests at once. Each is much work for the server.
const MOST_REQUESTS: usize = 4;

/// Codes of keys that do not exist, which is no error.
const GONE: [&str; 4] = ["NoSuchKey", "NoSuchVersion", "NotFound", "404"];

/// Delete keys; those that do not exist are no error.
pub async fn delete_all(client: Client, keys: Vec<String>) -> Result<(), Error> {
    let (plain, odd): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| fits_xml(key));
    let batches: Arc<[Vec<String>]> = plain.chunks(MOST_KEYS).map(<[_]>::to_vec).collect();
    let (one, all) = (client.clone(), batches.clone());
    let left = each(batches.len(), MOST_REQUESTS, move |number| {
        let (client, batches) = (one.clone(), all.clone());
        async move {
            let batch = &batches[number];
            let done = batch.len() > 1 && delete_batch(&client, batch).await?;
            Ok(if done { Vec::new() } else { batch.clone() })
        }
    })
    .await?;
    let single: Arc<[String]> = left.into_iter().flatten().chain(odd).collect();
    let width = client.width();
    each(single.len(), width, move |number| {
        let (client, keys) = (client.clone(), single.clone());
        async move { object::delete(&client, &keys[number]).await }
    })
    .await?;
    Ok(())
}

/// Whether a key can be part of an XML document. A carriage return can, but arrives as a line feed.
fn fits_xml(key: &str) -> bool {
    key.chars().all(|character| {
        matches!(character, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
    })
}

/// Delete keys in one request, and those again whose deletion failed for the moment. False if the
/// server does not know such requests.
async fn delete_batch(client: &Client, keys: &[String]) -> Result<bool, Error> {
    let mut left = keys.to_vec();
    let mut tries = client.tries(true);
    loop {
        let began = Instant::now();
        let failures = match delete_once(client, &left).await {
            Ok(failures) => failures,
            Err(error)
                if matches!(error.status(), 405 | 501)
                    || matches!(error.code(), "NotImplemented" | "MethodNotAllowed") =>
            {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        // A permanent refusal is reported before one that may pass.
        let passes =
            |error: &Error| is_throttling(0, error.code()) || is_transient(0, error.code());
        if let Some((_, error)) = failures.iter().find(|(_, error)| !passes(error)) {
            return Err(error.clone());
        }
        let Some((_, error)) = failures.first() else {
            return Ok(true);
        };
        if is_throttling(0, error.code()) {
            client.refused(began);
        }
        let failed: Vec<_> = left
            .iter()
            .filter(|key| failures.iter().any(|(failed, _)| failed == *key))
            .cloned()
            .collect();
        // Keys that were not asked about: then which failed is unknown.
        if !failed.is_empty() {
            if failed.len() < left.len() {
                tries = client.tries(true);
            }
            left = failed;
        }
        match tries.after(error, &client.circumstances()) {
            Some(Mend::Wait(pause)) => tokio::time::sleep(pause).await,
            _ => return Err(error.clone()),
        }
    }
}

/// Delete keys in one request. Returns those that failed, and why.
async fn delete_once(client: &Client, keys: &[String]) -> Result<Vec<(String, Error)>, Error> {
    let mut list = String::from("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for key in keys {
        list.push_str("<Object><Key>");
        list.push_str(&xml::escape(key));
        list.push_str("</Key></Object>");
    }
    list.push_str("<Quiet>true</Quiet></Delete>");
    let md5 = STANDARD.encode(Md5::digest(&list));
    let mut request = Request::new(Method::POST, "")
        .query("delete", "")
        .header("content-md5", md5);
    request.body = Body::Bytes(list.into());
    request.slow = true;
    let reply = client.call(&request).await?;
    // Not every server answers with a body when there is nothing to say.
    if reply.body.is_empty() {
        return Ok(Vec::new());
    }
    let answer = document(&reply.body, "DeleteResult")?;
    let failures = answer.all("Error").filter_map(|failure| {
        let text = |name| failure.get(name).unwrap_or_default().to_owned();
        let code = text("Code");
        let error = (!GONE.contains(&code.as_str())).then(|| Error::Answer {
            status: 0,
            code,
            message: text("Message"),
            retry_after: None,
        })?;
        Some((text("Key"), error))
    });
    Ok(failures.collect())
}
