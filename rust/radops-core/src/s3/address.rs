//! Where requests go: host, path and query for a bucket and a key.

use super::amazon::{AmazonHost, names_region};
use super::config::{Addressing, Config};
use super::error::Error;
use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Characters that signature version 4 does not encode; in a path also the slash.
const IN_QUERY: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const IN_PATH: AsciiSet = IN_QUERY.remove(b'/');

/// Encode a key for a path.
pub fn encode_path(text: &str) -> String {
    utf8_percent_encode(text, &IN_PATH).to_string()
}

/// Encode a name or value of a query.
pub fn encode_query(text: &str) -> String {
    utf8_percent_encode(text, &IN_QUERY).to_string()
}

/// Decode a text that a listing gives encoded as in a form.
pub fn decode(text: &str) -> Result<String, Error> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Error::nonsense("the listing holds a key that is not UTF-8"))
}

/// The place of a bucket.
#[derive(Debug, Clone)]
pub struct Address {
    scheme: &'static str,
    /// Host and, unless it is the usual one, port, of the bucket.
    authority: String,
    /// What precedes a key: `/` or `/bucket/`, after the endpoint's own path.
    base: String,
    /// The region to sign for.
    pub region: String,
}

impl Address {
    /// The address that a configuration gives.
    pub fn new(config: &Config) -> Result<Self, Error> {
        Self::at(&config.endpoint, config, &config.region)
    }

    fn at(endpoint: &str, config: &Config, region: &str) -> Result<Self, Error> {
        let wrong = || Error::Config(format!("endpoint_url cannot be {endpoint:?}"));
        let uri: Uri = endpoint.parse().map_err(|_| wrong())?;
        let scheme = match uri.scheme_str() {
            Some("https") => "https",
            Some("http") => "http",
            _ => return Err(wrong()),
        };
        let host = uri.host().ok_or_else(wrong)?.to_ascii_lowercase();
        let port = match (uri.port_u16(), scheme) {
            (None, _) | (Some(443), "https") | (Some(80), "http") => String::new(),
            (Some(port), _) => format!(":{port}"),
        };
        let path = uri.path().trim_end_matches('/');
        let bucket = &config.bucket;
        let in_host = match config.addressing {
            Addressing::Path => false,
            Addressing::Virtual => true,
            Addressing::Auto => fits_host(bucket, scheme) && !is_address(&host),
        };
        let (host, base) = if in_host {
            (format!("{bucket}.{host}"), format!("{path}/"))
        } else {
            (host, format!("{path}/{}/", encode_path(bucket)))
        };
        Ok(Self {
            scheme,
            authority: format!("{host}{port}"),
            base,
            region: region.to_owned(),
        })
    }

    /// Whether requests are encrypted on the way.
    pub fn is_tls(&self) -> bool {
        self.scheme == "https"
    }

    /// The value of the header `host`.
    pub fn host(&self) -> &str {
        &self.authority
    }

    /// The path of a key, encoded; that of the bucket for an empty one.
    pub fn path(&self, key: &str) -> String {
        if key.is_empty() && self.base.len() > 1 {
            return self.base.trim_end_matches('/').to_owned();
        }
        format!("{}{}", self.base, encode_path(key))
    }

    /// The URI of a path and query, both encoded.
    pub fn uri(&self, path: &str, query: &str) -> Result<Uri, Error> {
        let separator = if query.is_empty() { "" } else { "?" };
        format!(
            "{}://{}{path}{separator}{query}",
            self.scheme, self.authority
        )
        .parse()
        .map_err(|_| Error::Config(format!("{} is no address", self.authority)))
    }

    /// The same bucket in another region of the same provider.
    ///
    /// Amazon's hosts are named by their regions. Elsewhere only the signature changes, also for
    /// an endpoint of Amazon's that belongs to one private network.
    pub fn in_region(&self, config: &Config, region: &str) -> Result<Self, Error> {
        let uri: Uri = config.endpoint.parse().unwrap_or_default();
        match AmazonHost::parse(uri.host().unwrap_or_default()) {
            Some(host) if names_region(region) && uri.port().is_none() => {
                let endpoint = format!("{}://{}", self.scheme, host.in_region(region));
                Self::at(&endpoint, config, region)
            }
            _ => Ok(Self {
                region: region.to_owned(),
                ..self.clone()
            }),
        }
    }

    /// The address that a redirect names, if it is the same bucket of the same service of the same
    /// provider, in another region.
    pub fn redirected(&self, config: &Config, location: &str) -> Result<Self, Error> {
        let uri: Uri = location.parse().unwrap_or_default();
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let refused = || Error::Redirect {
            host: if host.is_empty() {
                "nowhere".into()
            } else {
                host.clone()
            },
        };
        let endpoint: Uri = config.endpoint.parse().unwrap_or_default();
        let own = AmazonHost::parse(endpoint.host().unwrap_or_default()).ok_or_else(refused)?;
        if uri.scheme_str() != Some(self.scheme) || uri.port().is_some() {
            return Err(refused());
        }
        let in_host = host
            .strip_prefix(&format!("{}.", config.bucket))
            .and_then(AmazonHost::parse);
        let (there, base) = match in_host {
            Some(there) => (there, "/".to_owned()),
            None => {
                let base = format!("/{}/", encode_path(&config.bucket));
                let there = AmazonHost::parse(&host).ok_or_else(refused)?;
                if !format!("{}/", uri.path()).starts_with(&base) {
                    return Err(refused());
                }
                (there, base)
            }
        };
        if there.domain != own.domain {
            return Err(refused());
        }
        Ok(Self {
            scheme: self.scheme,
            region: there.region.unwrap_or(&self.region).to_owned(),
            base,
            authority: host.clone(),
        })
    }
}

/// Whether a bucket's name can be part of a host's: with TLS, a dot would not fit the certificate.
fn fits_host(bucket: &str, scheme: &str) -> bool {
    (3..=63).contains(&bucket.len())
        && bucket.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
        })
        && !(scheme == "https" && bucket.contains('.'))
        && !bucket
            .split('.')
            .any(|label| label.is_empty() || label.starts_with('-') || label.ends_with('-'))
}

fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok() || host == "localhost"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(endpoint: &str, bucket: &str, addressing: Addressing) -> Config {
        Config {
            endpoint: endpoint.into(),
            bucket: bucket.into(),
            region: "eu-west-1".into(),
            addressing,
            ca_bundle: None,
            encryption: Default::default(),
            requester_pays: false,
            timeouts: Default::default(),
            max_connections: 1,
        }
    }

    fn url(endpoint: &str, bucket: &str, addressing: Addressing, key: &str) -> String {
        let address = Address::new(&config(endpoint, bucket, addressing)).unwrap();
        address.uri(&address.path(key), "").unwrap().to_string()
    }

    #[test]
    fn buckets_in_paths_and_in_hosts() {
        let amazon = "https://s3.eu-west-1.amazonaws.com";
        assert_eq!(
            url(amazon, "data", Addressing::Auto, "a b/ü"),
            "https://data.s3.eu-west-1.amazonaws.com/a%20b/%C3%BC"
        );
        assert_eq!(
            url(amazon, "da.ta", Addressing::Auto, "a"),
            "https://s3.eu-west-1.amazonaws.com/da.ta/a"
        );
        assert_eq!(
            url(
                "http://127.0.0.1:8333/base/",
                "data",
                Addressing::Auto,
                "../x"
            ),
            "http://127.0.0.1:8333/base/data/../x"
        );
        assert_eq!(
            url(
                "https://s3.example.org:443",
                "data",
                Addressing::Virtual,
                ""
            ),
            "https://data.s3.example.org/"
        );
        assert_eq!(
            url("https://s3.example.org", "data", Addressing::Path, ""),
            "https://s3.example.org/data"
        );
    }

    #[test]
    fn another_region() {
        let amazon = config(
            "https://s3.eu-west-1.amazonaws.com",
            "data",
            Addressing::Auto,
        );
        let there = Address::new(&amazon).unwrap();
        let there = there.in_region(&amazon, "us-west-2").unwrap();
        assert_eq!(there.host(), "data.s3.us-west-2.amazonaws.com");
        assert_eq!(there.region, "us-west-2");
        let hostile = there.in_region(&amazon, "evil.example.org/").unwrap();
        assert!(hostile.host().ends_with(".us-west-2.amazonaws.com"));
        let own = config("https://s3.example.org", "data", Addressing::Path);
        let there = Address::new(&own).unwrap().in_region(&own, "x").unwrap();
        assert_eq!(
            (there.host(), there.region.as_str()),
            ("s3.example.org", "x")
        );
    }

    #[test]
    fn the_kind_of_an_endpoint_is_kept_in_another_region() {
        for (endpoint, expected) in [
            ("https://s3.amazonaws.com", "s3.us-west-2.amazonaws.com"),
            (
                "https://s3-fips.us-east-1.amazonaws.com",
                "s3-fips.us-west-2.amazonaws.com",
            ),
            (
                "https://s3.dualstack.eu-west-1.amazonaws.com",
                "s3.dualstack.us-west-2.amazonaws.com",
            ),
            // Redirects out of endpoints of one private network, and of other services, are not
            // followed.
            (
                "https://bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com",
                "bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com",
            ),
            (
                "https://x.execute-api.us-east-1.amazonaws.com",
                "x.execute-api.us-east-1.amazonaws.com",
            ),
        ] {
            let config = config(endpoint, "data", Addressing::Path);
            let there = Address::new(&config).unwrap();
            let there = there.in_region(&config, "us-west-2").unwrap();
            assert_eq!(
                (there.host(), there.region.as_str()),
                (expected, "us-west-2")
            );
        }
    }

    #[test]
    fn redirects_to_the_same_bucket_of_the_same_provider() {
        let amazon = config("https://s3.amazonaws.com", "data", Addressing::Auto);
        let address = Address::new(&amazon).unwrap();
        for (location, host, path, region) in [
            (
                "https://data.s3-eu-west-1.amazonaws.com/a",
                "data.s3-eu-west-1.amazonaws.com",
                "/k",
                "eu-west-1",
            ),
            (
                "https://data.s3.dualstack.us-gov-east-1.amazonaws.com/",
                "data.s3.dualstack.us-gov-east-1.amazonaws.com",
                "/k",
                "us-gov-east-1",
            ),
            (
                "https://s3.eu-west-1.amazonaws.com/data/a",
                "s3.eu-west-1.amazonaws.com",
                "/data/k",
                "eu-west-1",
            ),
            (
                "https://s3.eu-west-1.amazonaws.com/data",
                "s3.eu-west-1.amazonaws.com",
                "/data/k",
                "eu-west-1",
            ),
        ] {
            let there = address.redirected(&amazon, location).unwrap();
            assert_eq!(there.host(), host, "{location}");
            assert_eq!(there.path("k"), path, "{location}");
            assert_eq!(there.region, region, "{location}");
        }
    }

    #[test]
    fn redirects_to_anything_else_are_refused() {
        let amazon = config("https://s3.amazonaws.com", "data", Addressing::Auto);
        let address = Address::new(&amazon).unwrap();
        for location in [
            "https://evil.example.org/a",
            "https://evilamazonaws.com/a",
            "https://s3.amazonaws.com.cn/data/a",
            "http://data.s3-eu-west-1.amazonaws.com/a",
            "https://data.s3-eu-west-1.amazonaws.com:1234/a",
            // Another bucket.
            "https://evil.s3.eu-west-1.amazonaws.com/a",
            "https://evil.s3.eu-west-1.amazonaws.com/data/a",
            "https://s3.eu-west-1.amazonaws.com/evil/a",
            "https://s3.eu-west-1.amazonaws.com/data-evil/a",
            "https://s3.eu-west-1.amazonaws.com/",
            "https://evil.data.s3.eu-west-1.amazonaws.com/a",
            // Another service, which anyone can have a host of.
            "https://x.execute-api.eu-west-1.amazonaws.com/data/a",
            "https://data.execute-api.eu-west-1.amazonaws.com/a",
            "https://ec2-1-2-3-4.compute-1.amazonaws.com/data/a",
            "https://data.s3-website.eu-west-1.amazonaws.com/a",
            "https://data.s3-website-eu-west-1.amazonaws.com/a",
            "https://data.s3-accelerate.amazonaws.com/a",
            "https://data.vpce-1.s3.eu-west-1.vpce.amazonaws.com/a",
            "https://amazonaws.com/data/a",
            "/relative",
            "",
        ] {
            let found = address.redirected(&amazon, location);
            assert!(matches!(found, Err(Error::Redirect { .. })), "{location}");
        }
        let own = config("https://s3.example.org", "data", Addressing::Path);
        let address = Address::new(&own).unwrap();
        for location in [
            "https://s3.example.org/data/a",
            "https://s3.amazonaws.com/data/a",
        ] {
            assert!(address.redirected(&own, location).is_err(), "{location}");
        }
    }
}
