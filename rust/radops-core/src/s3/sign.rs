//! Signature version 4, in the form of S3: the path is encoded once.

use ring::{digest, hmac};
use std::fmt::Write;
use time::OffsetDateTime;
use time::macros::format_description;

/// Keys to sign with.
#[derive(Clone)]
pub struct Credentials {
    /// The access key's id.
    pub access_key: String,
    /// The secret key.
    pub secret_key: String,
    /// The session token of temporary keys.
    pub token: Option<String>,
    /// When temporary keys expire: seconds since the epoch by this machine's clock.
    pub expires: Option<f64>,
}

/// Takes the place of the hash of a body that is not part of the signature.
pub const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// The hash of an empty body.
pub const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What is signed of a request.
pub struct Signed<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path, encoded.
    pub path: &'a str,
    /// The query, encoded and sorted.
    pub query: &'a str,
    /// Names in lower case and values of the headers to sign, sorted by name.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body's SHA-256 in hexadecimal, or [`UNSIGNED`].
    pub payload: &'a str,
}

/// A time as the header `x-amz-date` has it.
pub fn timestamp(now: OffsetDateTime) -> String {
    now.format(format_description!(
        "[year][month][day]T[hour][minute][second]Z"
    ))
    .unwrap_or_default()
}

/// The value of the header `authorization`.
pub fn authorization(
    request: &Signed<'_>,
    credentials: &Credentials,
    region: &str,
    timestamp: &str,
) -> String {
    let day = timestamp.get(..8).unwrap_or_default();
    let scope = format!("{day}/{region}/s3/aws4_request");
    let mut names = String::new();
    let mut canonical = format!("{}\n{}\n{}\n", request.method, request.path, request.query);
    for (name, value) in request.headers {
        if !names.is_empty() {
            names.push(';');
        }
        names.push_str(name);
        canonical.push_str(name);
        canonical.push(':');
        let mut words = value.split_ascii_whitespace();
        canonical.push_str(words.next().unwrap_or_default());
        for word in words {
            canonical.push(' ');
            canonical.push_str(word);
        }
        canonical.push('\n');
    }
    let _ = write!(canonical, "\n{names}\n{}", request.payload);
    let hash = sha256_hex(canonical.as_bytes());
    let text = format!("AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{hash}");
    let mut key = mac(format!("AWS4{}", credentials.secret_key).as_bytes(), day);
    for word in [region, "s3", "aws4_request", &text] {
        key = mac(key.as_ref(), word);
    }
    format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
        credentials.access_key,
        hex(key.as_ref()),
    )
}

/// The SHA-256 of some bytes in hexadecimal.
pub fn sha256_hex(data: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, data).as_ref())
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example "GET Object" of Amazon's documentation of signature version 4 for S3.
    #[test]
    fn the_example_of_the_documentation() {
        let credentials = Credentials {
            access_key: "AKIAIOSFODNN7EXAMPLE".into(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            token: None,
            expires: None,
        };
        let request = Signed {
            method: "GET",
            path: "/test.txt",
            query: "",
            headers: &[
                ("host", "examplebucket.s3.amazonaws.com"),
                ("range", "bytes=0-9"),
                ("x-amz-content-sha256", EMPTY),
                ("x-amz-date", "20130524T000000Z"),
            ],
            payload: EMPTY,
        };
        let found = authorization(&request, &credentials, "us-east-1", "20130524T000000Z");
        assert!(found.ends_with(
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        ));
        assert!(found.contains("SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"));
    }
}
