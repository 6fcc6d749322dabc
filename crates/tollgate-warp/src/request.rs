//! What the core sees of the request that a filter is asked about.

use std::convert::Infallible;
use std::future::ready;

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method};
use tollgate::RequestView;
use warp::Filter;

/// A request, as far as warp's filters show it.
///
/// They hand out copies and never a borrow. Copying single fields would be cheaper, but [`warp::header::value`] shows
/// the first line of a field and hides the others, and credentials that were sent twice have to be refused. So it is
/// the whole map; its values share their bytes with the request.
pub(crate) struct WarpRequest {
    method: Method,
    query: Option<String>,
    host: Host,
    headers: HeaderMap,
}

/// What names the host that a request is for.
enum Host {
    /// The `Host` field, if anything.
    Field,
    /// The target: `:authority` in HTTP/2, or an absolute target in HTTP/1.1.
    Target(Authority),
    /// The field is malformed, or the target names another host. warp does not show the target then.
    Contradictory,
}

/// Reads the request. Never rejects.
pub(crate) fn request() -> impl Filter<Extract = (WarpRequest,), Error = Infallible> + Copy + Send + Sync {
    warp::method().and(query()).and(host()).and(warp::header::headers_cloned()).map(WarpRequest::new)
}

/// Without a query, `warp::query::raw` rejects.
fn query() -> impl Filter<Extract = (Option<String>,), Error = Infallible> + Copy + Send + Sync {
    warp::query::raw().map(Some).or_else(|_: warp::Rejection| ready(Ok::<_, Infallible>((None,))))
}

fn host() -> impl Filter<Extract = (Host,), Error = Infallible> + Copy + Send + Sync {
    warp::host::optional()
        .map(|authority: Option<Authority>| authority.map_or(Host::Field, Host::Target))
        .or_else(|_: warp::Rejection| ready(Ok::<_, Infallible>((Host::Contradictory,))))
}

impl WarpRequest {
    fn new(method: Method, query: Option<String>, host: Host, headers: HeaderMap) -> Self {
        let host = match host {
            // From the field, or equal to it: the core reads the field itself, and sees whether it is repeated.
            Host::Target(_) if headers.contains_key(HOST) => Host::Field,
            host => host,
        };
        Self { method, query, host, headers }
    }
}

impl RequestView for WarpRequest {
    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    fn authority(&self) -> Option<&str> {
        match &self.host {
            Host::Field => None,
            Host::Target(authority) => Some(authority.as_str()),
            Host::Contradictory => Some(""), // no origin is at this host
        }
    }

    fn header_values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.headers.get_all(name).iter().map(HeaderValue::as_bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http::Request;
    use http::request::Builder;
    use tower::ServiceExt as _;

    use super::*;

    /// By way of a service, as the requests of `warp::test` cannot repeat a field.
    async fn seen(request: Builder) -> WarpRequest {
        let slot = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&slot);
        let filter = super::request().map(move |request| {
            *keep.lock().unwrap() = Some(request);
            "seen"
        });
        let _response = warp::service(filter).oneshot(request.body(String::new()).unwrap()).await;
        slot.lock().unwrap().take().unwrap()
    }

    #[tokio::test]
    async fn everything_is_shown_as_it_came() {
        let request = Request::builder()
            .method("PROPFIND")
            .uri("/a?token=%41&b")
            .header("x-token", "one")
            .header("x-token", HeaderValue::from_bytes(b"tw\xf6").unwrap());
        let seen = seen(request).await;
        assert_eq!(seen.method(), "PROPFIND");
        assert_eq!(seen.query(), Some("token=%41&b"));
        assert_eq!(seen.header_values("x-token").collect::<Vec<_>>(), [&b"one"[..], b"tw\xf6"]);
        assert_eq!(seen.header_values("x-other").count(), 0);
    }

    #[tokio::test]
    async fn an_absent_query_is_none_and_an_empty_one_is_empty() {
        assert_eq!(seen(Request::get("/a")).await.query(), None);
        assert_eq!(seen(Request::get("/a?")).await.query(), Some(""));
    }

    #[tokio::test]
    async fn the_authority_is_that_of_the_target() {
        let cases: [(&str, &[&str], Option<&str>); 7] = [
            ("/", &[], None),
            ("/", &["api.example"], None),
            ("/", &["api.example", "evil.example"], None),
            ("http://api.example:8080/", &[], Some("api.example:8080")),
            // The same either way.
            ("http://api.example/", &["api.example"], None),
            // The target would win (RFC 9112 §3.2.2), but is not shown: nothing is at home here.
            ("http://api.example/", &["evil.example"], Some("")),
            ("/", &["api example"], Some("")),
        ];
        for (target, hosts, expected) in cases {
            let request =
                hosts.iter().fold(Request::get(target), |request, host| request.header("host", *host));
            assert_eq!(seen(request).await.authority(), expected, "{target} {hosts:?}");
        }
    }
}
