use std::collections::VecDeque;

use tollgate::Algorithm;
use tollgate_testing::keys;

use super::*;
use crate::http::HttpFuture;
use crate::outcome::FetchOutcome;

const ISSUER: &str = "https://issuer.example/a";
const KEYS: &str = "https://keys.example/jwks";

/// A client that answers from a script, and records the requests.
#[derive(Debug, Default)]
struct Script {
    answers: Mutex<VecDeque<Result<HttpResponse, HttpError>>>,
    asked: Mutex<Vec<(String, Vec<(String, String)>)>>,
}

impl Script {
    fn new(answers: impl IntoIterator<Item = Result<HttpResponse, HttpError>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), asked: Mutex::default() })
    }

    fn urls(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(url, _)| url.clone()).collect()
    }

    /// Returns whether each request had the operator's header field.
    fn authorized(&self) -> Vec<bool> {
        let asked = self.asked.lock().unwrap();
        let field = ("authorization".to_owned(), "Bearer s3cret".to_owned());
        asked.iter().map(|(_, fields)| fields.contains(&field)).collect()
    }

    fn last_fields(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().last().unwrap().1.clone()
    }
}

/// The status of a response that never arrives.
const HANGS: u16 = 0;

impl HttpClient for Script {
    fn get<'a>(&'a self, request: HttpRequest<'a>) -> HttpFuture<'a> {
        let fields = request.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.asked.lock().unwrap().push((request.url().to_owned(), fields));
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(async move {
            match answer {
                Some(Ok(response)) if response.status() == HANGS => std::future::pending().await,
                Some(answer) => answer,
                // The script has ended: the issuer does not answer.
                None => std::future::pending().await,
            }
        })
    }
}

fn json(body: impl Into<Vec<u8>>) -> HttpResponse {
    HttpResponse::new(200, body).with_header("content-type", "application/json")
}

fn key_set(algorithm: Algorithm) -> HttpResponse {
    json(keys::jwk_set(&[algorithm]))
}

fn metadata(keys: &str) -> HttpResponse {
    json(format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"{keys}"}}"#))
}

fn status(status: u16) -> Result<HttpResponse, HttpError> {
    Ok(HttpResponse::new(status, ""))
}

fn broken() -> Result<HttpResponse, HttpError> {
    Err(HttpError::Broken("reset".into()))
}

fn fixed(script: &Arc<Script>) -> Fetcher {
    fetcher(script, Location::fixed(KEYS, &PlainHttp::default()).unwrap())
}

fn discovered(script: &Arc<Script>) -> Fetcher {
    fetcher(script, Location::discovered(ISSUER, &PlainHttp::default()).unwrap())
}

fn fetcher(script: &Arc<Script>, location: Location) -> Fetcher {
    with_rules(script, location, FetchRules::default())
}

fn with_rules(script: &Arc<Script>, location: Location, rules: FetchRules) -> Fetcher {
    let client: Arc<dyn HttpClient> = Arc::<Script>::clone(script);
    Fetcher::new(client, location, rules, RefreshSettings::new())
}

fn at(secs: u64) -> Moment {
    Moment::after_start(Duration::from_secs(secs))
}

async fn refused(fetcher: &Fetcher) -> FetchError {
    fetcher.refresh(at(0)).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn unchanged_document_keeps_its_keys() {
    let script = Script::new([
        Ok(key_set(Algorithm::Es256)
            .with_header("cache-control", "max-age=300")
            .with_header("etag", "\"1\"")),
        Ok(HttpResponse::new(304, "").with_header("cache-control", "max-age=400")),
        Ok(key_set(Algorithm::Es256)),
        Ok(key_set(Algorithm::Es384).with_header("last-modified", "Tue, 24 Nov 2026 10:00:00 GMT")),
        status(304),
        status(304),
    ]);
    let fetcher = fixed(&script);
    let first = fetcher.refresh(at(0)).await.unwrap();
    assert!(first.keys.is_some() && first.freshness == Some(Duration::from_secs(300)));
    assert_eq!(script.last_fields(), []);
    let second = fetcher.refresh(at(1)).await.unwrap();
    assert!(second.keys.is_none() && second.freshness == Some(Duration::from_secs(400)));
    assert_eq!(script.last_fields(), [("if-none-match".to_owned(), "\"1\"".to_owned())]);
    assert!(fetcher.refresh(at(2)).await.unwrap().keys.is_none(), "the same bytes");
    let fourth = fetcher.refresh(at(3)).await.unwrap();
    assert!(fourth.keys.is_some(), "other bytes");
    assert_eq!(script.last_fields(), [], "the last answer had no validator");
    assert!(fetcher.refresh(at(4)).await.unwrap().keys.is_none());
    assert_eq!(script.last_fields()[0].0, "if-modified-since");
    // A client that returns a 304 for an unconditional request.
    let unasked = Script::new([status(304)]);
    let error = refused(&fixed(&unasked)).await;
    assert!(matches!(error, FetchError::Status { status: 304, .. }));
}

#[tokio::test(start_paused = true)]
async fn short_failures_are_retried_once() {
    for failure in [broken(), status(500), status(502), status(503), status(504)] {
        let script = Script::new([failure, Ok(key_set(Algorithm::Es256))]);
        fixed(&script).refresh(at(0)).await.unwrap();
        assert_eq!(script.urls().len(), 2);
    }
    let script = Script::new([broken(), broken(), Ok(key_set(Algorithm::Es256))]);
    assert_eq!(refused(&fixed(&script)).await.outcome(), FetchOutcome::Unreachable);
    assert_eq!(script.urls().len(), 2, "exactly one retry");
    for failure in [
        status(404),
        status(429),
        Ok(HttpResponse::new(503, "").with_header("retry-after", "60")),
        Ok(HttpResponse::new(200, "<html>").with_header("content-type", "text/html")),
        Err(HttpError::TooLarge),
    ] {
        let script = Script::new([failure, Ok(key_set(Algorithm::Es256))]);
        refused(&fixed(&script)).await;
        assert_eq!(script.urls().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn refresh_ends_within_the_timeout() {
    for answers in [vec![], vec![Ok(metadata(KEYS))], vec![broken()]] {
        let script = Script::new(answers);
        let fetcher = discovered(&script);
        let began = tokio::time::Instant::now();
        assert!(matches!(refused(&fetcher).await, FetchError::Timeout { .. }));
        assert_eq!(began.elapsed(), Duration::from_secs(5), "by the simulated clock");
    }
}

#[tokio::test(start_paused = true)]
async fn metadata_is_read_from_all_well_known_urls() {
    let script = Script::new([
        status(404),
        status(403),
        Ok(metadata(KEYS)),
        Ok(key_set(Algorithm::Es256)),
        Ok(key_set(Algorithm::Es256)),
    ]);
    let fetcher = discovered(&script);
    fetcher.refresh(at(0)).await.unwrap();
    fetcher.refresh(at(10)).await.unwrap();
    assert_eq!(
        script.urls(),
        [
            "https://issuer.example/a/.well-known/openid-configuration",
            "https://issuer.example/.well-known/oauth-authorization-server/a",
            "https://issuer.example/.well-known/openid-configuration/a",
            KEYS,
            KEYS, // the metadata is not read again
        ]
    );
    assert_eq!(fetcher.requests(), 5);
    let nowhere = Script::new([status(404), status(404), status(404)]);
    let error = refused(&discovered(&nowhere)).await;
    assert!(error.sentence().contains("openid-configuration"), "{}", error.sentence());
    assert_eq!(error.outcome(), FetchOutcome::Metadata);
    // A temporary failure at the first URL is no reason to try the next.
    let trouble = Script::new([status(429)]);
    assert!(matches!(refused(&discovered(&trouble)).await, FetchError::Status { status: 429, .. }));
}

/// The keys may be on another host.
#[tokio::test(start_paused = true)]
async fn keys_are_fetched_when_metadata_times_out() {
    let script = Script::new([
        Ok(metadata(KEYS)),
        Ok(key_set(Algorithm::Es256)),
        status(HANGS),
        Ok(key_set(Algorithm::Es384)),
    ]);
    let fetcher = discovered(&script);
    fetcher.refresh(at(0)).await.unwrap();
    fetcher.refresh(at(90_000)).await.unwrap();
    assert_eq!(script.urls().last().unwrap(), KEYS);
}

#[tokio::test(start_paused = true)]
async fn metadata_is_read_again_when_keys_are_missing() {
    let elsewhere = "https://keys.example/moved";
    let script = Script::new([
        Ok(metadata(KEYS)),
        Ok(key_set(Algorithm::Es256)),
        status(404),
        Ok(metadata(elsewhere)),
        Ok(key_set(Algorithm::Es384)),
        status(404),
        // The metadata cannot be read: the known URL is used.
        status(429),
        Ok(key_set(Algorithm::Es256)),
        // A day later.
        Ok(metadata(KEYS)),
        Ok(key_set(Algorithm::Es256)),
    ]);
    let fetcher = discovered(&script);
    fetcher.refresh(at(0)).await.unwrap();
    fetcher.refresh(at(1)).await.unwrap_err();
    fetcher.refresh(at(2)).await.unwrap();
    fetcher.refresh(at(3)).await.unwrap_err();
    fetcher.refresh(at(4)).await.unwrap();
    fetcher.refresh(at(90_000)).await.unwrap();
    let well_known = "https://issuer.example/a/.well-known/openid-configuration";
    let expected =
        [well_known, KEYS, KEYS, well_known, elsewhere, elsewhere, well_known, elsewhere, well_known, KEYS];
    assert_eq!(script.urls(), expected);
}

#[tokio::test(start_paused = true)]
async fn refresh_fails_when_metadata_is_invalid() {
    for (document, sentence) in [
        (json(r#"{"issuer":"https://issuer.example/a/","jwks_uri":"https://x/"}"#), "byte for byte"),
        (metadata("http://keys.example/jwks"), "https is required"),
        (json("<html>"), "not a JSON object"),
        (HttpResponse::new(302, "").with_header("location", "https://evil.example/"), "not followed"),
    ] {
        let script = Script::new([Ok(document)]);
        let error = refused(&discovered(&script)).await.sentence();
        assert!(error.contains(sentence), "{error}");
        assert_eq!(script.urls().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn oversized_body_is_rejected_whatever_the_client_does() {
    let large = json(vec![b' '; 600 * 1024]);
    let error = refused(&fixed(&Script::new([Ok(large)]))).await;
    assert!(matches!(error, FetchError::TooLarge { max: 524_288 }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn request_headers_are_sent_to_the_configured_origin_only() {
    let rules = || FetchRules {
        headers: vec![RequestHeader::fixed("Authorization", "Bearer s3cret".to_owned())],
        ..FetchRules::default()
    };
    for (keys, is_sent) in [
        ("https://issuer.example/keys", true),
        ("https://issuer.example:443/keys", true),
        ("https://issuer.example:8443/keys", false),
        ("https://keys.issuer.example/keys", false),
        (KEYS, false),
    ] {
        let etag = |response: HttpResponse| response.with_header("etag", "\"1\"");
        let script = Script::new([Ok(metadata(keys)), Ok(etag(key_set(Algorithm::Es256))), status(304)]);
        let location = Location::discovered(ISSUER, &PlainHttp::default()).unwrap();
        let fetcher = with_rules(&script, location, rules());
        fetcher.refresh(at(0)).await.unwrap();
        fetcher.refresh(at(1)).await.unwrap();
        assert_eq!(script.authorized(), [true, is_sent, is_sent], "{keys}");
        assert!(!format!("{:?}", fetcher.rules).contains("s3cret"));
    }
    let script = Script::new([Ok(key_set(Algorithm::Es256))]);
    let location = Location::fixed(KEYS, &PlainHttp::default()).unwrap();
    with_rules(&script, location, rules()).refresh(at(0)).await.unwrap();
    assert_eq!(script.authorized(), [true]);
}

#[tokio::test(start_paused = true)]
async fn no_request_is_sent_without_the_value_of_its_header() {
    let script = Script::new([]);
    let location = Location::fixed(KEYS, &PlainHttp::default()).unwrap();
    let missing =
        RequestHeader::from_file("Authorization", "Bearer ".to_owned(), "/nonexistent/token".into());
    let rules = FetchRules { headers: vec![missing], ..FetchRules::default() };
    let error = refused(&with_rules(&script, location, rules)).await;
    assert!(matches!(error, FetchError::RequestHeader { .. }));
    assert!(error.sentence().contains("/nonexistent/token"), "{}", error.sentence());
    assert_eq!(script.urls().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn tolerated_content_types_are_accepted() {
    let answers = || {
        let set = keys::jwk_set(&[Algorithm::Es256]);
        [Ok(HttpResponse::new(200, set).with_header("content-type", "text/plain; charset=utf-8"))]
    };
    let location = || Location::fixed(KEYS, &PlainHttp::default()).unwrap();
    let error = refused(&fixed(&Script::new(answers()))).await;
    assert!(error.to_string().contains("tolerate_content_type"), "{error}");
    let mut rules = FetchRules::default();
    rules.content_types.tolerate("text/plain").unwrap();
    with_rules(&Script::new(answers()), location(), rules.clone()).refresh(at(0)).await.unwrap();
    // The document must still be a key set.
    let page = HttpResponse::new(200, "<html>").with_header("content-type", "text/plain");
    let error = refused(&with_rules(&Script::new([Ok(page)]), location(), rules)).await;
    assert!(matches!(error, FetchError::Document(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn tolerated_deviations_of_keys_are_read() {
    let answers = || {
        let bundle = keys::jwk_set(&[Algorithm::Es256]).replace(r#""use":"sig""#, r#""use":"jwt-svid""#);
        assert!(bundle.contains("jwt-svid"), "{bundle}");
        [Ok(json(bundle))]
    };
    let error = refused(&fixed(&Script::new(answers()))).await;
    assert!(matches!(error, FetchError::Document(_)), "{error}");
    let rules = FetchRules { jwk_tolerance: JwkTolerance::default().jwt_svid_use(), ..FetchRules::default() };
    let location = Location::fixed(KEYS, &PlainHttp::default()).unwrap();
    let fetched = with_rules(&Script::new(answers()), location, rules).refresh(at(0)).await.unwrap();
    assert_eq!(fetched.keys.unwrap().iter().count(), 1);
}
