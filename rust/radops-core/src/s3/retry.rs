//! Which failures are tried again, and when.

use super::error::{Broken, Error, is_throttling, is_transient};
use rand::RngExt;
use std::time::{Duration, Instant};

/// Tries of one request, refusals because of a rate limit aside.
const MOST_TRIES: u32 = 7;

/// Tries when not even a connection is made.
const MOST_CONNECTS: u32 = 3;

/// No try begins later than this after the time without progress that is allowed.
const GRACE: Duration = Duration::from_secs(1);

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_THROTTLED: Duration = Duration::from_secs(8);

/// How many times as long as for a server that refuses everything one request waits for a server
/// that serves others: by then another would have had its turn.
const THROTTLED_ALONE: u32 = 5;

/// What to do before the next try.
pub enum Mend {
    /// Wait.
    Wait(Duration),
    /// Fetch new credentials.
    NewKeys,
    /// Nothing: the cause is fixed already.
    Again,
}

/// What is known when a request fails, beside the failure.
pub struct Circumstances {
    /// When the server last did something for us, in this request or another.
    pub served: Instant,
    /// Whether the request had a checksum in its headers.
    pub checksum: bool,
    /// Whether the answer cannot name its cause and the keys may have expired: that to a HEAD, with
    /// temporary keys.
    pub unexplained: bool,
}

/// The tries of one request.
pub struct Tries {
    /// How long there may be no progress.
    limit: Duration,
    throttled_limit: Duration,
    progress: Instant,
    furthest: u64,
    failures: u32,
    connects: u32,
    refusals: u32,
    refused_since: Option<Instant>,
    first_refused: Option<Instant>,
    keys: bool,
    region: u32,
    clock: bool,
    plain: bool,
}

impl Tries {
    /// The first try begins now.
    pub fn new(limit: Duration, throttled_limit: Duration) -> Self {
        let now = Instant::now();
        Self {
            limit,
            throttled_limit,
            progress: now,
            furthest: 0,
            failures: 0,
            connects: 0,
            refusals: 0,
            refused_since: None,
            first_refused: None,
            keys: false,
            region: 0,
            clock: false,
            plain: false,
        }
    }

    /// Note how far a body came in this try, and when. Only what no earlier try had sent counts.
    pub fn advanced(&mut self, (at, sent): (Instant, u64)) {
        if sent > self.furthest {
            self.furthest = sent;
            self.progress = self.progress.max(at);
        }
    }

    /// Whether to leave checksums out, as the store refused a request with one.
    pub fn is_plain(&self) -> bool {
        self.plain
    }

    /// A request that waited for its turn has its whole time from here.
    pub fn begin(&mut self) {
        if self.failures == 0 && self.refusals == 0 {
            self.progress = Instant::now();
        }
    }

    /// What to do after a failure; `None`: give up.
    pub fn after(&mut self, error: &Error, circumstances: &Circumstances) -> Option<Mend> {
        match error {
            Error::Answer {
                status,
                code,
                message,
                retry_after,
            } => {
                if is_throttling(*status, code) {
                    return self.throttled(*retry_after, circumstances.served);
                }
                self.refused_since = None;
                if circumstances.checksum && knows_no_checksums(*status, code, message) {
                    self.plain = true;
                    return Some(Mend::Again);
                }
                self.after_answer(*status, code, circumstances.unexplained)
            }
            Error::OtherRegion { .. } => {
                self.region += 1;
                (self.region <= 2).then_some(Mend::Again)
            }
            Error::Broken { kind, .. } => {
                if matches!(kind, Broken::Connect | Broken::Proxy) {
                    self.connects += 1;
                    if self.connects >= MOST_CONNECTS {
                        return None;
                    }
                } else if *kind == Broken::Timeout {
                    // The network path may be gone: then one new connection shows it.
                    self.connects = self.connects.max(MOST_CONNECTS - 1);
                }
                self.pause()
            }
            Error::Nonsense { .. } => self.pause(),
            _ => None,
        }
    }

    fn after_answer(&mut self, status: u16, code: &str, unexplained: bool) -> Option<Mend> {
        match code {
            "" if unexplained && status == 400 && !self.keys => {
                self.keys = true;
                return Some(Mend::NewKeys);
            }
            "ExpiredToken" | "TokenRefreshRequired" if !self.keys => {
                self.keys = true;
                return Some(Mend::NewKeys);
            }
            "RequestTimeTooSkewed" if !self.clock => {
                self.clock = true;
                return Some(Mend::Again);
            }
            _ => {}
        }
        if is_transient(status, code) {
            return self.pause();
        }
        None
    }

    fn pause(&mut self) -> Option<Mend> {
        self.failures += 1;
        if self.failures >= MOST_TRIES || self.progress.elapsed() > self.limit + GRACE {
            return None;
        }
        Some(Mend::Wait(jittered(
            FIRST_PAUSE * (1 << (self.failures - 1)),
            LONGEST_PAUSE,
        )))
    }

    /// A server that limits the rate is waited for while it serves other requests, and some time
    /// beyond; but not for ever for one request.
    fn throttled(&mut self, retry_after: Option<f64>, served: Instant) -> Option<Mend> {
        let since = *self.refused_since.get_or_insert_with(Instant::now);
        let first = *self.first_refused.get_or_insert(since);
        self.refusals += 1;
        if since.max(served).elapsed() > self.throttled_limit
            || first.elapsed() > self.throttled_limit * THROTTLED_ALONE
        {
            return None;
        }
        let pause = jittered(
            2 * FIRST_PAUSE * (1 << self.refusals.min(10)),
            LONGEST_THROTTLED.min(self.throttled_limit / 2),
        );
        let asked = retry_after.filter(|seconds| (0.0..=60.0).contains(seconds));
        let asked = Duration::from_secs_f64(asked.unwrap_or(0.0)).min(self.throttled_limit);
        Some(Mend::Wait(pause.max(asked)))
    }
}

/// Whether an answer can mean that the store does not know the checksum's header: it names the
/// header, or says only that something is not implemented.
fn knows_no_checksums(status: u16, code: &str, message: &str) -> bool {
    // One that found other bytes than the checksum's may name the header too: the same goes again.
    matches!(status, 400 | 411 | 501)
        && !is_transient(status, code)
        && (matches!(code, "NotImplemented" | "MissingContentLength")
            || message.to_ascii_lowercase().contains("x-amz-checksum"))
}

fn jittered(pause: Duration, longest: Duration) -> Duration {
    pause
        .min(longest)
        .mul_f64(rand::rng().random_range(0.5..1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circumstances(unexplained: bool) -> Circumstances {
        Circumstances {
            served: Instant::now(),
            checksum: false,
            unexplained,
        }
    }

    fn answer(status: u16, code: &str) -> Error {
        Error::Answer {
            status,
            code: code.into(),
            message: String::new(),
            retry_after: None,
        }
    }

    #[test]
    fn a_refused_request_ends_while_others_are_served() {
        let limit = Duration::from_millis(100);
        let mut tries = Tries::new(limit, limit);
        let began = Instant::now();
        while tries
            .after(&answer(503, "SlowDown"), &circumstances(false))
            .is_some()
        {
            std::thread::sleep(Duration::from_millis(20));
            // Another failure in between does not make it wait longer.
            tries.after(&answer(500, "InternalError"), &circumstances(false));
        }
        let took = began.elapsed();
        assert!(
            took > limit && took < limit * 3 * THROTTLED_ALONE,
            "{took:?}"
        );
    }

    #[test]
    fn a_path_that_is_gone_is_tried_once_more() {
        let broken = |kind| Error::Broken {
            kind,
            text: String::new(),
        };
        let limit = Duration::from_secs(1);
        let mut tries = Tries::new(limit, limit);
        let mut after = |kind| tries.after(&broken(kind), &circumstances(false)).is_some();
        assert!(after(Broken::Timeout));
        assert!(after(Broken::Timeout)); // a server that is slow is tried again
        assert!(!after(Broken::Connect));
        let mut tries = Tries::new(limit, limit);
        let mut after = |kind| tries.after(&broken(kind), &circumstances(false)).is_some();
        assert!(after(Broken::Connect));
        assert!(after(Broken::Connect));
        assert!(!after(Broken::Connect));
    }

    #[test]
    fn keys_are_renewed_once_for_an_answer_that_cannot_name_its_cause() {
        let limit = Duration::from_secs(1);
        let mut tries = Tries::new(limit, limit);
        assert!(
            tries
                .after(&answer(400, ""), &circumstances(false))
                .is_none()
        );
        let renewed = tries.after(&answer(400, ""), &circumstances(true));
        assert!(matches!(renewed, Some(Mend::NewKeys)));
        assert!(
            tries
                .after(&answer(400, ""), &circumstances(true))
                .is_none()
        );
    }

    #[test]
    fn damaged_bytes_are_not_sent_again_without_a_checksum() {
        let said = "The provided 'x-amz-checksum' header does not match what was computed.";
        assert!(!knows_no_checksums(
            400,
            "XAmzContentChecksumMismatch",
            said
        ));
        assert!(!knows_no_checksums(400, "BadDigest", said));
        assert!(knows_no_checksums(400, "InvalidArgument", said));
    }
}
