//! Keys to sign with, fetched when they are first needed and again before they expire.

use super::error::Error;
use super::sign::Credentials;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Temporary keys are replaced so long before they expire, or when three quarters of their time
/// are over.
const MARGIN: f64 = 300.0;

/// How long keys that still work are used when no new ones could be had.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where keys come from.
pub trait Provider: Send + Sync {
    /// Return keys that are valid now. May take long.
    fn fetch(&self) -> Result<Credentials, Error>;
}

/// Keys, as they are needed.
pub struct Keys {
    provider: Arc<dyn Provider>,
    held: RwLock<Option<Held>>,
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Held {
    credentials: Arc<Credentials>,
    /// When to fetch others: seconds since the epoch.
    renew_at: Option<f64>,
    fetched: Instant,
}

impl Keys {
    /// Nothing is fetched yet.
    pub fn new(provider: Arc<dyn Provider>) -> Self {
        Self {
            provider,
            held: RwLock::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    fn held(&self) -> Option<Held> {
        self.held
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether the keys that are held have a session token: then they expire at some time.
    pub fn are_temporary(&self) -> bool {
        self.held()
            .is_some_and(|held| held.credentials.token.is_some())
    }

    /// Return valid keys.
    pub async fn current(&self) -> Result<Arc<Credentials>, Error> {
        if let Some(held) = self.held()
            && !held.is_due()
        {
            return Ok(held.credentials);
        }
        let _one = self.fetching.lock().await;
        let before = self.held();
        if let Some(held) = &before
            && !held.is_due()
        {
            return Ok(held.credentials.clone());
        }
        match self.fetch().await {
            Ok(credentials) => Ok(credentials),
            Err(error) => match before {
                Some(held) if !held.has_expired() => {
                    let mut later = held.clone();
                    later.renew_at = Some(now() + PATIENCE.as_secs_f64());
                    self.hold(later);
                    Ok(held.credentials)
                }
                _ => Err(error),
            },
        }
    }

    /// Fetch new keys, as the server reports that the present ones have expired.
    pub async fn renew(&self) -> Result<(), Error> {
        let asked = Instant::now();
        let _one = self.fetching.lock().await;
        if self.held().is_some_and(|held| held.fetched > asked) {
            return Ok(()); // another request has just done it
        }
        self.fetch().await.map(|_| ())
    }

    async fn fetch(&self) -> Result<Arc<Credentials>, Error> {
        let provider = self.provider.clone();
        let fetched = tokio::task::spawn_blocking(move || provider.fetch()).await;
        let credentials = Arc::new(fetched.map_err(|_| Error::Cancelled)??);
        let renew_at = credentials.expires.map(|end| {
            let lifetime = (end - now()).max(0.0);
            end - MARGIN.min(lifetime / 4.0)
        });
        self.hold(Held {
            credentials: credentials.clone(),
            renew_at,
            fetched: Instant::now(),
        });
        Ok(credentials)
    }

    fn hold(&self, held: Held) {
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }
}

impl Held {
    fn is_due(&self) -> bool {
        self.renew_at.is_some_and(|time| now() >= time)
    }

    fn has_expired(&self) -> bool {
        self.credentials.expires.is_some_and(|time| now() >= time)
    }
}

fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs_f64()
}
