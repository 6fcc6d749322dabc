//! [`Server`]: an adapter that serves the endpoints, and what is sent to it.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tollgate::{Algorithm, Audience, CrossSite, Gate, Issuer, TokenSource, Verifier};
use tollgate_conformance::client::{self, Response};
use tollgate_sessions::{
    Accounts, CookieSettings, HashCost, LoginThrottle, MemoryUsers, PasswordSettings, Passwords, RefreshKey,
    RefreshKeys, Registration, RotationPolicy, SessionEndpoints, SessionSettings, Sessions, SigningKey,
    ThrottleSettings, TokenIssuer,
};

use crate::drivers::Driver;
use crate::switch::Switch;

/// Of every password: none of them may be logged.
pub(crate) const PASSWORD: &str = "SENTINEL-pässword-🔑";
const ORIGIN: &str = "https://api.example";
/// Attempts from an address, and how long one is counted: as good as no bound.
const LENIENT: (u32, Duration) = (100_000, Duration::from_millis(1));

/// An adapter that serves the endpoints.
pub(crate) struct Server {
    address: SocketAddr,
    pub(crate) store: Switch,
}

impl Server {
    /// Every refresh token is good once, so that a second use is theft at once.
    pub(crate) fn start(driver: Driver) -> Self {
        Self::start_behind(driver, LENIENT, |gate, _sessions| gate)
    }

    /// The same, and calls with cookies need an anti-CSRF token.
    pub(crate) fn start_with_csrf_tokens(driver: Driver) -> Self {
        let cookies = CookieSettings::default();
        let required =
            |gate: Gate, sessions: &Sessions| gate.with_csrf_verifier(cookies.csrf_tokens(sessions));
        Self::start_behind(driver, LENIENT, required)
    }

    /// The same as at first, and eight attempts from an address are all that it has for an hour.
    pub(crate) fn start_with_little_patience(driver: Driver) -> Self {
        Self::start_behind(driver, (8, Duration::from_secs(3600)), |gate, _sessions| gate)
    }

    fn start_behind(
        (_, serve): Driver,
        (burst, interval): (u32, Duration),
        change: impl FnOnce(Gate, &Sessions) -> Gate,
    ) -> Self {
        let secret = RefreshKey::generate_secret().expect("randomness");
        let keys = RefreshKeys::new(RefreshKey::new(1, secret.as_bytes()).expect("a secret"));
        let key = SigningKey::generate(Algorithm::EdDsa).expect("a key");
        let cookie = CookieSettings::default().token_source().expect("a name");
        let gate = Gate::new(Verifier::new(
            key.verifying_key().expect("a key"),
            Issuer::new(ORIGIN).unwrap(),
            Audience::new("api").unwrap(),
        ))
        .with_sources([TokenSource::bearer(), cookie])
        .unwrap()
        .with_cross_site(CrossSite::new().with_public_origin(ORIGIN).expect("an origin"));
        let store = Switch::default();
        let issuer = TokenIssuer::new(key, Issuer::new(ORIGIN).unwrap(), Audience::new("api").unwrap());
        let once = RotationPolicy::default().with_window(Duration::ZERO);
        let sessions = Sessions::new(store.clone(), keys.clone(), issuer.lifetime())
            .with_settings(SessionSettings::default().with_rotation(once));
        let cost = PasswordSettings::default().with_cost(HashCost::insecure_for_tests()).with_threads(1);
        let throttle = ThrottleSettings::default().with_peers(burst, interval);
        let accounts = Accounts::new(
            MemoryUsers::new(),
            Passwords::new(cost).expect("threads"),
            LoginThrottle::new(&keys).with_settings(throttle),
        );
        let gate = change(gate, &sessions);
        let endpoints = SessionEndpoints::new(sessions, issuer, accounts, gate.clone())
            .with_registration(Registration::TellingTaken);
        Self { address: serve(endpoints, gate), store }
    }

    /// Sends the bytes. Whatever they are, the answer is no 500, and a refusal says why in JSON that no cache keeps.
    pub(crate) fn send_raw(&self, request: &[u8]) -> Response {
        let response = client::send(self.address, request);
        assert_ne!(response.status, 500, "{response:?}");
        if response.status >= 400 && header(&response, "content-type") == Some("application/problem+json") {
            assert_eq!(header(&response, "cache-control"), Some("no-store"), "{response:?}");
            assert!(!response.body.contains("SENTINEL"), "{response:?}");
        }
        response
    }

    pub(crate) fn send(&self, line: &str, fields: &[(&str, &str)], body: &str) -> Response {
        let mut request = format!("{line} HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n");
        for (name, value) in fields {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        self.send_raw(request.as_bytes())
    }

    /// A call in JSON, by something that is no browser.
    pub(crate) fn post(&self, path: &str, body: &str) -> Response {
        self.send(&format!("POST {path}"), &[("Content-Type", "application/json")], body)
    }

    /// A call in JSON, by a page of ours.
    pub(crate) fn post_with(&self, path: &str, cookies: &str, body: &str) -> Response {
        let fields =
            [("Content-Type", "application/json"), ("Sec-Fetch-Site", "same-origin"), ("Cookie", cookies)];
        self.send(&format!("POST {path}"), &fields, body)
    }

    /// Makes an account.
    pub(crate) fn register(&self, name: &str) {
        let made = self.post("/auth/register", &credentials(name, ""));
        assert_eq!(made.status, 201, "{made:?}");
        assert!(member(&made, "sub").is_string());
    }

    /// Makes an account, and logs in to it.
    pub(crate) fn log_in(&self, name: &str, more: &str) -> Response {
        self.register(name);
        let login = self.post("/auth/login", &credentials(name, more));
        assert_eq!(login.status, 200, "{login:?}");
        login
    }

    /// Whether the refresh token still is one.
    pub(crate) fn renew(&self, token: &str) -> Response {
        self.post("/auth/refresh", &format!(r#"{{"refresh_token":"{token}"}}"#))
    }
}

pub(crate) fn credentials(name: &str, more: &str) -> String {
    format!(r#"{{"email":"{name}","password":"{PASSWORD}"{more}}}"#)
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// A member of the JSON that was answered.
pub(crate) fn member(response: &Response, name: &str) -> Value {
    let value: Value =
        serde_json::from_str(&response.body).unwrap_or_else(|error| panic!("{error}: {response:?}"));
    value[name].clone()
}

/// A text in the JSON that was answered.
pub(crate) fn text(response: &Response, name: &str) -> String {
    member(response, name).as_str().unwrap_or_else(|| panic!("{name} in {response:?}")).to_owned()
}

fn set_cookies(response: &Response) -> impl Iterator<Item = &str> {
    response.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str())
}

/// The cookies that were set, as a browser sends them back.
pub(crate) fn cookies(response: &Response) -> String {
    let pairs = set_cookies(response).filter_map(|cookie| cookie.split(';').next());
    pairs.filter(|pair| !pair.ends_with('=')).collect::<Vec<_>>().join("; ")
}

/// How many cookies were cleared.
pub(crate) fn cleared(response: &Response) -> usize {
    set_cookies(response).filter(|cookie| cookie.contains("=; Path=/; Max-Age=0; Secure; HttpOnly; ")).count()
}
