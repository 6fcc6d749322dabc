//! Test requests, and endpoints that answer them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tollgate::adapter::RequestView;
use tollgate::{Algorithm, Audience, Clock, CrossSite, Gate, Issuer, TokenSource, UnixTime, Verifier};

use super::{CookieSettings, SessionEndpoints, SessionResponse};
use crate::accounts::passwords::{HashCost, Password, PasswordHash, PasswordSettings, Passwords};
use crate::accounts::throttle::LoginThrottle;
use crate::accounts::users::{
    AddOutcome, LoginName, MemoryUsers, NewUser, StoredCredential, User, UserStore,
};
use crate::accounts::{AccountSettings, Accounts, RegisterOutcome};
use crate::issuing::{SigningKey, TokenIssuer};
use crate::session::{StoreClock, UnixMillis};
use crate::sessions::Sessions;
use crate::sessions::tokens::{RefreshKey, RefreshKeys};
use crate::store::{MemoryStore, StoreError, StoreErrorKind, StoreFuture};

/// A request for tests.
#[derive(Clone)]
pub(crate) struct FakeRequest {
    method: String,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
}

impl FakeRequest {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), headers: Vec::new() }
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

impl RequestView for FakeRequest {
    fn method(&self) -> &str {
        &self.method
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn header_values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + 'a {
        let name = name.to_owned();
        self.headers.iter().filter(move |(other, _)| *other == name).map(|(_, value)| value.as_slice())
    }
}

/// Endpoints with one user, `alice@example.com`, memory stores and a manual clock.
pub(super) struct World {
    pub(super) endpoints: SessionEndpoints,
    pub(super) sessions: Sessions,
    pub(super) accounts: Accounts,
    pub(super) users: Arc<MemoryUsers>,
    /// Whether the user store fails.
    pub(super) outage: Arc<AtomicBool>,
    /// A hash that replaces the stored one right after the next lookup, as a concurrent password change does.
    pub(super) concurrent_hash: Arc<Mutex<Option<PasswordHash>>>,
    /// The number of roles that every user has in addition.
    pub(super) extra_roles: Arc<AtomicUsize>,
    pub(super) alice: User,
    pub(super) keys: RefreshKeys,
    pub(super) clock: StoreClock,
}

pub(super) const PASSWORD: &str = "correct horse";

impl World {
    pub(super) async fn new() -> Self {
        Self::with_gate(|gate, _sessions| gate).await
    }

    /// Makes endpoints whose gate requires anti-CSRF tokens.
    pub(super) async fn with_csrf_tokens() -> Self {
        let cookies = CookieSettings::default();
        Self::with_gate(|gate, sessions| gate.with_csrf_verifier(cookies.csrf_verifier(sessions))).await
    }

    /// Makes endpoints, and changes their gate first.
    pub(super) async fn with_gate(change: impl FnOnce(Gate, &Sessions) -> Gate) -> Self {
        let clock = StoreClock::manual(UnixMillis::from_millis(1_700_000_000_000));
        let keys =
            RefreshKeys::new(RefreshKey::new(1, RefreshKey::generate_secret().unwrap().as_bytes()).unwrap());
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let cookie = CookieSettings::default().token_source().unwrap();
        let verifier = Verifier::new(
            key.verifying_key().unwrap(),
            Issuer::new(ISSUER).unwrap(),
            Audience::new("api").unwrap(),
        );
        let gate = Gate::new(verifier)
            .with_sources([TokenSource::bearer(), cookie])
            .unwrap()
            .with_cross_site(CrossSite::new().with_public_origin(ISSUER).unwrap())
            .with_clock(ManualClock(clock.clone()));
        let issuer = TokenIssuer::new(key, Issuer::new(ISSUER).unwrap(), Audience::new("api").unwrap());
        let store = MemoryStore::new().with_clock(clock.clone());
        let sessions = Sessions::new(store, keys.clone(), issuer.lifetime()).with_clock(clock.clone());
        let cost =
            PasswordSettings::default().with_cost(HashCost::insecure_for_tests()).with_threads(1).unwrap();
        let users = Arc::new(MemoryUsers::new());
        let throttle = LoginThrottle::new(&keys).with_clock(clock.clone());
        let outage = Arc::new(AtomicBool::new(false));
        let concurrent_hash = Arc::default();
        let extra_roles = Arc::default();
        let store = FailingUsers {
            users: Arc::clone(&users),
            outage: Arc::clone(&outage),
            concurrent_hash: Arc::clone(&concurrent_hash),
            extra_roles: Arc::clone(&extra_roles),
        };
        let accounts = Accounts::new(store, Passwords::new(cost).unwrap(), throttle)
            .with_settings(AccountSettings::default().with_scopes(["read:items"]).with_roles(["user"]));
        let password = Password::new(PASSWORD).unwrap();
        let RegisterOutcome::Added(alice) =
            accounts.register("alice@example.com", &password, None).await.unwrap()
        else {
            panic!("the login name was free")
        };
        let gate = change(gate, &sessions);
        let endpoints = SessionEndpoints::new(sessions.clone(), issuer, accounts.clone(), gate);
        Self {
            endpoints,
            sessions,
            accounts,
            users,
            outage,
            concurrent_hash,
            extra_roles,
            alice,
            keys,
            clock,
        }
    }

    /// Sends a request, and returns the response.
    pub(super) async fn send(&self, request: &FakeRequest, body: &str) -> SessionResponse {
        match self.endpoints.begin(request, request.path(), Some(PEER)) {
            Ok(call) => call.respond(body.as_bytes()).await,
            Err(response) => response,
        }
    }

    /// Logs alice in, with more members in the body, and returns the response.
    pub(super) async fn log_in(&self, more: &str) -> SessionResponse {
        let body = format!(r#"{{"email":"alice@example.com","password":"{PASSWORD}"{more}}}"#);
        let response = self.send(&post("/auth/login"), &body).await;
        assert_eq!(response.status(), 200, "{}", response.body());
        response
    }
}

pub(super) const ISSUER: &str = "https://issuer.example";
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Makes a POST request with JSON, as a client without a browser sends it.
pub(super) fn post(path: &str) -> FakeRequest {
    FakeRequest::new("POST", path).header("content-type", "application/json")
}

/// Makes a POST request with JSON and cookies, as a page of the same origin sends it.
pub(super) fn post_with(path: &str, cookies: &str) -> FakeRequest {
    post(path).header("sec-fetch-site", "same-origin").header("cookie", cookies)
}

/// Returns the cookies that a response sets, as a browser sends them back, without those that it clears.
pub(super) fn cookies_of(response: &SessionResponse) -> String {
    let set = response.headers().filter(|(name, _)| *name == "set-cookie");
    let pairs = set.filter_map(|(_, cookie)| cookie.split(';').next());
    pairs.filter(|pair| !pair.ends_with('=')).collect::<Vec<_>>().join("; ")
}

/// Returns the number of cookies that a response clears.
pub(super) fn cleared_by(response: &SessionResponse) -> usize {
    let set = response.headers().filter(|(name, _)| *name == "set-cookie");
    set.filter(|(_, cookie)| cookie.contains("=; Path=/; Max-Age=0; ")).count()
}

/// Returns the values of a header in a response.
pub(super) fn header<'a>(response: &'a SessionResponse, name: &str) -> Vec<&'a str> {
    response.headers().filter(|(other, _)| *other == name).map(|(_, value)| value).collect()
}

/// Returns a member of the JSON body of a response.
pub(super) fn member(response: &SessionResponse, name: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(response.body()).unwrap();
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

#[derive(Debug)]
struct ManualClock(StoreClock);

impl Clock for ManualClock {
    fn now(&self) -> UnixTime {
        self.0.now().to_unix_time()
    }
}

/// A user store that can fail.
#[derive(Debug)]
struct FailingUsers {
    users: Arc<MemoryUsers>,
    outage: Arc<AtomicBool>,
    concurrent_hash: Arc<Mutex<Option<PasswordHash>>>,
    extra_roles: Arc<AtomicUsize>,
}

impl FailingUsers {
    fn unless_outage<'a, T: Send + 'a>(&self, call: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        if self.outage.load(Ordering::SeqCst) {
            return Box::pin(async { Err(StoreError::new(StoreErrorKind::Unavailable, "simulated outage")) });
        }
        call
    }
}

impl UserStore for FailingUsers {
    fn find<'a>(&'a self, login: &'a LoginName) -> StoreFuture<'a, Option<StoredCredential>> {
        let concurrent_hash = self.concurrent_hash.lock().unwrap().take();
        self.unless_outage(Box::pin(async move {
            let found = self.users.find(login).await?;
            if let (Some(StoredCredential { user, hash: Some(old) }), Some(new)) = (&found, concurrent_hash) {
                assert!(self.users.replace_hash(&user.subject, old, &new).await?);
            }
            Ok(found)
        }))
    }

    fn find_subject<'a>(&'a self, subject: &'a str) -> StoreFuture<'a, Option<User>> {
        let more = self.extra_roles.load(Ordering::SeqCst);
        self.unless_outage(Box::pin(async move {
            let mut found = self.users.find_subject(subject).await?;
            if let Some(user) = &mut found {
                user.roles.extend((0..more).map(|number| format!("role-{number}")));
            }
            Ok(found)
        }))
    }

    fn add<'a>(&'a self, new: &'a NewUser) -> StoreFuture<'a, AddOutcome> {
        self.unless_outage(self.users.add(new))
    }

    fn replace_hash<'a>(
        &'a self,
        subject: &'a str,
        old: &'a PasswordHash,
        new: &'a PasswordHash,
    ) -> StoreFuture<'a, bool> {
        self.unless_outage(self.users.replace_hash(subject, old, new))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        self.unless_outage(self.users.ping())
    }
}
