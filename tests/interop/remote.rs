//! We sign and publish our keys over HTTP; they fetch them, and verify.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tollgate::{Algorithm, Audience, Clock as _, Gate, Issuer, SystemClock, UnixTime, Verifier};
use tollgate_sessions::{
    AccessToken, Accounts, HashCost, KeyRing, LoginThrottle, MemoryStore, MemoryUsers, PasswordSettings,
    Passwords, RefreshKey, RefreshKeys, RotationSchedule, SessionEndpoints, Sessions, SigningKey,
    TokenIssuer,
};

use crate::peer::Peer;
use crate::trial;

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";
const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Es384, Algorithm::Rs256, Algorithm::Ps256];

pub(crate) fn trials(name: &'static str, peer: &Peer) -> Vec<Trial> {
    let of = |algorithm| {
        let peer = peer.clone();
        trial(format!("{name}::{algorithm}::they_fetch_our_keys"), move || {
            World::new(name, &peer, algorithm).they_fetch_our_keys();
        })
    };
    ALGORITHMS.into_iter().map(of).collect()
}

/// An issuer whose key ring is about to turn, and where its endpoints are.
struct World<'a> {
    peer: &'a Peer,
    algorithm: Algorithm,
    ring: Arc<KeyRing>,
    issuer: TokenIssuer,
    endpoints: SocketAddr,
    directory: PathBuf,
    now: UnixTime,
    runtime: Runtime,
}

impl<'a> World<'a> {
    fn new(name: &str, peer: &'a Peer, algorithm: Algorithm) -> Self {
        let directory =
            std::env::temp_dir().join(format!("tollgate-remote-{name}-{algorithm}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&directory));
        let now = SystemClock::new().now();
        let hour = Duration::from_secs(3600);
        let schedule = RotationSchedule::insecure_for_tests(hour, Duration::from_secs(60), hour);
        let schedule = schedule.expect("a schedule");
        let ring = KeyRing::open(algorithm, &directory, schedule, now.saturating_sub(hour)).expect("a ring");
        let ring = Arc::new(ring);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let issuer = TokenIssuer::with_key_ring(
            Arc::clone(&ring),
            Issuer::new(ISSUER).unwrap(),
            Audience::new(AUDIENCE).unwrap(),
        );
        let endpoints = serve(&runtime, issuer.clone());
        Self { peer, algorithm, ring, issuer, endpoints, directory, now, runtime }
    }

    fn they_fetch_our_keys(&self) {
        self.assert_published(1);
        let first = issue(&self.issuer, self.before(30));
        self.accept(&first);
        // A minute before it is due the next key is published; now it signs.
        assert!(self.ring.turn(self.before(60)).expect("the ring turns"));
        self.assert_published(2);
        let second = issue(&self.issuer, self.now);
        assert_ne!(key_id(&first), key_id(&second));
        self.accept(&second);
        self.accept(&first);
        self.refuse();
    }

    fn assert_published(&self, keys: usize) {
        let document: Value = serde_json::from_str(&self.issuer.jwk_set()).expect("JSON");
        assert_eq!(document["keys"].as_array().map(Vec::len), Some(keys));
    }

    fn accept(&self, token: &str) {
        let claims = &self.peer.ask(self.request(token))["claims"];
        assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("alice"), &json!("web")));
        assert_eq!((&claims["scope"], &claims["roles"]), (&json!("a b"), &json!(["admin"])));
    }

    fn refuse(&self) {
        let elsewhere = TokenIssuer::with_key_ring(
            Arc::clone(&self.ring),
            Issuer::new(ISSUER).unwrap(),
            Audience::new("api://other").unwrap(),
        );
        let stranger = SigningKey::generate(self.algorithm).expect("a key");
        let forger =
            TokenIssuer::new(stranger, Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap());
        let good = issue(&self.issuer, self.now);
        let (input, signature) = good.rsplit_once('.').expect("three parts");
        let other = issue(&self.issuer, self.now);
        let (other_input, _) = other.rsplit_once('.').expect("three parts");
        assert_ne!(input, other_input, "each has an id of its own");
        for (what, token, reason) in [
            ("expired", issue(&self.issuer, self.before(3000)), "exp"),
            ("for another audience", issue(&elsewhere, self.now), "aud"),
            ("of a key that is not published", issue(&forger, self.now), "key"),
            ("with the signature of another", format!("{other_input}.{signature}"), "signature"),
        ] {
            let answer = self.peer.try_ask(&self.request(&token)).expect("an answer");
            let error = answer["error"].as_str().unwrap_or_else(|| panic!("{what}: {answer}"));
            assert!(error.to_lowercase().contains(reason), "{what}: {error}");
        }
    }

    fn request(&self, token: &str) -> Value {
        let jwks = format!("http://{}/.well-known/jwks.json", self.endpoints);
        json!({"op": "verify_remote", "alg": self.algorithm.name(), "jwks": jwks, "token": token, "issuer": ISSUER, "audience": AUDIENCE})
    }

    fn before(&self, secs: u64) -> UnixTime {
        self.now.saturating_sub(Duration::from_secs(secs))
    }
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.directory));
        // The endpoints' task ends within its runtime.
        let _entered = self.runtime.enter();
    }
}

/// The endpoints of sessions, on a free port. The key set is one of them; nobody logs in here.
fn serve(runtime: &Runtime, issuer: TokenIssuer) -> SocketAddr {
    let secret = RefreshKey::generate_secret().expect("randomness");
    let keys = RefreshKeys::new(RefreshKey::new(1, secret.as_bytes()).expect("a secret"));
    let gate = Gate::new(Verifier::new(
        issuer.keys().expect("keys"),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    ));
    let cost = PasswordSettings::default().with_cost(HashCost::insecure_for_tests()).with_threads(1);
    let passwords = Passwords::new(cost).expect("threads");
    let accounts = Accounts::new(MemoryUsers::new(), passwords, LoginThrottle::new(&keys));
    let sessions = Sessions::new(MemoryStore::new(), keys, issuer.lifetime());
    let app = axum::Router::new()
        .merge(tollgate_axum::session_routes(SessionEndpoints::new(sessions, issuer, accounts, gate)));
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(runtime.spawn(async move { axum::serve(listener, app).await }));
    address
}

fn issue(issuer: &TokenIssuer, now: UnixTime) -> String {
    let token = AccessToken::new("alice", "web").with_scopes(["a", "b"]).with_roles(["admin"]);
    issuer.issue(&token, now).expect("a token").into_string()
}

fn key_id(token: &str) -> String {
    let header = jsonwebtoken::decode_header(token).expect("a header");
    header.kid.expect("a key id")
}
