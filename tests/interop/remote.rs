//! Other implementations fetch our key set over HTTP and verify our tokens with it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tollgate::{Algorithm, Audience, Clock as _, Gate, Issuer, SystemClock, UnixTime, Verifier};
use tollgate_sessions::accounts::passwords::HashCost;
use tollgate_sessions::accounts::users::MemoryUsers;
use tollgate_sessions::issuing::{AccessToken, ClientId, KeyRotationSchedule, KeyRotationTimes};
use tollgate_sessions::store::MemoryStore;
use tollgate_sessions::{
    Accounts, KeyRing, LoginThrottle, PasswordSettings, Passwords, RefreshKey, RefreshKeys, SessionEndpoints,
    Sessions, SigningKey, TokenIssuer,
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
        trial(format!("{name}::{algorithm}::verifies_with_our_published_keys"), move || {
            World::new(name, &peer, algorithm).verifies_with_our_published_keys();
        })
    };
    ALGORITHMS.into_iter().map(of).collect()
}

/// An issuer whose key ring is about to rotate, and the address of its endpoints.
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
        let times = KeyRotationTimes {
            rotate_every: hour,
            publish_before: Duration::from_secs(60),
            keep_after: hour,
        };
        let schedule = KeyRotationSchedule::insecure_for_tests(times).expect("a schedule");
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

    fn verifies_with_our_published_keys(&self) {
        self.assert_published(1);
        let first = issue(&self.issuer, self.before(30));
        self.accept(&first);

        // The ring publishes the next key a minute before the rotation. At `now` that key signs.
        assert!(self.ring.rotate_if_due(self.before(60)).expect("the ring turns"));
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

        assert_ne!(input, other_input, "each token has its own ID");
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
        // The task of the endpoints must be dropped inside its runtime.
        let _entered = self.runtime.enter();
    }
}

/// Serves the session endpoints on a free port. The tests use only the key set.
fn serve(runtime: &Runtime, issuer: TokenIssuer) -> SocketAddr {
    let secret = RefreshKey::generate_secret().expect("randomness");
    let keys = RefreshKeys::new(RefreshKey::new(1, secret.as_bytes()).expect("a secret"));
    let gate = Gate::new(Verifier::new(
        issuer.keys().expect("keys"),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    ));
    let settings = PasswordSettings::default().with_cost(HashCost::insecure_for_tests());
    let passwords = Passwords::new(settings.with_threads(1).expect("one thread")).expect("threads");
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
    let token = AccessToken::new("alice", ClientId::new("web")).with_scopes(["a", "b"]).with_roles(["admin"]);
    issuer.issue(&token, now).expect("a token").into_string()
}

fn key_id(token: &str) -> String {
    let header = jsonwebtoken::decode_header(token).expect("a header");
    header.kid.expect("a key id")
}
