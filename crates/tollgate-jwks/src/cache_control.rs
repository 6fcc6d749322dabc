//! The lifetime that a response states (RFC 9111), and its `Retry-After` (RFC 9110 §10.2.3).

use std::time::Duration;

use crate::http::HttpResponse;

/// Returns how long `response` is fresh after its arrival, or `None` when it does not say. Zero means that it
/// must not be stored, or not be used without revalidation.
pub(crate) fn freshness(response: &HttpResponse) -> Option<Duration> {
    let directives = || response.values("cache-control").flat_map(|value| value.split(','));
    let named = |name: &str| {
        directives().any(|directive| {
            directive.split('=').next().is_some_and(|found| found.trim().eq_ignore_ascii_case(name))
        })
    };
    if named("no-store") || named("no-cache") {
        return Some(Duration::ZERO);
    }
    let age = response.value("age").and_then(seconds).unwrap_or_default();
    let max_age = directives().find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        name.trim().eq_ignore_ascii_case("max-age").then(|| seconds(value.trim().trim_matches('"')))
    });
    match max_age {
        // RFC 9111 §4.2.1: an unreadable lifetime counts as stale.
        Some(max_age) => Some(max_age.unwrap_or_default().saturating_sub(age)),
        None => expires(response).map(|lifetime| lifetime.saturating_sub(age)),
    }
}

/// Returns the pause that the issuer asks for.
pub(crate) fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let value = response.value("retry-after")?;
    seconds(value).or_else(|| between_dates(response, value))
}

/// Returns the time from `Date` to `Expires`. A value that is not a date means "already expired" (RFC 9111
/// §5.3).
fn expires(response: &HttpResponse) -> Option<Duration> {
    let value = response.value("expires")?;
    if httpdate::parse_http_date(value).is_err() {
        return Some(Duration::ZERO);
    }
    between_dates(response, value)
}

/// Returns the time from the response's own `Date`, so that clock differences do not matter.
fn between_dates(response: &HttpResponse, until: &str) -> Option<Duration> {
    let date = httpdate::parse_http_date(response.value("date")?).ok()?;
    let until = httpdate::parse_http_date(until).ok()?;
    Some(until.duration_since(date).unwrap_or_default())
}

/// Parses `delta-seconds` (RFC 9111 §1.2.2). A number that is too large becomes a very long time.
fn seconds(value: &str) -> Option<Duration> {
    let value = value.trim();
    if value.is_empty() || !value.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_secs(value.parse().unwrap_or(VERY_LONG_SECS)))
}

/// About 136 years.
const VERY_LONG_SECS: u64 = 0xffff_ffff;

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: (&str, &str) = ("Date", "Tue, 24 Nov 2026 10:00:00 GMT");

    fn response(fields: &[(&str, &str)]) -> HttpResponse {
        fields.iter().fold(HttpResponse::new(200, []), |response, (name, value)| {
            response.with_header(*name, value.as_bytes())
        })
    }

    #[test]
    fn freshness_is_read_from_headers() {
        let expires = ("Expires", "Tue, 24 Nov 2026 10:05:00 GMT");
        let table: &[(&[(&str, &str)], Option<u64>)] = &[
            (&[], None),
            (&[("Cache-Control", "public")], None),
            (&[("Cache-Control", "public, max-age=300")], Some(300)),
            (&[("Cache-Control", "MAX-AGE=\"300\" , public")], Some(300)),
            (&[("Cache-Control", "public"), ("Cache-Control", "max-age=300")], Some(300)),
            (&[("Cache-Control", "max-age=300"), ("Age", "100")], Some(200)),
            (&[("Cache-Control", "max-age=300"), ("Age", "400")], Some(0)),
            (&[("Cache-Control", "max-age=300"), ("Age", "-1")], Some(300)),
            (&[("Cache-Control", "max-age=99999999999999999999999")], Some(u64::from(u32::MAX))),
            (&[("Cache-Control", "max-age=soon")], Some(0)),
            (&[("Cache-Control", "max-age=-5")], Some(0)),
            (&[("Cache-Control", "max-age=300, no-cache")], Some(0)),
            (&[("Cache-Control", "No-Store")], Some(0)),
            (&[("Cache-Control", "s-maxage=5, x-max-age=6")], None),
            (&[DATE, expires], Some(300)),
            (&[expires], None),
            (&[DATE, expires, ("Age", "60")], Some(240)),
            (&[DATE, expires, ("Cache-Control", "max-age=7")], Some(7)),
            (&[DATE, ("Expires", "0")], Some(0)),
            (&[DATE, ("Expires", "Tue, 24 Nov 2026 09:00:00 GMT")], Some(0)),
        ];
        for (fields, secs) in table {
            assert_eq!(freshness(&response(fields)), secs.map(Duration::from_secs), "{fields:?}");
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_date() {
        let table: &[(&[(&str, &str)], Option<u64>)] = &[
            (&[], None),
            (&[("Retry-After", "120")], Some(120)),
            (&[("Retry-After", "soon")], None),
            (&[("Retry-After", "Tue, 24 Nov 2026 10:00:30 GMT"), DATE], Some(30)),
            (&[("Retry-After", "Tue, 24 Nov 2026 10:00:30 GMT")], None),
        ];
        for (fields, secs) in table {
            assert_eq!(retry_after(&response(fields)), secs.map(Duration::from_secs), "{fields:?}");
        }
    }
}
