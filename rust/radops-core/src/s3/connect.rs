//! Connections: TCP, proxies, TLS, and the pool of those that are idle.

use super::body::{Activity, Outgoing};
use super::config::Config;
use super::error::{Broken, Error};
use super::tls::{no_tls, tls_config};
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tower_service::Service;

type Failure = Box<dyn StdError + Send + Sync>;
type Connecting = Pin<Box<dyn Future<Output = Result<Stream, Failure>> + Send>>;

/// Servers close connections that are idle for some 20 s; one that is being closed fails.
const IDLE: Duration = Duration::from_secs(15);

/// A connection on which nothing arrives is probed after so long.
const ALIVE_AFTER: Duration = Duration::from_secs(8);
const ALIVE_EVERY: Duration = Duration::from_secs(4);
const ALIVE_TRIES: u32 = 3;

/// How long sent bytes may stay without acknowledgement: a network path that drops packets is
/// noticed, while a server that is merely slow acknowledges what it got. With one more try to
/// connect a call ends within 30 s.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);

/// HTTP over a pool of connections.
pub struct Http {
    client: Client<Connector, Outgoing>,
    proxies: Arc<Matcher>,
}

impl Http {
    /// Make a client. No connection is made yet.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let proxies = Arc::new(Matcher::from_env());
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(config.timeouts.connect));
        http.set_keepalive(Some(ALIVE_AFTER));
        http.set_keepalive_interval(Some(ALIVE_EVERY));
        http.set_keepalive_retries(Some(ALIVE_TRIES));
        #[cfg(target_os = "linux")]
        http.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
        let endpoint: Uri = config.endpoint.parse().unwrap_or_default();
        let via_tls = proxies
            .intercept(&endpoint)
            .is_some_and(|proxy| proxy.uri().scheme_str() == Some("https"));
        let tls = Arc::new(if endpoint.scheme_str() == Some("https") || via_tls {
            tls_config(config)?
        } else {
            no_tls()?
        });
        let connector = Connector {
            http,
            tls,
            proxies: proxies.clone(),
            timeout: config.timeouts.connect,
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(config.max_connections)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { client, proxies })
    }

    /// Send a request and wait for the head of its answer.
    ///
    /// `limit` is how long there may be no progress, in sending or in waiting.
    pub async fn send(
        &self,
        mut request: Request<Outgoing>,
        activity: &Activity,
        limit: Duration,
    ) -> Result<Response<Incoming>, Error> {
        let proxy = self.proxies.intercept(request.uri());
        if request.uri().scheme_str() == Some("http")
            && let Some(password) = proxy.as_ref().and_then(|proxy| proxy.basic_auth())
        {
            let headers = request.headers_mut();
            headers.insert(http::header::PROXY_AUTHORIZATION, password.clone());
        }
        let answer = self.client.request(request);
        tokio::pin!(answer);
        loop {
            let end = activity.last().0 + limit;
            tokio::select! {
                answer = &mut answer => {
                    return answer.map_err(|error| {
                        activity.error().unwrap_or_else(|| broken(&error, proxy.is_some()))
                    });
                }
                () = tokio::time::sleep_until(end.into()) => {
                    if activity.last().0 + limit <= Instant::now() {
                        return Err(Error::Broken {
                            kind: Broken::Timeout,
                            text: "no answer in time".into(),
                        });
                    }
                }
            }
        }
    }
}

/// What an error of the HTTP library means.
fn broken(error: &hyper_util::client::legacy::Error, proxied: bool) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    let mut text = error.to_string();
    let mut kind = if error.is_connect() {
        Broken::Connect
    } else {
        Broken::Connection
    };
    if error.is_connect() && proxied {
        kind = Broken::Proxy;
    }
    while let Some(inner) = cause {
        text = inner.to_string();
        let timed_out = inner
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::TimedOut);
        if timed_out && kind == Broken::Connection {
            kind = Broken::Timeout;
        }
        if let Some(tls) = tls_in(inner) {
            return tls_error(tls);
        }
        cause = inner.source();
    }
    Error::Broken { kind, text }
}

/// The error of TLS in an error: the source of an `io::Error` is not what it wraps.
fn tls_in<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return tls_in(error.get_ref()?);
    }
    error.downcast_ref()
}

fn tls_error(error: &rustls::Error) -> Error {
    let text = error.to_string();
    match error {
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            Error::Tls {
                text,
                certificate: true,
            }
        }
        rustls::Error::InvalidMessage(_) => Error::Tls {
            text,
            certificate: false,
        },
        _ => Error::Broken {
            kind: Broken::Connection,
            text,
        },
    }
}

/// Makes connections, through a proxy where the environment names one.
#[derive(Clone)]
struct Connector {
    http: HttpConnector,
    tls: Arc<ClientConfig>,
    proxies: Arc<Matcher>,
    timeout: Duration,
}

impl Connector {
    fn over<C>(&self, inner: C) -> HttpsConnector<C> {
        let builder = HttpsConnectorBuilder::new().with_tls_config(ClientConfig::clone(&self.tls));
        builder.https_or_http().enable_http1().wrap_connector(inner)
    }

    async fn connect(mut self, target: Uri) -> Result<Stream, Failure> {
        let is_tls = target.scheme_str() == Some("https");
        let Some(proxy) = self.proxies.intercept(&target) else {
            return if is_tls {
                Ok(Stream::new(
                    self.over(self.http.clone()).call(target).await?,
                    false,
                ))
            } else {
                Ok(Stream::new(self.http.call(target).await?, false))
            };
        };
        let mut to_proxy = self.over(self.http.clone());
        if !is_tls {
            let stream = to_proxy.call(proxy.uri().clone()).await?;
            return Ok(Stream::new(stream, true));
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), to_proxy);
        if let Some(password) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(HeaderValue::clone(password));
        }
        Ok(Stream::new(self.over(tunnel).call(target).await?, false))
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = Failure;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Connecting {
        let connector = self.clone();
        Box::pin(async move {
            // The connector's own limit is for TCP alone: TLS and a proxy take time too.
            let limit = connector.timeout;
            match tokio::time::timeout(2 * limit, connector.connect(target)).await {
                Ok(connected) => connected,
                Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            }
        })
    }
}

trait Transport: Read + Write + Connection + Send + Unpin {}
impl<T: Read + Write + Connection + Send + Unpin> Transport for T {}

/// A connection, of whatever kind.
struct Stream {
    inner: Box<dyn Transport>,
    to_proxy: bool,
}

impl Stream {
    fn new(inner: impl Transport + 'static, to_proxy: bool) -> Self {
        Self {
            inner: Box::new(inner),
            to_proxy,
        }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.inner.connected().proxy(self.to_proxy)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.inner).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.inner).poll_write_vectored(context, data)
    }
}
