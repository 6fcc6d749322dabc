//! [`Server`]: an adapter that serves the session endpoints, and the requests to it.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tollgate::{
    Algorithm, Audience, CrossSite, ForwardedHeader, Gate, Issuer, TokenSource, TrustedProxies, Verifier,
};
use tollgate_sessions::accounts::passwords::HashCost;
use tollgate_sessions::accounts::throttle::ThrottleSettings;
use tollgate_sessions::accounts::users::MemoryUsers;
use tollgate_sessions::sessions::SessionSettings;
use tollgate_sessions::store::RefreshPolicy;
use tollgate_sessions::{
    Accounts, CookieSettings, LoginThrottle, PasswordSettings, Passwords, RefreshKey, RefreshKeys,
    RegistrationMode, SessionEndpoints, Sessions, SigningKey, TokenIssuer,
};
use tollgate_tests::client::{self, Response};

use crate::drivers::Driver;
use crate::switch::Switch;

/// The password of every account. The log must not contain it.
pub(crate) const PASSWORD: &str = "SENTINEL-pässword-🔑";
const ORIGIN: &str = "https://api.example";
/// The throttle's burst and interval per address, chosen so that it never applies.
const LENIENT: (u32, Duration) = (100_000, Duration::from_millis(1));
/// Eight attempts, and one more after an hour.
const STRICT: (u32, Duration) = (8, Duration::from_secs(3600));

/// An adapter that serves the session endpoints.
pub(crate) struct Server {
    address: SocketAddr,
    pub(crate) store: Switch,
}

impl Server {
    /// Starts a server without a grace period, so that a second use of a refresh token counts as theft at once.
    pub(crate) fn start(driver: Driver) -> Self {
        Self::start_behind(driver, LENIENT, |gate, _sessions| gate, |endpoints| endpoints)
    }

    /// Starts a server that requires an anti-CSRF token for calls with cookies.
    pub(crate) fn start_with_csrf_tokens(driver: Driver) -> Self {
        let cookies = CookieSettings::default();
        let required =
            |gate: Gate, sessions: &Sessions| gate.with_csrf_verifier(cookies.csrf_verifier(sessions));
        Self::start_behind(driver, LENIENT, required, |endpoints| endpoints)
    }

    /// Starts a server that permits eight attempts per address and hour.
    pub(crate) fn start_with_strict_throttle(driver: Driver) -> Self {
        Self::start_behind(driver, STRICT, |gate, _sessions| gate, |endpoints| endpoints)
    }

    /// Starts a server that permits eight attempts per address and hour, and trusts the proxies on loopback addresses
    /// and in 10.0.0.0/8.
    pub(crate) fn start_behind_proxies(driver: Driver, header: ForwardedHeader) -> Self {
        let proxies = TrustedProxies::networks(header, ["127.0.0.0/8", "10.0.0.0/8"]).expect("networks");
        let behind = |endpoints: SessionEndpoints| endpoints.with_trusted_proxies(proxies);
        Self::start_behind(driver, STRICT, |gate, _sessions| gate, behind)
    }

    fn start_behind(
        (_, serve): Driver,
        (burst, interval): (u32, Duration),
        change_gate: impl FnOnce(Gate, &Sessions) -> Gate,
        change_endpoints: impl FnOnce(SessionEndpoints) -> SessionEndpoints,
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
        let once = RefreshPolicy::default().with_grace_period(Duration::ZERO).expect("within bounds");
        let sessions = Sessions::new(store.clone(), keys.clone(), issuer.lifetime())
            .with_settings(SessionSettings::default().with_refresh_policy(once));
        let cost = PasswordSettings::default().with_cost(HashCost::insecure_for_tests());
        let cost = cost.with_threads(1).expect("one thread");
        let throttle =
            ThrottleSettings::default().with_address_limit(burst, interval).expect("values within bounds");
        let accounts = Accounts::new(
            MemoryUsers::new(),
            Passwords::new(cost).expect("threads"),
            LoginThrottle::new(&keys).with_settings(throttle),
        );
        let gate = change_gate(gate, &sessions);
        let endpoints = SessionEndpoints::new(sessions, issuer, accounts, gate.clone())
            .with_registration(RegistrationMode::RevealExisting);
        Self { address: serve(change_endpoints(endpoints), gate), store }
    }

    /// Sends raw bytes. Asserts that the status is not 500, and that problem details are not cacheable and contain no
    /// secret.
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

    /// Sends a JSON call as a client other than a browser.
    pub(crate) fn post(&self, path: &str, body: &str) -> Response {
        self.send(&format!("POST {path}"), &[("Content-Type", "application/json")], body)
    }

    /// Sends a JSON call as a browser on our own page.
    pub(crate) fn post_with(&self, path: &str, cookies: &str, body: &str) -> Response {
        let fields =
            [("Content-Type", "application/json"), ("Sec-Fetch-Site", "same-origin"), ("Cookie", cookies)];
        self.send(&format!("POST {path}"), &fields, body)
    }

    /// Registers an account.
    pub(crate) fn register(&self, name: &str) {
        let made = self.post("/auth/register", &credentials(name, ""));
        assert_eq!(made.status, 201, "{made:?}");
        assert!(member(&made, "sub").is_string());
    }

    /// Registers an account and logs in to it.
    pub(crate) fn log_in(&self, name: &str, more: &str) -> Response {
        self.register(name);
        let login = self.post("/auth/login", &credentials(name, more));
        assert_eq!(login.status, 200, "{login:?}");
        login
    }

    /// Presents a refresh token in the body.
    pub(crate) fn refresh(&self, token: &str) -> Response {
        self.post("/auth/refresh", &format!(r#"{{"refresh_token":"{token}"}}"#))
    }
}

pub(crate) fn credentials(name: &str, more: &str) -> String {
    format!(r#"{{"email":"{name}","password":"{PASSWORD}"{more}}}"#)
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Returns a member of a JSON response.
pub(crate) fn member(response: &Response, name: &str) -> Value {
    let value: Value =
        serde_json::from_str(&response.body).unwrap_or_else(|error| panic!("{error}: {response:?}"));
    value[name].clone()
}

/// Returns a string member of a JSON response.
pub(crate) fn text(response: &Response, name: &str) -> String {
    member(response, name).as_str().unwrap_or_else(|| panic!("{name} in {response:?}")).to_owned()
}

fn set_cookies(response: &Response) -> impl Iterator<Item = &str> {
    response.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str())
}

/// Returns the cookies that a response sets, as the value of a `Cookie` field.
pub(crate) fn cookies(response: &Response) -> String {
    let pairs = set_cookies(response).filter_map(|cookie| cookie.split(';').next());
    pairs.filter(|pair| !pair.ends_with('=')).collect::<Vec<_>>().join("; ")
}

/// Returns the number of cookies that a response clears.
pub(crate) fn cleared(response: &Response) -> usize {
    set_cookies(response).filter(|cookie| cookie.contains("=; Path=/; Max-Age=0; Secure; HttpOnly; ")).count()
}
