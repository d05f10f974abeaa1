//! How many requests run at once to a host, and how fast they follow each other.
//!
//! The number at once grows while answers come and is halved when the server asks for fewer. A
//! server that still refuses has a limit of requests per second: then requests are also spaced out,
//! at a rate that falls with each refusal and rises with each success.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Requests at once to begin with: enough to keep two cores busy with small ones.
const FIRST: f64 = 16.0;

/// Refusals closer together than this are answers to one wave of requests.
const WAVE: Duration = Duration::from_millis(250);

/// Requests per second: the least that is tried, and from which on there is no need to count.
const LEAST_RATE: f64 = 0.5;
const FREE_RATE: f64 = 2000.0;

/// How long a request waits at most before it looks again whether it may begin.
const LOOK: Duration = Duration::from_millis(500);

/// The pace of requests to one host. Thread-safe.
pub struct Pace {
    state: Mutex<State>,
    ended: Notify,
}

struct State {
    running: usize,
    limit: f64,
    most: usize,
    /// Requests per second, once the server has refused some.
    rate: Option<f64>,
    /// Below this rate the server did not refuse.
    known_good: f64,
    /// When the next request may begin, if there is a rate.
    next: Instant,
    last_refusal: Option<Instant>,
    last_success: Instant,
    /// Successes since `window`, to know the rate when the first refusal comes.
    successes: u32,
    window: Instant,
}

impl Default for Pace {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            state: Mutex::new(State {
                running: 0,
                limit: FIRST,
                most: 1,
                rate: None,
                known_good: 0.0,
                next: now,
                last_refusal: None,
                last_success: now,
                successes: 0,
                window: now,
            }),
            ended: Notify::new(),
        }
    }
}

/// The right to have one request running.
pub struct Permit {
    pace: std::sync::Arc<Pace>,
    began: Instant,
}

impl Permit {
    /// When the request began.
    pub fn began(&self) -> Instant {
        self.began
    }
}

impl Pace {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Allow at least so many requests at once, if the server does.
    pub fn raise_limit(&self, most: usize) {
        let mut state = self.lock();
        state.most = state.most.max(most);
        state.limit = state.limit.min(state.most as f64);
    }

    /// Wait until a request may begin.
    pub async fn enter(self: &std::sync::Arc<Self>) -> Permit {
        loop {
            let ended = self.ended.notified();
            let pause = {
                let mut state = self.lock();
                let now = Instant::now();
                if state.running < (state.limit as usize).max(1) {
                    let Some(rate) = state.rate else {
                        state.running += 1;
                        return self.permit(now);
                    };
                    if now >= state.next {
                        state.next = now + Duration::from_secs_f64(1.0 / rate);
                        state.running += 1;
                        return self.permit(now);
                    }
                    Some(state.next - now)
                } else {
                    None
                }
            };
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                // A request that was woken and then cancelled wakes no other: so look again.
                None => drop(tokio::time::timeout(LOOK, ended).await),
            }
        }
    }

    fn permit(self: &std::sync::Arc<Self>, began: Instant) -> Permit {
        Permit {
            pace: self.clone(),
            began,
        }
    }

    /// Note an answer that is no refusal.
    pub fn succeeded(&self) {
        let mut state = self.lock();
        let now = Instant::now();
        state.last_success = now;
        if now - state.window > Duration::from_secs(1) {
            state.window = now;
            state.successes = 0;
        }
        state.successes += 1;
        state.limit = (state.limit + 1.0 / state.limit).min(state.most as f64);
        if let Some(rate) = state.rate {
            let more = if rate < state.known_good {
                rate * 1.5
            } else {
                rate + 0.1 + rate / 50.0
            };
            state.rate = (more < FREE_RATE).then_some(more);
        }
    }

    /// Note that the server refused a request because there are too many; it began then.
    pub fn refused(&self, began: Instant) {
        let mut state = self.lock();
        let now = Instant::now();
        // A request that began before the last reduction shows nothing about it.
        if state
            .last_refusal
            .is_some_and(|last| began < last || now - last < WAVE)
        {
            return;
        }
        state.last_refusal = Some(now);
        state.limit = (state.limit / 2.0).max(1.0);
        let rate = match state.rate {
            Some(rate) => {
                state.known_good = rate / 2.0;
                (rate * 0.7).max(LEAST_RATE)
            }
            None => {
                let seconds = (now - state.window).as_secs_f64().max(0.1);
                let rate = f64::from(state.successes) / seconds;
                state.known_good = rate / 2.0;
                (rate / 2.0).max(10.0)
            }
        };
        state.rate = Some(rate);
        state.next = now + Duration::from_secs_f64(1.0 / rate);
    }

    /// When the last request succeeded.
    pub fn last_success(&self) -> Instant {
        self.lock().last_success
    }

    /// How many requests to have ready.
    pub fn width(&self) -> usize {
        self.lock().most
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.pace.lock().running -= 1;
        self.pace.ended.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn limit(pace: &Pace) -> f64 {
        pace.lock().limit
    }

    #[test]
    fn the_number_at_once_halves_once_for_each_wave_and_grows_with_successes() {
        let pace = Pace::default();
        pace.raise_limit(64);
        let began = Instant::now();
        for _ in 0..16 {
            pace.refused(began); // answers to requests of one wave
        }
        assert_eq!(limit(&pace), FIRST / 2.0);
        std::thread::sleep(WAVE + Duration::from_millis(10));
        pace.refused(began); // it began before the number was halved
        assert_eq!(limit(&pace), FIRST / 2.0);
        pace.refused(Instant::now());
        assert_eq!(limit(&pace), FIRST / 4.0);
        for _ in 0..200 {
            pace.succeeded();
        }
        assert!(limit(&pace) > FIRST, "{}", limit(&pace));
        for _ in 0..10_000 {
            pace.succeeded();
        }
        assert_eq!(limit(&pace), 64.0);
    }

    #[test]
    fn the_rate_falls_with_refusals_and_is_free_again_after_successes() {
        let pace = Pace::default();
        pace.raise_limit(64);
        let mut last = f64::INFINITY;
        for _ in 0..4 {
            pace.refused(Instant::now());
            let rate = pace.lock().rate.unwrap_or_default();
            assert!((LEAST_RATE..last).contains(&rate));
            last = rate;
            std::thread::sleep(WAVE + Duration::from_millis(10));
        }
        let mut successes = 0;
        while pace.lock().rate.is_some() {
            pace.succeeded();
            successes += 1;
        }
        assert!(successes < 1000, "{successes}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_request_that_is_given_up_before_its_turn_does_not_block_the_next() {
        let pace = Arc::new(Pace::default());
        {
            let mut state = pace.lock();
            state.limit = 1.0;
            state.rate = Some(0.5);
        }
        let waiting = |pace: &Arc<Pace>| {
            let pace = pace.clone();
            tokio::spawn(async move { drop(pace.enter().await) })
        };
        let moment = Duration::from_millis(50);
        let first = pace.enter().await;
        let second = waiting(&pace);
        tokio::time::sleep(moment).await;
        let third = waiting(&pace);
        tokio::time::sleep(moment).await;
        drop(first); // wakes the second, which has to wait for the rate
        tokio::time::sleep(moment).await;
        second.abort();
        let entered = tokio::time::timeout(Duration::from_secs(4), third).await;
        assert!(entered.is_ok());
    }
}
