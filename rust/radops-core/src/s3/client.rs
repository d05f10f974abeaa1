//! One bucket: requests to it, signed, paced and tried again.

use super::address::Address;
use super::answer::{Reply, SMALL_BODY, Streaming, content_length, document, header};
use super::body::Activity;
use super::config::Config;
use super::connect::Http;
use super::credentials::{Keys, Provider};
use super::error::{Error, is_throttling};
use super::message::Envelope;
use super::pace::{Pace, Permit};
use super::request::Request;
use super::retry::{Circumstances, Mend, Tries};
use super::runtime::{IN_FLIGHT, Runtime, UNIT};
use super::times::http_time;
use http::Method;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// An answer that does not name its cause is put down to a wrong clock from so many seconds on.
/// S3 allows 15 minutes.
const SKEW: i64 = 300;

/// A bucket. Cheap to clone. Belongs to the process that made it.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    config: Config,
    address: RwLock<Arc<Address>>,
    http: Http,
    keys: Keys,
    /// Seconds that the server's clock is ahead of ours, where that was too much for it.
    skew: AtomicI64,
    /// Whether the server takes checksums in headers.
    checksums: AtomicBool,
    /// Whether the bucket was found to exist.
    bucket_exists: AtomicBool,
    pace: Arc<Pace>,
    memory: Arc<Semaphore>,
}

impl Client {
    /// Make a client of the runtime. Nothing is asked of the server yet.
    pub fn new(
        config: Config,
        provider: Arc<dyn Provider>,
        runtime: &Runtime,
    ) -> Result<Self, Error> {
        let address = Address::new(&config)?;
        Ok(Self(Arc::new(Inner {
            http: Http::new(&config)?,
            pace: runtime.pace(address.host(), config.max_connections),
            address: RwLock::new(Arc::new(address)),
            keys: Keys::new(provider),
            skew: AtomicI64::new(0),
            checksums: AtomicBool::new(true),
            bucket_exists: AtomicBool::new(false),
            memory: runtime.memory(),
            config,
        })))
    }

    /// How the bucket is reached.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// How many requests to have ready at once.
    pub fn width(&self) -> usize {
        self.0
            .pace
            .width()
            .min(self.0.config.max_connections.max(1))
    }

    /// Distinguish a key that is absent from a bucket that is: the answer to a HEAD does not.
    pub async fn check_bucket(&self) -> Result<(), Error> {
        if self.0.bucket_exists.load(Relaxed) {
            return Ok(());
        }
        match self.call(&Request::new(Method::HEAD, "")).await {
            Err(Error::Answer {
                status: 404,
                message,
                retry_after,
                ..
            }) => Err(Error::Answer {
                status: 404,
                code: "NoSuchBucket".into(),
                message,
                retry_after,
            }),
            // Without the right to look at the bucket itself, it exists.
            Ok(_) | Err(Error::Answer { status: 403, .. }) => {
                self.0.bucket_exists.store(true, Relaxed);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the connection is encrypted; else bodies are part of the signature.
    pub fn is_tls(&self) -> bool {
        self.address().is_tls()
    }

    /// Wait until so many more bytes may be in memory.
    ///
    /// Not for a caller that may begin a request and delays others until it ends: they may hold the
    /// memory.
    pub async fn reserve(&self, bytes: u64) -> Result<OwnedSemaphorePermit, Error> {
        let permit = self.0.memory.clone().acquire_many_owned(units(bytes)).await;
        permit.map_err(|_| Error::Cancelled)
    }

    /// Reserve memory for the body of an answer whose head has arrived.
    async fn reserve_for(
        &self,
        request: &Request,
        answer: &mut Streaming,
    ) -> Result<Option<OwnedSemaphorePermit>, Error> {
        let most = Streaming::most(request);
        let bytes = content_length(&answer.headers).map_or(most, |length| length.min(most));
        if request.reserved || request.method == Method::HEAD || bytes <= SMALL_BODY {
            return Ok(None);
        }
        match self.0.memory.clone().try_acquire_many_owned(units(bytes)) {
            Ok(permit) => Ok(Some(permit)),
            Err(TryAcquireError::Closed) => Err(Error::Cancelled),
            Err(TryAcquireError::NoPermits) => {
                // The holders of the memory may be waiting for their turn to send a request.
                answer.permit = None;
                self.reserve(bytes).await.map(Some)
            }
        }
    }

    /// Send a request and read the whole answer.
    pub async fn call(&self, request: &Request) -> Result<Reply, Error> {
        let (answer, reply) = self.tried(request, true).await?;
        Ok(Reply {
            headers: answer.headers,
            ..reply
        })
    }

    /// Send a request and read the answer's head.
    pub async fn open(&self, request: &Request) -> Result<Streaming, Error> {
        Ok(self.tried(request, false).await?.0)
    }

    /// The tries of a request that begins now.
    pub fn tries(&self, slow: bool) -> Tries {
        Tries::new(self.limit(slow), self.0.config.timeouts.throttled)
    }

    /// What is known when a request fails, beside the failure.
    pub fn circumstances(&self) -> Circumstances {
        Circumstances {
            served: self.0.pace.last_success(),
            checksum: false,
            unexplained: false,
        }
    }

    /// Note that the server asked for fewer requests in answer to one that began then.
    pub fn refused(&self, began: Instant) {
        self.0.pace.refused(began);
    }

    /// Send a request until it succeeds or there is no hope; `whole`: read the answer's body,
    /// as part of the try.
    async fn tried(&self, request: &Request, whole: bool) -> Result<(Streaming, Reply), Error> {
        let inner = &*self.0;
        let mut tries = self.tries(request.slow);
        loop {
            let permit = inner.pace.enter().await;
            tries.begin();
            let activity = Activity::new();
            let checksums = inner.checksums.load(Relaxed) && !tries.is_plain();
            let one = One {
                permit,
                checksums,
                activity: activity.clone(),
            };
            let error = match self.attempt(request, one, whole).await {
                Ok(done) => {
                    if tries.is_plain() {
                        inner.checksums.store(false, Relaxed);
                    }
                    return Ok(done);
                }
                Err(error) => error,
            };
            tries.advanced(activity.last());
            let circumstances = Circumstances {
                checksum: checksums && request.has_checksum(),
                unexplained: request.method == Method::HEAD && inner.keys.are_temporary(),
                ..self.circumstances()
            };
            match tries.after(&error, &circumstances) {
                Some(Mend::Wait(pause)) => tokio::time::sleep(pause).await,
                Some(Mend::NewKeys) => inner.keys.renew().await?,
                Some(Mend::Again) => {}
                None => return Err(error),
            }
        }
    }

    async fn attempt(
        &self,
        request: &Request,
        one: One,
        whole: bool,
    ) -> Result<(Streaming, Reply), Error> {
        let mut answer = self.send(request, one).await?;
        let mut reply = Reply::default();
        if whole {
            let _memory = self.reserve_for(request, &mut answer).await?;
            reply.body = answer.read_whole(request).await?;
            if let Some(root) = request.root {
                reply.document = document(&reply.body, root)?;
            }
            answer.permit = None;
        }
        Ok((answer, reply))
    }

    fn limit(&self, slow: bool) -> Duration {
        let timeouts = &self.0.config.timeouts;
        if slow {
            timeouts.transfer
        } else {
            timeouts.read
        }
    }

    fn address(&self) -> Arc<Address> {
        self.0
            .address
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_address(&self, address: Address) {
        *self
            .0
            .address
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(address);
    }

    /// The time by the server's clock, in seconds since the epoch.
    fn now(&self) -> i64 {
        OffsetDateTime::now_utc().unix_timestamp() + self.0.skew.load(Relaxed)
    }

    /// Send a request once. An answer that is an error is one here.
    async fn send(&self, request: &Request, one: One) -> Result<Streaming, Error> {
        let inner = &*self.0;
        let credentials = inner.keys.current().await?;
        let address = self.address();
        let envelope = Envelope {
            address: &address,
            credentials: &credentials,
            now: OffsetDateTime::from_unix_timestamp(self.now())
                .map_err(|_| Error::nonsense("the server's clock cannot be right"))?,
            checksums: one.checksums,
            requester_pays: inner.config.requester_pays,
            activity: &one.activity,
        };
        let message = envelope.seal(request)?;
        let limit = self.limit(request.slow);
        let answer = inner.http.send(message, &one.activity, limit).await?;
        let mut answer = Streaming::new(answer, limit);
        if answer.status == 206 && !request.is_ranged() {
            return Err(Error::nonsense("answers with a part instead of the whole"));
        }
        if (200..300).contains(&answer.status) {
            inner.pace.succeeded();
            answer.permit = Some(one.permit);
            return Ok(answer);
        }
        let error = answer.failure(&request.method).await;
        if is_throttling(error.status(), error.code()) {
            self.refused(one.permit.began());
        } else if answer.status < 500 {
            inner.pace.succeeded();
        }
        Err(self.learn(request, &answer, error, &address)?)
    }

    /// Take from a failure what makes the next try succeed. Returns the failure as the retries
    /// understand it.
    fn learn(
        &self,
        request: &Request,
        answer: &Streaming,
        error: Error,
        address: &Address,
    ) -> Result<Error, Error> {
        let inner = &*self.0;
        if let Some(theirs) = http_time(&answer.headers, "date") {
            let ahead = theirs - self.now();
            // The answer to a HEAD does not name the cause.
            let unexplained = request.method == Method::HEAD && answer.status == 403;
            if error.code() == "RequestTimeTooSkewed" || (unexplained && ahead.abs() > SKEW) {
                let ours = OffsetDateTime::now_utc().unix_timestamp();
                inner.skew.store(theirs - ours, Relaxed);
                return Ok(Error::Answer {
                    status: answer.status,
                    code: "RequestTimeTooSkewed".into(),
                    message: error.message().to_owned(),
                    retry_after: None,
                });
            }
        }
        let region = header(&answer.headers, "x-amz-bucket-region");
        let elsewhere = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
        let wrong_region = elsewhere
            || (answer.status == 400
                && matches!(
                    error.code(),
                    "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" | ""
                ));
        if wrong_region
            && let Some(region) = region.or_else(|| named_region(&error))
            && region != address.region
        {
            self.set_address(address.in_region(&inner.config, &region)?);
            return Ok(Error::OtherRegion { region });
        }
        if elsewhere && let Some(location) = header(&answer.headers, "location") {
            let there = address.redirected(&inner.config, &location)?;
            let region = there.region.clone();
            self.set_address(there);
            return Ok(Error::OtherRegion { region });
        }
        Ok(error)
    }
}

/// One try of a request.
struct One {
    permit: Permit,
    checksums: bool,
    activity: Arc<Activity>,
}

fn units(bytes: u64) -> u32 {
    let units = usize::try_from(bytes).unwrap_or(usize::MAX) / UNIT;
    units.clamp(1, IN_FLIGHT / UNIT) as u32
}

/// The region that an answer's message names: "... expecting 'eu-west-1'".
fn named_region(error: &Error) -> Option<String> {
    let rest = error.message().split_once("expecting '")?.1;
    Some(rest.split_once('\'')?.0.to_owned())
}
