//! The core's view of the request that a filter handles.

use std::convert::Infallible;
use std::future::ready;

use http::header::{AUTHORIZATION, HOST};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method};
use tollgate::Gate;
use tollgate::adapter::RequestView;
use warp::Filter;
use warp::path::FullPath;

/// The parts of a request that warp's filters expose.
///
/// Filters hand out copies, never a borrow. Copying single header fields would be cheaper, but
/// [`warp::header::value`] returns only the first line of a field, and duplicate credentials must be rejected.
/// So this copies the whole map, whose values share their bytes with the request.
pub(crate) struct WarpRequest {
    headers: HeaderMap,
    path: FullPath,
    /// `None` when the gate does not need it.
    target: Option<Target>,
}

/// The parts that are not header fields.
struct Target {
    method: Method,
    query: Option<String>,
    host: Host,
}

/// The source of the host that a request is for.
enum Host {
    /// The `Host` header, if present.
    Field,
    /// The target: `:authority` in HTTP/2, or an absolute target in HTTP/1.1.
    Target(Authority),
    /// The header is malformed, or names another host than the target. warp then does not expose the target.
    Contradictory,
}

/// Reads the whole request. It never rejects.
#[cfg(any(test, feature = "sessions"))]
pub(crate) fn request() -> impl Filter<Extract = (WarpRequest,), Error = Infallible> + Copy + Send + Sync {
    warp::header::headers_cloned().and(warp::path::full()).and(target().map(Some)).map(WarpRequest::new)
}

/// Reads the parts that `gate` needs. It never rejects.
pub(crate) fn request_for(
    gate: &Gate,
) -> impl Filter<Extract = (WarpRequest,), Error = Infallible> + Copy + Send + Sync + use<> {
    let needless = gate.needs_headers_only();
    let needed = move || ready(if needless { Err(warp::reject::reject()) } else { Ok(()) });
    let target = warp::any().and_then(needed).untuple_one().and(target()).map(Some);
    let target = target.or_else(|_: warp::Rejection| ready(Ok::<_, Infallible>((None,))));
    warp::header::headers_cloned().and(warp::path::full()).and(target).map(WarpRequest::new)
}

fn target() -> impl Filter<Extract = (Target,), Error = Infallible> + Copy + Send + Sync {
    let target = |method, query, host| Target { method, query, host };
    warp::method().and(query()).and(host()).map(target)
}

/// Reads the query. Without one, `warp::query::raw` alone would reject.
fn query() -> impl Filter<Extract = (Option<String>,), Error = Infallible> + Copy + Send + Sync {
    warp::query::raw().map(Some).or_else(|_: warp::Rejection| ready(Ok::<_, Infallible>((None,))))
}

fn host() -> impl Filter<Extract = (Host,), Error = Infallible> + Copy + Send + Sync {
    warp::host::optional()
        .map(|authority: Option<Authority>| authority.map_or(Host::Field, Host::Target))
        .or_else(|_: warp::Rejection| ready(Ok::<_, Infallible>((Host::Contradictory,))))
}

impl WarpRequest {
    fn new(headers: HeaderMap, path: FullPath, mut target: Option<Target>) -> Self {
        if let Some(Target { host, .. }) = &mut target
            && matches!(host, Host::Target(_))
            && headers.contains_key(HOST)
        {
            // The authority is from the header, or equal to it. The core reads the header itself, and detects a
            // repeated one.
            *host = Host::Field;
        }
        Self { headers, path, target }
    }
}

/// For parts that were not read, it returns safe values: an unsafe method, and a host that no origin has.
impl RequestView for WarpRequest {
    fn method(&self) -> &str {
        self.target.as_ref().map_or("", |target| target.method.as_str())
    }

    fn path(&self) -> Option<&str> {
        Some(self.path.as_str())
    }

    fn query(&self) -> Option<&str> {
        self.target.as_ref()?.query.as_deref()
    }

    fn authority(&self) -> Option<&str> {
        match self.target.as_ref().map(|target| &target.host) {
            Some(Host::Field) => None,
            Some(Host::Target(authority)) => Some(authority.as_str()),
            Some(Host::Contradictory) | None => Some(""), // no origin has this host
        }
    }

    fn header_values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + 'a {
        // The constant for the usual name avoids parsing it.
        let values = match name {
            "authorization" => self.headers.get_all(AUTHORIZATION),
            name => self.headers.get_all(name),
        };
        values.iter().map(HeaderValue::as_bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http::Request;
    use http::request::Builder;
    use tollgate::TokenSource;
    use tower::ServiceExt as _;

    use super::*;

    /// Sends the request through a service, because requests of `warp::test` cannot repeat a header.
    async fn seen(request: Builder) -> WarpRequest {
        seen_by(super::request(), request).await
    }

    async fn seen_by<F>(filter: F, request: Builder) -> WarpRequest
    where
        F: Filter<Extract = (WarpRequest,), Error = Infallible> + Clone + Send + Sync + 'static,
    {
        let slot = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&slot);
        let filter = filter.map(move |request| {
            *keep.lock().unwrap() = Some(request);
            "seen"
        });
        let _response = warp::service(filter).oneshot(request.body(String::new()).unwrap()).await;
        slot.lock().unwrap().take().unwrap()
    }

    #[tokio::test]
    async fn view_shows_the_request_unchanged() {
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
    async fn view_shows_only_the_parts_the_gate_needs() {
        let gate = |sources: &[TokenSource]| {
            let key = tollgate_testing::keys::verifying(tollgate::Algorithm::Hs256);
            let verifier = tollgate::Verifier::new(
                key,
                tollgate::Issuer::new("https://issuer.example").unwrap(),
                tollgate::Audience::new("api://demo").unwrap(),
            );
            Gate::new(verifier).with_sources(sources.to_vec()).unwrap()
        };
        let request =
            || Request::get("http://api.example/?a=b").header("x-token", "one").header("x-token", "two");
        let fields = [TokenSource::bearer(), TokenSource::header("x-token").unwrap()];
        let seen = seen_by(request_for(&gate(&fields)), request()).await;
        assert_eq!((seen.method(), seen.query(), seen.authority()), ("", None, Some("")));
        assert_eq!(seen.header_values("x-token").collect::<Vec<_>>(), [b"one", b"two"]);
        for source in [TokenSource::cookie("at").unwrap(), TokenSource::insecure_query("at").unwrap()] {
            let seen = seen_by(request_for(&gate(&[TokenSource::bearer(), source])), request()).await;
            assert_eq!(
                (seen.method(), seen.query(), seen.authority()),
                ("GET", Some("a=b"), Some("api.example"))
            );
            assert_eq!(seen.header_values("x-token").count(), 2);
        }
    }

    #[tokio::test]
    async fn missing_query_is_none_and_empty_query_is_empty() {
        assert_eq!(seen(Request::get("/a")).await.query(), None);
        assert_eq!(seen(Request::get("/a?")).await.query(), Some(""));
    }

    #[tokio::test]
    async fn authority_comes_from_the_target() {
        let cases: [(&str, &[&str], Option<&str>); 7] = [
            ("/", &[], None),
            ("/", &["api.example"], None),
            ("/", &["api.example", "evil.example"], None),
            ("http://api.example:8080/", &[], Some("api.example:8080")),
            // Header and target name the same host.
            ("http://api.example/", &["api.example"], None),
            // The target would take precedence (RFC 9112 §3.2.2), but warp does not expose it, so the view has
            // a host that no origin has.
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
