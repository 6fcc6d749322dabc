//! An application with the session endpoints, in its own process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tollgate::{Algorithm, Audience, Gate, Issuer, Verifier};
use tollgate_axum::{AuthenticateLayer, Claims, RegisteredClaims, session_routes};
use tollgate_sessions::accounts::RegisterOutcome;
use tollgate_sessions::accounts::passwords::{HashCost, Password};
use tollgate_sessions::accounts::throttle::{NameDelays, ThrottleSettings};
use tollgate_sessions::accounts::users::MemoryUsers;
use tollgate_sessions::sessions::SessionSettings;
use tollgate_sessions::{
    Accounts, LoginThrottle, PasswordSettings, Passwords, RefreshKey, RefreshKeys, SessionEndpoints,
    Sessions, SigningKey, TokenIssuer, open_store,
};

use crate::server::scratch;

/// The argument that makes this program run the application.
pub(crate) const SERVE: &str = "serve";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
const USERS: usize = 256;
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";

/// Returns the login name of the nth user.
pub(crate) fn name(nth: usize) -> String {
    format!("user-{nth}@example.com")
}

/// The running application. Dropping it kills the process.
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

/// Serves until the parent kills the process.
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
        .with_settings(SessionSettings::default().with_sessions_per_subject(1).expect("a valid number"));
    let gate = Gate::new(Verifier::new(issuer.keys().expect("a key"), Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap()));
    let endpoints = SessionEndpoints::new(sessions, issuer, accounts(&keys).await, gate.clone());
    let me = async |user: Claims<RegisteredClaims>| user.sub.clone().unwrap_or_default();
    let app = Router::new()
        .route("/me", get(me))
        .layer(AuthenticateLayer::new(gate))
        .merge(session_routes(endpoints))
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    writeln!(std::io::stdout(), "{}", listener.local_addr().expect("an address")).expect("an open pipe");
    axum::serve(listener, app).await.expect("it serves");
}

/// Creates users whose password hashes have the default cost, with a throttle that never delays.
async fn accounts(keys: &RefreshKeys) -> Accounts {
    let settings = PasswordSettings::default().with_cost(HashCost::default());
    let (burst, shortest) = (ThrottleSettings::MAX_BURST, ThrottleSettings::MIN_INTERVAL);
    let throttle = ThrottleSettings::default()
        .with_address_limit(burst, shortest)
        .and_then(|settings| settings.with_name_limit(burst, NameDelays { first: shortest, longest: shortest }))
        .expect("values within bounds");
    let throttle = LoginThrottle::new(keys).with_settings(throttle);
    let passwords = Passwords::new(settings).expect("threads");
    let accounts = Accounts::new(MemoryUsers::new(), passwords, throttle);
    let password = Password::new(PASSWORD).expect("a password");
    for nth in 0..USERS {
        let registered = accounts.register(&name(nth), &password, None).await.expect("an account");
        assert!(matches!(registered, RegisterOutcome::Added(_)));
    }
    accounts
}
