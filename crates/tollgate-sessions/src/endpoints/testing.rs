//! Requests made by hand, and what answers them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tollgate::adapter::RequestView;
use tollgate::{Algorithm, Audience, Clock, CrossSite, Gate, Issuer, TokenSource, UnixTime, Verifier};

use super::{CookieSettings, Reply, SessionEndpoints};
use crate::accounts::{AccountSettings, Accounts, Registered};
use crate::issuer::TokenIssuer;
use crate::passwords::{HashCost, Password, PasswordHash, PasswordSettings, Passwords};
use crate::refresh::{RefreshKey, RefreshKeys};
use crate::session::{StoreClock, UnixMillis};
use crate::sessions::Sessions;
use crate::signing::SigningKey;
use crate::store::{MemoryStore, StoreError, StoreErrorKind, StoreFuture};
use crate::throttle::LoginThrottle;
use crate::users::{Addition, Credential, LoginName, MemoryUsers, NewUser, User, UserStore};

/// A request made by hand.
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
        self.headers.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_slice())
    }
}

/// Endpoints with one user, `alice@example.com`, in memory, and a clock to move by hand.
pub(super) struct World {
    pub(super) endpoints: SessionEndpoints,
    pub(super) sessions: Sessions,
    pub(super) accounts: Accounts,
    pub(super) users: Arc<MemoryUsers>,
    /// Whether the store of users is out of order.
    pub(super) outage: Arc<AtomicBool>,
    /// A hash that is put in the place of the next one that is read, right after that.
    pub(super) meanwhile: Arc<Mutex<Option<PasswordHash>>>,
    /// How many roles every user has beside their own.
    pub(super) more_roles: Arc<AtomicUsize>,
    pub(super) alice: User,
    pub(super) keys: RefreshKeys,
    pub(super) clock: StoreClock,
}

pub(super) const PASSWORD: &str = "correct horse";

impl World {
    pub(super) async fn new() -> Self {
        Self::behind(|gate, _sessions| gate).await
    }

    /// The gate requires anti-CSRF tokens.
    pub(super) async fn with_csrf_tokens() -> Self {
        let cookies = CookieSettings::default();
        Self::behind(|gate, sessions| gate.with_csrf_verifier(cookies.csrf_tokens(sessions))).await
    }

    /// The gate is changed before it is given to the endpoints.
    pub(super) async fn behind(change: impl FnOnce(Gate, &Sessions) -> Gate) -> Self {
        let clock = StoreClock::by_hand(UnixMillis::from_millis(1_700_000_000_000));
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
            .with_clock(Hands(clock.clone()));
        let issuer = TokenIssuer::new(key, Issuer::new(ISSUER).unwrap(), Audience::new("api").unwrap());
        let store = MemoryStore::new().with_clock(clock.clone());
        let sessions = Sessions::new(store, keys.clone(), issuer.lifetime()).with_clock(clock.clone());
        let cost = PasswordSettings::default().with_cost(HashCost::insecure_for_tests()).with_threads(1);
        let users = Arc::new(MemoryUsers::new());
        let throttle = LoginThrottle::new(&keys).with_clock(clock.clone());
        let outage = Arc::new(AtomicBool::new(false));
        let meanwhile = Arc::default();
        let more_roles = Arc::default();
        let store = Breakable {
            users: Arc::clone(&users),
            outage: Arc::clone(&outage),
            meanwhile: Arc::clone(&meanwhile),
            more_roles: Arc::clone(&more_roles),
        };
        let accounts = Accounts::new(store, Passwords::new(cost).unwrap(), throttle)
            .with_settings(AccountSettings::default().with_scopes(["read:items"]).with_roles(["user"]));
        let password = Password::new(PASSWORD).unwrap();
        let Registered::Added(alice) = accounts.register("alice@example.com", &password, None).await.unwrap()
        else {
            panic!("nobody was there")
        };
        let gate = change(gate, &sessions);
        let endpoints = SessionEndpoints::new(sessions.clone(), issuer, accounts.clone(), gate);
        Self { endpoints, sessions, accounts, users, outage, meanwhile, more_roles, alice, keys, clock }
    }

    /// What is answered to the request.
    pub(super) async fn send(&self, request: &FakeRequest, body: &str) -> Reply {
        match self.endpoints.accept(request, request.path(), Some(PEER)) {
            Ok(call) => call.answer(body.as_bytes()).await,
            Err(reply) => reply,
        }
    }

    /// Logs alice in and gives the answer.
    pub(super) async fn log_in(&self, more: &str) -> Reply {
        let body = format!(r#"{{"email":"alice@example.com","password":"{PASSWORD}"{more}}}"#);
        let reply = self.send(&post("/auth/login"), &body).await;
        assert_eq!(reply.status(), 200, "{}", reply.body());
        reply
    }
}

pub(super) const ISSUER: &str = "https://issuer.example";
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// A POST of JSON by something that is no browser.
pub(super) fn post(path: &str) -> FakeRequest {
    FakeRequest::new("POST", path).header("content-type", "application/json")
}

/// The same by a page of ours, with these cookies.
pub(super) fn post_with(path: &str, cookies: &str) -> FakeRequest {
    post(path).header("sec-fetch-site", "same-origin").header("cookie", cookies)
}

/// The cookies that an answer sets, as a browser sends them back; those that it clears are left out.
pub(super) fn cookies_of(reply: &Reply) -> String {
    let set = reply.headers().filter(|(name, _)| *name == "set-cookie");
    let pairs = set.filter_map(|(_, cookie)| cookie.split(';').next());
    pairs.filter(|pair| !pair.ends_with('=')).collect::<Vec<_>>().join("; ")
}

/// The cookies that an answer clears.
pub(super) fn cleared_by(reply: &Reply) -> usize {
    let set = reply.headers().filter(|(name, _)| *name == "set-cookie");
    set.filter(|(_, cookie)| cookie.contains("=; Path=/; Max-Age=0; ")).count()
}

/// The fields of that name in an answer.
pub(super) fn header<'a>(reply: &'a Reply, name: &str) -> Vec<&'a str> {
    reply.headers().filter(|(known, _)| *known == name).map(|(_, value)| value).collect()
}

/// A member of the JSON that is answered.
pub(super) fn member(reply: &Reply, name: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(reply.body()).unwrap();
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

#[derive(Debug)]
struct Hands(StoreClock);

impl Clock for Hands {
    fn now(&self) -> UnixTime {
        self.0.now().to_unix_time()
    }
}

/// Users in a store that can be out of order.
#[derive(Debug)]
struct Breakable {
    users: Arc<MemoryUsers>,
    outage: Arc<AtomicBool>,
    meanwhile: Arc<Mutex<Option<PasswordHash>>>,
    more_roles: Arc<AtomicUsize>,
}

impl Breakable {
    fn answer<'a, T: Send + 'a>(&self, answer: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        if self.outage.load(Ordering::SeqCst) {
            return Box::pin(async { Err(StoreError::new(StoreErrorKind::Unavailable, "out of order")) });
        }
        answer
    }
}

impl UserStore for Breakable {
    fn find<'a>(&'a self, login: &'a LoginName) -> StoreFuture<'a, Option<Credential>> {
        let meanwhile = self.meanwhile.lock().unwrap().take();
        self.answer(Box::pin(async move {
            let found = self.users.find(login).await?;
            if let (Some(Credential { user, hash: Some(old) }), Some(new)) = (&found, meanwhile) {
                assert!(self.users.replace_hash(&user.subject, old, &new).await?);
            }
            Ok(found)
        }))
    }

    fn find_subject<'a>(&'a self, subject: &'a str) -> StoreFuture<'a, Option<User>> {
        let more = self.more_roles.load(Ordering::SeqCst);
        self.answer(Box::pin(async move {
            let mut found = self.users.find_subject(subject).await?;
            if let Some(user) = &mut found {
                user.roles.extend((0..more).map(|number| format!("role-{number}")));
            }
            Ok(found)
        }))
    }

    fn add<'a>(&'a self, new: &'a NewUser) -> StoreFuture<'a, Addition> {
        self.answer(self.users.add(new))
    }

    fn replace_hash<'a>(
        &'a self,
        subject: &'a str,
        old: &'a PasswordHash,
        new: &'a PasswordHash,
    ) -> StoreFuture<'a, bool> {
        self.answer(self.users.replace_hash(subject, old, new))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        self.answer(self.users.ping())
    }
}
