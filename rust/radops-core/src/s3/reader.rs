//! A stream of an object's bytes. One that is cut is taken up again where it broke.

use super::answer::{Streaming, content_length, header};
use super::client::Client;
use super::error::{Broken, Error};
use super::object::{absent, stat, with_key};
use super::request::Request;
use bytes::{Buf, Bytes};
use http::Method;
use std::time::Duration;

/// How often a stream may break before it has brought another MiB. Opening it is tried again by
/// itself: this is for connections that are made and then break.
const TRIES: u32 = 4;

const MIB: u64 = 1 << 20;

/// Bytes of memory that are taken for a read before they have arrived.
const MOST_AHEAD: usize = 8 << 20;

/// A stream of bytes.
pub struct Reader {
    client: Client,
    key: String,
    stream: Option<Streaming>,
    data: Bytes,
    position: u64,
    /// Bytes still to come from the connection.
    left: u64,
    etag: String,
    failures: u32,
    /// Past it, failures are forgotten.
    safe_until: u64,
}

impl Reader {
    /// Open the bytes from `start` on, at most `length` of them.
    pub async fn open(
        client: &Client,
        key: &str,
        start: u64,
        length: Option<u64>,
    ) -> Result<Self, Error> {
        let mut reader = Self {
            client: client.clone(),
            key: key.to_owned(),
            stream: None,
            data: Bytes::new(),
            position: start,
            left: 0,
            etag: String::new(),
            failures: 0,
            safe_until: start.saturating_add(MIB),
        };
        if length == Some(0) {
            // S3 has no way to ask for nothing.
            let found = stat(client, key).await?;
            return found.map(|_| reader).ok_or_else(|| Error::Absent {
                key: key.to_owned(),
            });
        }
        match get(client, key, start, length, None).await {
            Ok((stream, left)) => {
                reader.etag = entity_tag(&stream);
                reader.left = left;
                reader.stream = Some(stream);
                Ok(reader)
            }
            // The object ends at or before the start.
            Err(error) if error.status() == 416 => Ok(reader),
            Err(error) => Err(error),
        }
    }

    /// Up to `size` bytes, fewer only at the end.
    pub async fn read(&mut self, size: u64) -> Result<Vec<u8>, Error> {
        let wanted = size.min(self.left.saturating_add(self.data.len() as u64)) as usize;
        // The server says how much there is: memory is taken for what has come.
        let mut result = Vec::with_capacity(wanted.min(MOST_AHEAD));
        while result.len() < wanted {
            if self.data.is_empty() {
                self.data = self.more().await?;
            }
            let some = self.data.len().min(wanted - result.len());
            result.extend_from_slice(&self.data[..some]);
            self.data.advance(some);
        }
        Ok(result)
    }

    /// The next bytes of the connection, at least one.
    async fn more(&mut self) -> Result<Bytes, Error> {
        loop {
            let broken = match self.connected().await {
                Ok(stream) => match stream.next().await {
                    Ok(Some(mut data)) => {
                        data.truncate(self.left.min(data.len() as u64) as usize);
                        self.left -= data.len() as u64;
                        self.position += data.len() as u64;
                        if self.position >= self.safe_until {
                            self.failures = 0;
                        }
                        return Ok(data);
                    }
                    Ok(None) => Error::Broken {
                        kind: Broken::Connection,
                        text: "the answer ended early".into(),
                    },
                    Err(error) => error,
                },
                Err(error) => return Err(error),
            };
            self.stream = None;
            self.failures += 1;
            self.safe_until = self.position.saturating_add(MIB);
            if !matches!(broken, Error::Broken { .. }) {
                return Err(broken);
            }
            if self.failures >= TRIES {
                return Err(Error::Interrupted {
                    key: self.key.clone(),
                });
            }
            let part = rand::RngExt::random_range(&mut rand::rng(), 0.0..1.0);
            tokio::time::sleep(Duration::from_millis(100 << self.failures).mul_f64(part)).await;
        }
    }

    async fn connected(&mut self) -> Result<&mut Streaming, Error> {
        if self.stream.is_none() {
            let changed = |what| Error::Changed {
                key: self.key.clone(),
                what,
            };
            let etag = Some(self.etag.as_str()).filter(|etag| !etag.is_empty());
            let (start, length) = (self.position, Some(self.left));
            match get(&self.client, &self.key, start, length, etag).await {
                // A store may ignore the condition: then the tag shows that these are other bytes.
                Ok((stream, left)) if left == self.left && entity_tag(&stream) == self.etag => {
                    self.stream = Some(stream);
                }
                Ok(_) => return Err(changed("changed")),
                Err(Error::Absent { .. }) => return Err(changed("went away")),
                Err(error) if matches!(error.status(), 412 | 416) => {
                    return Err(changed("changed"));
                }
                Err(error) => return Err(error),
            }
        }
        self.stream.as_mut().ok_or(Error::Cancelled)
    }
}

/// The tag of the object that an answer is about; empty if the server gives none.
fn entity_tag(stream: &Streaming) -> String {
    header(&stream.headers, "etag").unwrap_or_default()
}

/// Open a range; the stream, and how many bytes it has.
async fn get(
    client: &Client,
    key: &str,
    start: u64,
    length: Option<u64>,
    etag: Option<&str>,
) -> Result<(Streaming, u64), Error> {
    let (mut stream, left) = open_range(client, key, start, length, etag).await?;
    // A reader may be held for long without being read: it does not keep others from beginning.
    stream.permit = None;
    Ok((stream, left))
}

/// Open a range of bytes, its length checked against what was asked for.
pub async fn open_range(
    client: &Client,
    key: &str,
    start: u64,
    length: Option<u64>,
    etag: Option<&str>,
) -> Result<(Streaming, u64), Error> {
    let mut request = with_key(Request::new(Method::GET, key), &client.config().encryption);
    let ranged = start > 0 || length.is_some();
    if ranged {
        let last = length.map_or(String::new(), |length| {
            start.saturating_add(length - 1).to_string()
        });
        request = request.header("range", format!("bytes={start}-{last}"));
    }
    if let Some(etag) = etag {
        request = request.header("if-match", etag);
    }
    let opened = client.open(&request).await;
    let stream = opened.map_err(|error| absent(error, key))?;
    let announced = content_length(&stream.headers);
    if !ranged {
        let announced = announced.ok_or_else(|| Error::nonsense("the answer has no length"))?;
        return Ok((stream, announced));
    }
    let range = header(&stream.headers, "content-range").unwrap_or_default();
    let (first, last, total) = parse_range(&range).ok_or(Error::NoRanges)?;
    let span = last.checked_sub(first).and_then(|span| span.checked_add(1));
    let expected = match total {
        None => length.map_or(span, |length| span.filter(|&span| span <= length)),
        Some(total) => {
            let rest = total.checked_sub(start);
            rest.map(|rest| length.map_or(rest, |length| length.min(rest)))
        }
    };
    let Some(expected) = expected.filter(|_| expected == span) else {
        return Err(Error::nonsense("answers with other bytes than asked for"));
    };
    if first != start || announced != Some(expected) {
        return Err(Error::nonsense("answers with other bytes than asked for"));
    }
    Ok((stream, expected))
}

fn parse_range(text: &str) -> Option<(u64, u64, Option<u64>)> {
    let (span, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = span.split_once('-')?;
    let total = if total == "*" {
        None
    } else {
        Some(total.parse().ok()?)
    };
    Some((first.parse().ok()?, last.parse().ok()?, total))
}
