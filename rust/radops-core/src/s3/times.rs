//! Times in the server's answers.

use super::error::Error;
use http::HeaderMap;
use std::time::UNIX_EPOCH;
use time::OffsetDateTime;
use time::format_description::well_known::{Iso8601, Rfc2822, Rfc3339};

/// A header's time, in seconds since the epoch; `None` if it is absent or no HTTP date.
pub fn http_time(headers: &HeaderMap, name: &str) -> Option<i64> {
    http_date(headers.get(name)?.to_str().ok()?)
}

fn http_date(text: &str) -> Option<i64> {
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc2822) {
        return Some(time.unix_timestamp());
    }
    // HTTP has two obsolete forms, which clients must understand.
    let time = httpdate::parse_http_date(text).ok()?;
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// A time in a document, as ISO 8601 writes it, in seconds since the epoch.
pub fn document_time(text: &str) -> Result<f64, Error> {
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(text, &Iso8601::PARSING))
        .map_err(|_| Error::nonsense("the listing holds no time"))?;
    Ok(time.unix_timestamp_nanos() as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    /// 2026-11-22T15:21:23Z.
    const SECONDS: i64 = 1_795_360_883;

    #[test]
    fn all_forms_of_an_http_date_are_read() {
        for text in [
            "Sun, 22 Nov 2026 15:21:23 GMT",
            "Sun, 22 Nov 2026 15:21:23 +0000",
            "Sun, 22 Nov 2026 16:21:23 +0100",
            "Sunday, 22-Nov-26 15:21:23 GMT",
            "Sun Nov 22 15:21:23 2026",
        ] {
            assert_eq!(http_date(text), Some(SECONDS), "{text}");
        }
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(
            http_date("Thu, 29 Feb 2024 23:59:59 GMT"),
            Some(1_709_251_199)
        );
    }

    #[test]
    fn other_dates_than_http_dates_are_refused() {
        for text in [
            "",
            "yesterday",
            "0",
            "1795360883",
            "2026-11-22T15:21:23Z",
            "Sun, 99 Nov 2026 15:21:23 GMT",
            "Sun, 22 Nov 2026 25:21:23 GMT",
            "Sun, 22 Nov 2026 15:21:23",
            "Thu, 29 Feb 2025 15:21:23 GMT",
        ] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }

    #[test]
    fn a_header_that_is_absent_or_not_text_has_no_time() {
        let mut headers = HeaderMap::new();
        assert_eq!(http_time(&headers, "date"), None);
        let opaque = HeaderValue::from_bytes(b"\xff").unwrap_or(HeaderValue::from_static(""));
        headers.insert("date", opaque);
        assert_eq!(http_time(&headers, "date"), None);
        let date = HeaderValue::from_static("Sun, 22 Nov 2026 15:21:23 GMT");
        headers.insert("date", date);
        assert_eq!(http_time(&headers, "date"), Some(SECONDS));
        assert_eq!(http_time(&headers, "last-modified"), None);
    }

    #[test]
    fn all_forms_of_iso_8601_that_servers_write_are_read() {
        for (text, fraction) in [
            ("2026-11-22T15:21:23Z", 0.0),
            ("2026-11-22T15:21:23.000Z", 0.0),
            ("2026-11-22T15:21:23.456Z", 0.456),
            ("2026-11-22T15:21:23.456789Z", 0.456_789),
            ("2026-11-22T15:21:23.4567891Z", 0.456_789_1),
            ("2026-11-22T15:21:23.456789123Z", 0.456_789_123),
            ("2026-11-22T16:21:23+01:00", 0.0),
            ("2026-11-22T09:51:23.5-05:30", 0.5),
            ("20261122T152123Z", 0.0),
        ] {
            let found = document_time(text).unwrap_or(f64::NAN);
            let expected = SECONDS as f64 + fraction;
            assert!((found - expected).abs() < 1e-6, "{text}: {found}");
        }
    }

    #[test]
    fn other_texts_than_times_are_errors() {
        for text in [
            "",
            "yesterday",
            "0",
            "1795360883",
            "2026-11-22",
            "2026-99-22T15:21:23Z",
            "2026-11-22T25:21:23Z",
            "2025-02-29T15:21:23Z",
            "2026-11-22T15:21:23Z and more",
            // Without a zone it is unknown which moment is meant.
            "2026-11-22T15:21:23",
            "Sun, 22 Nov 2026 15:21:23 GMT",
        ] {
            let found = document_time(text);
            assert!(
                matches!(found, Err(Error::Nonsense { .. })),
                "{text}: {found:?}"
            );
        }
    }
}
