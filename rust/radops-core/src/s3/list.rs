//! Listings: keys of the bucket, and its unfinished uploads.

use super::address::decode;
use super::client::Client;
use super::error::Error;
use super::object::absent;
use super::request::Request;
use super::times::{document_time, http_time};
use super::xml::Node;
use http::Method;
use std::collections::HashSet;
use tokio::task::JoinSet;

/// Keys of a page; S3's own limit.
const MOST: usize = 1000;

/// Empty pages in a row, as of a server that has to pass many deleted keys. That can take long, but
/// not for ever.
const MOST_EMPTY: u32 = 200;

/// A key or common prefix of a listing.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The key; for a common prefix, what keys begin with, the slash included.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// Last change in seconds since the epoch.
    pub modified: f64,
    /// The entity tag, which differs between versions; empty if the server gives none.
    pub etag: String,
}

/// One page of a listing.
#[derive(Debug, Default)]
pub struct Page {
    /// Keys.
    pub keys: Vec<Listed>,
    /// Common prefixes, for a listing that is not recursive.
    pub prefixes: Vec<String>,
    /// What to ask for the next page with; `None` on the last.
    pub next: Option<String>,
    /// The server's clock, in seconds since the epoch.
    pub date: Option<i64>,
}

impl Page {
    /// Fetch a page of at most `most` keys that begin with a prefix.
    pub async fn fetch(
        client: &Client,
        prefix: &str,
        recursive: bool,
        most: usize,
        token: Option<&str>,
    ) -> Result<Self, Error> {
        let mut request = Request::new(Method::GET, "")
            .query("list-type", "2")
            .query("encoding-type", "url")
            .query("max-keys", most.to_string())
            .query("prefix", prefix)
            .answered_by("ListBucketResult");
        if !recursive {
            request = request.query("delimiter", "/");
        }
        if let Some(token) = token {
            request = request.query("continuation-token", token);
        }
        let reply = client.call(&request).await?;
        let mut page = read_page(&reply.document)?;
        page.date = http_time(&reply.headers, "date");
        Ok(page)
    }
}

fn no_advance() -> Error {
    Error::nonsense("the listing does not advance")
}

/// Notices a listing that never ends: whose tokens or pages come again, or whose pages are empty.
#[derive(Default)]
struct Advance {
    seen: HashSet<[u8; 16]>,
    empty: u32,
}

impl Advance {
    fn check(&mut self, page: &Page) -> Result<(), Error> {
        let Some(token) = &page.next else {
            return Ok(());
        };
        if page.keys.is_empty() && page.prefixes.is_empty() {
            self.empty += 1;
            if self.empty > MOST_EMPTY {
                return Err(no_advance());
            }
        } else {
            self.empty = 0;
            let mut content = blake3::Hasher::new();
            let keys = page.keys.iter().map(|listed| &listed.key);
            for key in keys.chain(&page.prefixes) {
                content.update(&(key.len() as u64).to_le_bytes());
                content.update(key.as_bytes());
            }
            self.first_time(content.finalize())?;
        }
        self.first_time(blake3::hash(token.as_bytes()))
    }

    fn first_time(&mut self, hash: blake3::Hash) -> Result<(), Error> {
        let (half, _) = hash.as_bytes().split_at(16);
        let half = half.try_into().map_err(|_| Error::Cancelled)?;
        self.seen.insert(half).then_some(()).ok_or_else(no_advance)
    }
}

/// A listing, page by page; the next page is fetched while one is used.
pub struct Pages {
    client: Client,
    prefix: String,
    recursive: bool,
    state: State,
    advance: Advance,
}

enum State {
    Begin,
    Coming(JoinSet<Result<Page, Error>>),
    End,
}

impl Pages {
    /// No request is sent yet.
    pub fn new(client: Client, prefix: String, recursive: bool) -> Self {
        Self {
            client,
            prefix,
            recursive,
            state: State::Begin,
            advance: Advance::default(),
        }
    }

    /// The next page, `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Page>, Error> {
        let page = match &mut self.state {
            State::End => return Ok(None),
            State::Begin => self.fetch(None).await,
            State::Coming(task) => match task.join_next().await {
                Some(Ok(page)) => page,
                _ => Err(Error::Cancelled),
            },
        };
        self.state = State::End;
        let page = page?;
        self.advance.check(&page)?;
        if let Some(token) = page.next.clone() {
            let mut task = JoinSet::new();
            let next = self.fetch(Some(token));
            task.spawn(next);
            self.state = State::Coming(task);
        }
        Ok(Some(page))
    }

    fn fetch(
        &self,
        token: Option<String>,
    ) -> impl Future<Output = Result<Page, Error>> + Send + 'static {
        let (client, prefix, recursive) =
            (self.client.clone(), self.prefix.clone(), self.recursive);
        async move { Page::fetch(&client, &prefix, recursive, MOST, token.as_deref()).await }
    }
}

fn read_page(answer: &Node) -> Result<Page, Error> {
    // An empty answer is no empty listing.
    let truncated = match answer.get("IsTruncated") {
        Some("true") => true,
        Some("false") => false,
        _ => return Err(Error::nonsense("the answer is no listing")),
    };
    let encoded = answer.get("EncodingType") == Some("url");
    let plain = |text: &str| {
        if encoded {
            decode(text)
        } else {
            Ok(text.to_owned())
        }
    };
    let mut page = Page::default();
    for item in answer.all("Contents") {
        page.keys.push(Listed {
            key: plain(required(item, "Key")?)?,
            size: required(item, "Size")?
                .parse()
                .map_err(|_| Error::nonsense("the listing holds no size"))?,
            modified: document_time(required(item, "LastModified")?)?,
            etag: item.get("ETag").unwrap_or_default().to_owned(),
        });
    }
    for item in answer.all("CommonPrefixes") {
        page.prefixes.push(plain(required(item, "Prefix")?)?);
    }
    if truncated {
        let next = required(answer, "NextContinuationToken").map_err(|_| no_advance())?;
        page.next = Some(next.to_owned());
    }
    Ok(page)
}

fn required<'a>(node: &'a Node, name: &str) -> Result<&'a str, Error> {
    node.get(name)
        .ok_or_else(|| Error::nonsense(format!("the listing holds no {name}")))
}

/// One page of the unfinished uploads.
#[derive(Debug, Default)]
pub struct Uploads {
    /// Key, identity, and when it began in seconds since the epoch.
    pub uploads: Vec<(String, String, f64)>,
    /// Key and identity after which the next page begins; `None` on the last.
    pub next: Option<(String, String)>,
}

impl Uploads {
    /// Fetch a page.
    pub async fn fetch(
        client: &Client,
        prefix: &str,
        after: Option<&(String, String)>,
    ) -> Result<Self, Error> {
        let mut request = Request::new(Method::GET, "")
            .query("uploads", "")
            .query("prefix", prefix)
            .answered_by("ListMultipartUploadsResult");
        if let Some((key, id)) = after {
            request = request.query("key-marker", key);
            request = request.query("upload-id-marker", id);
        }
        let answer = client.call(&request).await?.document;
        let mut page = Self::default();
        for item in answer.all("Upload") {
            let key = required(item, "Key")?.to_owned();
            // Some servers ignore the prefix.
            if key.starts_with(prefix) {
                let id = required(item, "UploadId")?.to_owned();
                page.uploads
                    .push((key, id, document_time(required(item, "Initiated")?)?));
            }
        }
        match answer.get("IsTruncated") {
            Some("true") => {
                let marker = |name| answer.get(name).unwrap_or_default().to_owned();
                let next = (marker("NextKeyMarker"), marker("NextUploadIdMarker"));
                if after == Some(&next) {
                    return Err(no_advance());
                }
                page.next = Some(next);
            }
            Some("false") => {}
            _ => return Err(Error::nonsense("the answer is no listing")),
        }
        Ok(page)
    }

    /// Abort an upload. One that has just ended by itself is no error.
    pub async fn abort(client: &Client, key: &str, id: &str) -> Result<(), Error> {
        let request = Request::new(Method::DELETE, key).query("uploadId", id);
        match client.call(&request).await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == "NoSuchUpload" => Ok(()),
            Err(error) => match absent(error, key) {
                Error::Absent { .. } => Ok(()),
                error => Err(error),
            },
        }
    }
}
