//! Bodies that are sent, and how far they got.

use super::error::Error;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::mpsc::Receiver;

/// Bytes that are handed to the connection at a time: each time is one sign of progress.
const FRAME: usize = 256 << 10;

/// A body that can be sent more than once.
#[derive(Clone, Default)]
pub enum Body {
    /// No body.
    #[default]
    Empty,
    /// Bytes in memory.
    Bytes(Bytes),
    /// Bytes that are read, and proven, each time they are sent.
    Source(Arc<dyn Source>),
}

impl Body {
    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Source(source) => source.is_empty(),
        }
    }
}

/// Where the bytes of a large body come from.
pub trait Source: Send + Sync {
    /// How many there are.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Begin to read them, from the start, on another thread.
    fn open(&self) -> Receiver<Result<Bytes, Error>>;

    /// Their CRC-32 and SHA-256, known before the first byte is sent.
    fn crc32(&self) -> u32;

    /// The SHA-256 in hexadecimal, where it was asked for.
    fn sha256(&self) -> Option<&str>;
}

/// How a body gets on.
pub struct Activity(Mutex<State>);

struct State {
    last: Instant,
    sent: u64,
    error: Option<Error>,
}

impl Activity {
    /// Begins now.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            last: Instant::now(),
            sent: 0,
            error: None,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn advance(&self, bytes: u64) {
        let mut state = self.lock();
        state.last = Instant::now();
        state.sent += bytes;
    }

    /// When it last got on, or began, and how many bytes were taken so far.
    pub fn last(&self) -> (Instant, u64) {
        let state = self.lock();
        (state.last, state.sent)
    }

    /// The error of the source, which hyper would hide in its own.
    pub fn error(&self) -> Option<Error> {
        self.lock().error.clone()
    }
}

/// A body on its way out.
pub struct Outgoing {
    bytes: Bytes,
    source: Option<Receiver<Result<Bytes, Error>>>,
    left: u64,
    activity: Arc<Activity>,
}

impl Outgoing {
    /// Send a body from its start.
    pub fn new(body: &Body, activity: Arc<Activity>) -> Self {
        let (bytes, source, left) = match body {
            Body::Empty => (Bytes::new(), None, 0),
            Body::Bytes(bytes) => (bytes.clone(), None, bytes.len() as u64),
            Body::Source(source) => (Bytes::new(), Some(source.open()), source.len()),
        };
        Self {
            bytes,
            source,
            left,
            activity,
        }
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if self.bytes.is_empty() {
            let Some(source) = &mut self.source else {
                return Poll::Ready(None);
            };
            let next = match source.poll_recv(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(next) => next.unwrap_or(Err(Error::Cancelled)),
            };
            match next {
                Ok(bytes) => self.bytes = bytes,
                Err(error) => {
                    self.activity.lock().error = Some(error.clone());
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
        let length = self.bytes.len().min(FRAME);
        let frame = self.bytes.split_to(length);
        self.left = self.left.saturating_sub(frame.len() as u64);
        self.activity.advance(frame.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
