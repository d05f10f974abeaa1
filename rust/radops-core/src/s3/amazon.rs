//! The names of the hosts of Amazon's S3, and of its regions.

/// A host of Amazon's S3, without a bucket in its name: `s3.eu-west-1.amazonaws.com`.
pub(super) struct AmazonHost<'a> {
    /// `s3` or `s3-fips`.
    service: &'a str,
    dual_stack: bool,
    pub region: Option<&'a str>,
    pub domain: &'static str,
}

impl<'a> AmazonHost<'a> {
    pub fn parse(host: &'a str) -> Option<Self> {
        let (domain, rest) = ["amazonaws.com", "amazonaws.com.cn"]
            .into_iter()
            .find_map(|domain| Some((domain, host.strip_suffix(domain)?.strip_suffix('.')?)))?;
        let mut labels = rest.split('.');
        let first = labels.next()?;
        // The oldest names have the region after a hyphen: `s3-eu-west-1`.
        let (service, joined) = match first {
            "s3" | "s3-fips" => (first, None),
            _ => ("s3", Some(first.strip_prefix("s3-")?)),
        };
        let mut next = labels.next();
        let dual_stack = next == Some("dualstack");
        if dual_stack {
            next = labels.next();
        }
        let region = match (joined, next) {
            (Some(_), Some(_)) => return None,
            (joined, next) => joined.or(next),
        };
        if labels.next().is_some() || region.is_some_and(|region| !names_region(region)) {
            return None;
        }
        Some(Self {
            service,
            dual_stack,
            region,
            domain,
        })
    }

    pub fn in_region(&self, region: &str) -> String {
        let dual_stack = if self.dual_stack { ".dualstack" } else { "" };
        format!("{}{dual_stack}.{region}.{}", self.service, self.domain)
    }
}

/// Whether a text is the name of a region: `eu-west-1`, `us-gov-east-1`. Other services' hosts
/// have names like `s3-website`.
pub(super) fn names_region(text: &str) -> bool {
    let (rest, number) = text.rsplit_once('-').unwrap_or_default();
    is_region(text)
        && rest.contains('-')
        && !rest.starts_with("website")
        && !rest.starts_with("control")
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_region(text: &str) -> bool {
    !text.is_empty()
        && text.len() < 40
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
