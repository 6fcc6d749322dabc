//! No secret appears in `Debug`, `Display` or a log. The tests print public types that contain a sentinel and
//! search the output for it.

use std::fmt::{Debug, Write as _};
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt as _;
use tollgate::adapter::{CompactToken, Decision};
use tollgate::{
    Algorithm, Audience, AuthError, CrossSite, Gate, Issuer, KeyError, KeyRefresh, KeySet, Policy,
    RegisteredClaims, ResourceMetadata, RevocationList, TokenSource, UnixTime, Verifier, VerifyingKey,
};
use tollgate_sessions::accounts::passwords::{HashCost, Password, PasswordHash, Pepper, Peppers};
use tollgate_sessions::accounts::users::{MemoryUsers, NewUser};
use tollgate_sessions::accounts::{AccountSettings, LoginError, RegisterOutcome};
use tollgate_sessions::issuing::{AccessToken, ClientId};
use tollgate_sessions::sessions::{SessionSettings, TokenTransport};
use tollgate_sessions::store::{MemoryStore, RefreshPolicy};
use tollgate_sessions::{
    Accounts, Login, LoginThrottle, PasswordSettings, Passwords, RefreshKey, RefreshKeys, Sessions,
    SigningKey, TokenIssuer,
};
use tollgate_testing::{Forge, ManualClock, keys};
use tollgate_tests::log::Log;
use tollgate_tower::{AuthenticateLayer, AuthorizeLayer, HttpRequest};

/// A secret that is easy to find in output and random enough for key constructors.
const SENTINEL: &str = "Zq7-SENTINEL-x9Lw2Kp4Vt8Rb6Nc3Md5Gf1Hj0";
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";
const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

/// Collects the `Debug` output of values, plain and pretty-printed.
#[derive(Default)]
struct Printed(String);

impl Printed {
    fn add(&mut self, value: &impl Debug) {
        writeln!(self.0, "{value:?}\n{value:#?}").expect("a string");
    }

    fn assert_free_of(&self, secrets: &[&str]) {
        for secret in secrets {
            assert!(!self.0.contains(secret), "{secret} was printed:\n{}", self.0);
        }
    }
}

/// Returns a secret in every encoding in which it could leak.
fn forms(secret: &[u8]) -> Vec<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = format!("{secret:?}");
    vec![
        String::from_utf8_lossy(secret).into_owned(),
        STANDARD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        hex,
        list.trim_matches(['[', ']']).to_owned(),
    ]
}

#[test]
fn debug_output_hides_secret_keys() {
    let mut printed = Printed::default();
    let key = VerifyingKey::hmac(Algorithm::Hs256, SENTINEL).expect("a strong secret");
    let signing = || SigningKey::hmac(Algorithm::Hs256, SENTINEL).expect("a strong secret");
    let verifier = Verifier::new(key.clone(), Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap());
    let gate = Gate::new(verifier.clone());
    printed.add(&key);
    printed.add(&KeySet::from(key.clone()));
    printed.add(&tollgate::VerifierKeys::from(key));
    printed.add(&verifier);
    printed.add(&gate);
    printed.add(&AuthenticateLayer::new(gate));
    printed.add(&signing());
    printed.add(&TokenIssuer::new(signing(), Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap()));
    printed.add(&Forge::new(ISSUER, AUDIENCE).with_key(signing()));

    for weak in [SENTINEL[..20].to_owned(), format!("secret-{SENTINEL}")] {
        let error = VerifyingKey::hmac(Algorithm::Hs256, &weak).expect_err("weak");
        printed.add(&error);
        writeln!(printed.0, "{error} {}", std::error::Error::source(&error).expect("a reason"))
            .expect("a string");
    }

    let secrets = forms(SENTINEL.as_bytes());
    printed.assert_free_of(&secrets.iter().map(String::as_str).collect::<Vec<_>>());
    printed.assert_free_of(&["SENTINEL"]);
}

#[test]
fn debug_output_hides_private_keys() {
    let mut printed = Printed::default();
    for algorithm in Algorithm::ALL {
        printed.add(&keys::signing(algorithm));
        printed.add(&keys::verifying(algorithm));
        let Some(pem) = keys::pem(algorithm) else { continue };
        let error = VerifyingKey::from_pem(algorithm, pem).expect_err("a private key");
        assert_eq!(error, KeyError::Private);
        printed.add(&error);
        let inside: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        printed.assert_free_of(&[&inside[40..60], &inside[..40]]);
    }
}

#[test]
fn debug_output_hides_tokens_and_claims() {
    let mut printed = Printed::default();
    let clock = ManualClock::at(NOW.as_secs());
    let forge = Forge::new(ISSUER, AUDIENCE).with_clock(&clock);
    let verifier = Verifier::new(
        keys::verifying(Algorithm::Hs256),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    );
    let token = forge.token().subject(SENTINEL).claim("email", SENTINEL).sign();
    let verified = verifier.verify(&token, NOW).expect("a good token");
    printed.add(&verified);
    printed.add(&CompactToken::parse(&token, 8192).expect("three parts"));

    #[derive(Debug, serde::Deserialize)]
    struct Numeric {
        #[expect(dead_code, reason = "never made")]
        email: u64,
    }
    printed.add(&verified.claims::<Numeric>().expect_err("not a number"));

    for bad in [
        forge.token().subject(SENTINEL).with_broken_signature(),
        forge.token().subject(SENTINEL).claim("exp", 1).sign(),
        forge.token().subject(SENTINEL).claim("sub", [SENTINEL]).sign(),
        forge.token().raw_payload(format!("{{\"a\":\"{SENTINEL}\"")).sign(),
        format!("{SENTINEL}.{SENTINEL}"),
        SENTINEL.repeat(300),
    ] {
        let error = verifier.verify(&bad, NOW).expect_err("a bad token");
        printed.add(&error);
        writeln!(printed.0, "{error}").expect("a string");
    }

    let issuer = TokenIssuer::new(
        keys::signing(Algorithm::Hs256),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    );
    printed.add(&issuer.issue(&AccessToken::new("alice", ClientId::new("web")), NOW).expect("a token"));
    printed.assert_free_of(&["SENTINEL", "eyJ", &token]);
}

/// Also covers types without secrets, in case a later change adds one.
#[test]
fn debug_output_of_requests_and_settings_hides_tokens() {
    let mut printed = Printed::default();
    let forge = Forge::new(ISSUER, AUDIENCE);
    let token = forge.token().subject(SENTINEL).sign();
    let gate = Gate::new(Verifier::new(
        keys::verifying(Algorithm::Hs256),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    ));
    let request =
        |value: &str| Request::builder().header("authorization", value).body(()).expect("a request");
    let good = request(&format!("Bearer {token}"));
    let decision = gate.admit(&HttpRequest::from(&good), gate.now());
    printed.add(&decision);
    let Decision::Admitted(admission) = decision else { panic!("a good token") };
    printed.add(&admission);
    let bad = request(&format!("Bearer {SENTINEL} {SENTINEL}"));
    let Decision::Rejected(rejection) = gate.admit(&HttpRequest::from(&bad), gate.now()) else {
        panic!("malformed")
    };
    printed.add(&HttpRequest::from(&good));
    printed.add(&rejection);
    printed.add(&rejection.error());
    let body = String::from_utf8(rejection.body().into_bytes()).expect("text");
    writeln!(printed.0, "{rejection} {body} {:?}", rejection.headers().collect::<Vec<_>>())
        .expect("a string");
    printed.add(&gate.reject(AuthError::MissingToken));
    printed.add(&AuthorizeLayer::new(Policy::scope("a") & !Policy::role("b")));
    printed.add(&KeyRefresh::new(std::future::ready(())));
    printed.add(&TokenSource::cookie("at"));
    printed.add(&CrossSite::new().with_public_origin("https://api.example"));
    printed.add(&ResourceMetadata::new("https://api.example"));
    printed.add(&RegisteredClaims::default());
    let revocations = RevocationList::new();
    revocations.revoke(ISSUER, SENTINEL, NOW.saturating_add(Duration::from_secs(1)));
    printed.add(&revocations);
    printed.assert_free_of(&["SENTINEL", "eyJ"]);
}

/// The layer marks credentials as sensitive, so that a log of the header fields does not show them.
#[tokio::test]
async fn tower_layer_marks_credentials_sensitive() {
    use tower::{Layer as _, ServiceExt as _};

    let token = Forge::new(ISSUER, AUDIENCE).token().sign();
    let sources = [TokenSource::bearer(), TokenSource::header("x-token").expect("a name")];
    let gate = Gate::new(Verifier::new(
        keys::verifying(Algorithm::Hs256),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    ))
    .with_sources(sources)
    .unwrap();
    let show = async |request: Request<()>| {
        Ok::<_, std::convert::Infallible>(http::Response::new(format!("{:?}", request.headers())))
    };
    let service = AuthenticateLayer::new(gate).layer(tower::service_fn(show));
    let request = Request::builder()
        .header("authorization", format!("Bearer {token}"))
        .header("cookie", "a=b")
        .header("cookie", format!("a={SENTINEL}"))
        .body(())
        .expect("a request");
    let shown = service.oneshot(request).await.expect("infallible").into_body();
    let shown = shown.collect().await.expect("infallible").to_bytes();
    let shown = String::from_utf8(shown.to_vec()).expect("text");
    assert!(shown.contains("Sensitive"), "{shown}");
    assert!(!shown.contains(&token) && !shown.contains("SENTINEL"), "{shown}");
}

/// The log at level `TRACE` contains no token, for any kind of credential.
#[test]
fn gate_log_contains_no_token() {
    let (log, subscriber) = Log::capture();
    let forge = Forge::new(ISSUER, AUDIENCE);
    let gate = Gate::new(Verifier::new(
        keys::verifying(Algorithm::Hs256),
        Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    ));

    tracing::subscriber::with_default(subscriber, || {
        for value in [
            format!("Bearer {}", forge.token().subject(SENTINEL).sign()),
            format!("Bearer {}", forge.token().subject(SENTINEL).with_broken_signature()),
            format!("Bearer {}", forge.token().subject(SENTINEL).claim("exp", 1).sign()),
            format!("Bearer {SENTINEL} {SENTINEL}"),
            format!("Basic {SENTINEL}"),
            "Bearer a\u{1b}[31mb".to_owned(),
        ] {
            let Ok(request) = Request::builder().header("authorization", value).body(()) else { continue };
            let _decision = gate.admit(&HttpRequest::from(&request), gate.now());
        }
        let injected = forge.token().claim("iss", "https://x\nforged log line\u{1b}[31m").sign();
        let request = Request::builder()
            .header("authorization", format!("Bearer {injected}"))
            .body(())
            .expect("a request");
        let _decision = gate.admit(&HttpRequest::from(&request), gate.now());
    });

    let text = log.text();
    assert!(text.contains("signature does not verify"), "the log was captured:\n{text}");
    for secret in ["SENTINEL", "eyJ", "\nforged"] {
        assert!(!text.contains(secret), "{secret:?} was logged:\n{text}");
    }
}

/// Errors from parsing keys never repeat the input, which may be a secret of another kind.
#[test]
fn key_parse_errors_do_not_repeat_the_input() {
    let mut printed = Printed::default();
    let refused = [
        (Algorithm::Es256, SENTINEL.to_owned()),
        (Algorithm::Hs256, SENTINEL[..20].to_owned()),
        (Algorithm::Hs256, format!(r#"{{"kty":"oct","k":"{SENTINEL}","use":"enc"}}"#)),
        (Algorithm::Hs256, format!(r#"{{"kty":"oct","k":"{SENTINEL}","k":"{SENTINEL}"}}"#)),
        (Algorithm::Hs256, format!(r#"{{"kty":"oct","k":"{SENTINEL}","kid":["{SENTINEL}"]}}"#)),
        (Algorithm::EdDsa, format!(r#"{{"kty":"OKP","crv":"Ed25519","d":"{SENTINEL}","x":"{SENTINEL}"}}"#)),
        (Algorithm::EdDsa, format!("-----BEGIN PRIVATE KEY-----\n{SENTINEL}\n-----END PRIVATE KEY-----\n")),
    ];

    for (algorithm, text) in refused {
        let error = SigningKey::from_text(algorithm, &text).expect_err(&text);
        printed.add(&error);
        writeln!(printed.0, "{error}").expect("a string");
    }

    let forms = forms(SENTINEL.as_bytes());
    let jwk = format!(r#"{{"kty":"oct","k":"{}"}}"#, forms[2]);
    printed.add(&SigningKey::from_text(Algorithm::Hs256, jwk).expect("a strong secret"));
    printed.assert_free_of(&["SENTINEL"]);
    printed.assert_free_of(&forms.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Neither `Debug` output nor the log contains a refresh token, for any outcome of a refresh.
#[test]
fn session_log_contains_no_refresh_token() {
    let (log, subscriber) = Log::capture();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let mut printed = Printed::default();
    let mut tokens = Vec::new();

    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let keys = RefreshKeys::new(RefreshKey::new(1, SENTINEL).expect("a strong secret"));
            let strict = RefreshPolicy::default().with_grace_period(Duration::ZERO).expect("within bounds");
            let sessions = Sessions::new(MemoryStore::new(), keys.clone(), Duration::from_secs(600))
                .with_settings(SessionSettings::default().with_refresh_policy(strict));
            let login = Login::new("alice\nforged log line").with_client("Firefox");
            let first = sessions.create(&login).await.expect("a login");
            let text = first.refresh_token.expose();
            let refreshed =
                sessions.refresh(&text, TokenTransport::Body, Some("Chrome")).await.expect("a refresh");
            let next = refreshed.refresh_token.expose();
            let wrong_way =
                sessions.refresh(&next, TokenTransport::Cookie, None).await.expect_err("wrong transport");
            let reuse = sessions.refresh(&text, TokenTransport::Body, None).await.expect_err("reuse");
            let ended = sessions.refresh(&next, TokenTransport::Body, None).await.expect_err("ended");
            let forged = format!("{}AAAA", &next[..72]);
            let forgery = sessions.refresh(&forged, TokenTransport::Body, None).await.expect_err("forged");
            let malformed =
                sessions.refresh(SENTINEL, TokenTransport::Body, None).await.expect_err("malformed");
            sessions.logout(&next).await.expect("a logout");
            let weak = RefreshKey::new(1, &SENTINEL[..20]).expect_err("too short");

            for error in [&wrong_way, &reuse, &ended, &forgery, &malformed] {
                printed.add(error);
                writeln!(printed.0, "{error}").expect("a string");
            }

            printed.add(&keys);
            printed.add(&sessions);
            printed.add(&first);
            printed.add(&refreshed);
            printed.add(&weak);
            writeln!(printed.0, "{weak}").expect("a string");
            tokens.extend([text, next, forged]);
        });
    });

    let text = log.text();
    for event in ["used twice", "refresh token is forged", "another transport", "session began"] {
        assert!(text.contains(event), "{event:?} was logged:\n{text}");
    }

    for secret in tokens.iter().map(|token| &token[4..40]).chain(["SENTINEL", "rt1_", "\nforged"]) {
        assert!(!text.contains(secret), "{secret:?} was logged:\n{text}");
        printed.assert_free_of(&[secret]);
    }
}

/// Neither `Debug` output nor the log contains a password, hash, pepper or login name, for any outcome of a login.
#[test]
fn account_log_contains_no_password_hash_pepper_or_name() {
    let (log, subscriber) = Log::capture();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let mut printed = Printed::default();
    let mut hashes = Vec::new();

    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let pepper = Pepper::new(1, SENTINEL).expect("a strong secret");
            let settings = PasswordSettings::default()
                .with_cost(HashCost::insecure_for_tests())
                .with_peppers(Peppers::new(pepper.clone()));
            let passwords = Passwords::new(settings.clone()).expect("threads");
            let throttle =
                LoginThrottle::new(&RefreshKeys::new(RefreshKey::new(1, SENTINEL).expect("strong")));
            let accounts = Accounts::new(MemoryUsers::new(), passwords.clone(), throttle);
            let (right, wrong) = (password(SENTINEL), password(&SENTINEL[1..]));
            let name = "alice-LOGIN@example.com";
            let registered = accounts.register(name, &right, None).await.expect("an account");
            printed.add(&accounts.register(name, &right, None).await.expect("taken"));
            let RegisterOutcome::Added(user) = registered else { panic!("the first") };
            let stored = accounts.users().find(&user.login).await.expect("an answer").expect("a user");
            hashes.push(stored.hash.clone().expect("a hash").expose().to_owned());

            assert_eq!(accounts.check(name, &right, None).await.expect("a login"), user);
            accounts.change_password(&user.subject, &right, &wrong, None).await.expect("changed");
            for name in [name, "unknown-LOGIN", "a\nLOGIN"] {
                let error = accounts.check(name, &right, None).await.expect_err("denied");
                printed.add(&error);
                writeln!(printed.0, "{error} {:?}", std::error::Error::source(&error)).expect("a string");
            }

            while !matches!(accounts.check(name, &right, None).await, Err(LoginError::Throttled { .. })) {}
            printed.add(&Password::new(SENTINEL.repeat(100)).expect_err("too long"));
            printed.add(&Pepper::new(1, &SENTINEL[..20]).expect_err("too short"));
            printed.add(&PasswordHash::from_phc(SENTINEL));
            printed.add(&NewUser::new(user.subject, user.login).with_hash(stored.hash.expect("a hash")).hash);
            printed.add(&right);
            printed.add(&pepper);
            printed.add(&settings);
            printed.add(&passwords);
            printed.add(&accounts.with_settings(AccountSettings::default()).passwords());
        });
    });

    let text = log.text();
    for event in ["login denied", "login throttled", "account registration", "password changed"] {
        assert!(text.contains(event), "{event:?} was logged:\n{text}");
    }

    let hash = hashes.first().expect("a hash");
    for secret in ["SENTINEL", "argon2id", "LOGIN", &hash[40..]] {
        assert!(!text.contains(secret), "{secret:?} was logged:\n{text}");
    }
    printed.assert_free_of(&["SENTINEL", "argon2id", &hash[40..]]);
}

fn password(text: &str) -> Password {
    Password::new(text).expect("a password")
}
