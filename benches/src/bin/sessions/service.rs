//! An application with the session endpoints, as a process of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tollgate::{Algorithm, Audience, Gate, Issuer, Verifier};
use tollgate_axum::{AuthenticateLayer, Claims, RegisteredClaims, session_routes};
use tollgate_sessions::{
    Accounts, HashCost, LoginThrottle, MemoryUsers, Password, PasswordSettings, Passwords, RefreshKey,
    RefreshKeys, Registered, SessionEndpoints, SessionSettings, Sessions, SigningKey, ThrottleSettings,
    TokenIssuer, open_store,
};

use crate::server::scratch;

/// Tells this program to be the application.
pub(crate) const SERVE: &str = "serve";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
const USERS: usize = 256;
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";

/// The login name of a user.
pub(crate) fn name(nth: usize) -> String {
    format!("user-{nth}@example.com")
}

/// The application. Its process ends with it.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Running {
    pub(crate) fn start() -> Self {
        let program = std::env::current_exe().expect("a path");
        let mut child =
            Command::new(program).arg(SERVE).stdout(Stdio::piped()).spawn().expect("this program again");
        let mut line = String::new();
        let output = child.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("a line");
        Self { child, address: line.trim().parse().expect("an address") }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Serves until it is killed.
pub(crate) async fn serve() {
    let scratch = scratch("service");
    let store = open_store(&format!("sqlite:{}", scratch.join("sessions.db").display())).expect("a store");
    let secret = RefreshKey::generate_secret().expect("randomness");
    let keys = RefreshKeys::new(RefreshKey::new(1, secret.as_bytes()).expect("a strong secret"));
    let issuer = TokenIssuer::new(
        SigningKey::generate(Algorithm::EdDsa).expect("a key"),
        Issuer::new(ISSUER).expect("an issuer"),
        Audience::new(AUDIENCE).expect("an audience"),
    );
    let sessions = Sessions::new(store, keys.clone(), issuer.lifetime())
        .with_settings(SessionSettings::default().with_sessions_per_subject(1));
    let gate = Gate::new(Verifier::new(
        issuer.keys().expect("a key"),
        Issuer::new(ISSUER).expect("an issuer"),
        Audience::new(AUDIENCE).expect("an audience"),
    ));
    let endpoints = SessionEndpoints::new(sessions, issuer, accounts(&keys).await, gate.clone());
    let me = async |user: Claims<RegisteredClaims>| user.sub.clone().unwrap_or_default();
    let app = Router::new()
        .route("/me", get(me))
        .layer(AuthenticateLayer::new(gate))
        .merge(session_routes(endpoints))
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    writeln!(std::io::stdout(), "{}", listener.local_addr().expect("an address")).expect("somebody listens");
    axum::serve(listener, app).await.expect("it serves");
}

/// Users whose hashes cost what they cost by default, and whom no throttle slows.
async fn accounts(keys: &RefreshKeys) -> Accounts {
    let settings = PasswordSettings::default().with_cost(HashCost::default());
    let throttle = LoginThrottle::new(keys).with_settings(
        ThrottleSettings::default().with_peers(u32::MAX, Duration::from_millis(1)).with_names(
            u32::MAX,
            Duration::ZERO,
            Duration::ZERO,
        ),
    );
    let passwords = Passwords::new(settings).expect("threads");
    let accounts = Accounts::new(MemoryUsers::new(), passwords, throttle);
    let password = Password::new(PASSWORD).expect("a password");
    for nth in 0..USERS {
        let registered = accounts.register(&name(nth), &password, None).await.expect("an account");
        assert!(matches!(registered, Registered::Added(_)));
    }
    accounts
}
