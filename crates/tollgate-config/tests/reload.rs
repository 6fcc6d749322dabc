//! A configuration that is reloaded while requests run.
#![expect(clippy::expect_used, reason = "in helpers of tests")]

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use http::{Request, Response, StatusCode};
use tollgate::Gate;
use tollgate_config::{ConfigWatcher, Document};
use tollgate_testing::{Forge, keys};
use tollgate_tower::AuthenticateLayer;
use tower::{Layer as _, ServiceExt as _, service_fn};

const AUDIENCE: &str = "api://demo";

/// Returns the document of an API that accepts one issuer, and requires one scope.
fn document(name: &str) -> String {
    let secret = secret(name);
    format!(
        "[gate]\npolicy = \"required\"\n[policies]\nrequired = {{ scope = \"{name}\" }}\n\
         [[issuers]]\nissuer = \"https://{name}.example\"\naudience = \"{AUDIENCE}\"\n\
         keys = {{ insecure_secret = \"{secret}\", encoding = \"utf8\", algorithm = \"HS256\" }}\n"
    )
}

/// Returns the secret of an issuer. Each accepts only its own tokens.
fn secret(issuer: &str) -> String {
    let bytes: Vec<String> = keys::SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{issuer}{}", bytes.concat())
}

fn token(issuer: &str, scope: &str) -> String {
    let secret = secret(issuer);
    let key =
        tollgate_sessions::SigningKey::hmac(tollgate::Algorithm::Hs256, secret).expect("a strong secret");
    Forge::new(format!("https://{issuer}.example"), AUDIENCE).with_key(key).token().scope(scope).sign()
}

async fn status(gate: &Gate, token: &str) -> StatusCode {
    let answer = async |_request: Request<String>| Ok::<_, Infallible>(Response::new(String::new()));
    let service = AuthenticateLayer::new(gate.clone()).layer(service_fn(answer));
    let request = Request::builder().header("authorization", format!("Bearer {token}"));
    service.oneshot(request.body(String::new()).expect("a request")).await.expect("infallible").status()
}

fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tollgate-config-{name}-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

async fn watch(path: &Path) -> ConfigWatcher {
    let path = path.to_owned();
    ConfigWatcher::start(move || Document::from_file(&path)?.config()).await.expect("a good document")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_are_decided_by_one_of_two_configurations_during_reloads() {
    let folder = scratch("reload");
    let path = folder.join("tollgate.toml");
    let documents = ["a", "b"].map(document);
    std::fs::write(&path, &documents[0]).expect("written");
    let watcher = watch(&path).await;
    // Right under one configuration each. A mixture of the two would admit the last two.
    let cases = Arc::new([
        (token("a", "a"), [StatusCode::OK, StatusCode::UNAUTHORIZED]),
        (token("b", "b"), [StatusCode::UNAUTHORIZED, StatusCode::OK]),
        (token("a", "b"), [StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED]),
        (token("b", "a"), [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN]),
    ]);
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut clients = tokio::task::JoinSet::new();
    for _client in 0..3 {
        let (gate, cases, stop, answered) =
            (watcher.gate(), Arc::clone(&cases), Arc::clone(&stop), Arc::clone(&answered));
        clients.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                for (token, allowed) in cases.iter() {
                    let status = status(&gate, token).await;
                    assert!(allowed.contains(&status), "{status} is right under neither configuration");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                tokio::task::yield_now().await;
            }
        });
    }
    for round in 0..200 {
        let now = usize::from(round % 2 == 0);
        if round % 10 == 0 {
            std::fs::write(&path, "[[issuers]]\nissuer = 1\n").expect("written");
            watcher.reload().await.expect_err("a wrong document");
            assert_eq!(
                status(&watcher.gate(), &cases[1 - now].0).await,
                StatusCode::OK,
                "the old gate stays"
            );
        }
        std::fs::write(&path, &documents[now]).expect("written");
        let before = answered.load(Ordering::Relaxed);
        watcher.reload().await.expect("a good document");
        for (token, statuses) in cases.iter() {
            assert_eq!(status(&watcher.gate(), token).await, statuses[now], "after reload {round}");
        }
        // Requests run between any two reloads.
        while answered.load(Ordering::Relaxed) == before {
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(client) = clients.join_next().await {
        client.expect("no wrong answer");
    }
    std::fs::remove_dir_all(folder).expect("removed");
}

#[tokio::test]
async fn changed_gates_and_policies_follow_reloads() {
    let folder = scratch("variants");
    let path = folder.join("tollgate.toml");
    // Routes require one more scope.
    let extra =
        |name: &str| document(name).replace("[policies]\n", "[policies]\nextra = { scope = \"x\" }\n");
    std::fs::write(&path, extra("a")).expect("written");
    let watcher = watch(&path).await;
    let without_scope = watcher.gate_with(|gate| Ok(gate.with_optional_token())).expect("a gate");
    let guarded = watcher.gate_with_policy("extra").expect("a policy");
    watcher.gate_with_policy("other").expect_err("no such policy");
    assert_eq!(status(&guarded, &token("a", "a x")).await, StatusCode::OK);
    assert_eq!(status(&guarded, &token("a", "a")).await, StatusCode::FORBIDDEN);
    assert_eq!(
        status(&guarded, &token("a", "x")).await,
        StatusCode::FORBIDDEN,
        "the gate's own policy counts too"
    );
    assert_eq!(status(&without_scope, &token("a", "a")).await, StatusCode::OK);

    std::fs::write(&path, extra("a").replace("{ scope = \"a\" }", "{ scope = \"c\" }")).expect("written");
    watcher.reload().await.expect("a good document");
    assert_eq!(status(&guarded, &token("a", "a x")).await, StatusCode::FORBIDDEN, "the policy has changed");
    assert_eq!(status(&guarded, &token("a", "c x")).await, StatusCode::OK);
    assert_eq!(status(&without_scope, &token("a", "c")).await, StatusCode::OK);

    std::fs::write(&path, document("b")).expect("written");
    watcher.reload().await.expect_err("the policy of the routes is missing");
    assert_eq!(status(&without_scope, &token("a", "c")).await, StatusCode::OK);

    std::fs::write(&path, extra("b")).expect("written");
    watcher.reload().await.expect("a good document");
    assert_eq!(status(&guarded, &token("b", "b x")).await, StatusCode::OK);
    assert_eq!(status(&without_scope, &token("b", "b")).await, StatusCode::OK);
    assert_eq!(status(&without_scope, &token("a", "a")).await, StatusCode::UNAUTHORIZED);
    std::fs::remove_dir_all(folder).expect("removed");
}

/// A change of the application that the new gate does not allow keeps the previous gate.
#[tokio::test]
async fn reload_fails_when_the_application_refuses_the_gate() {
    let folder = scratch("refused");
    let path = folder.join("tollgate.toml");
    std::fs::write(&path, document("a")).expect("written");
    let watcher = watch(&path).await;
    let refuses = Arc::new(AtomicBool::new(false));
    let change = {
        let refuses = Arc::clone(&refuses);
        move |gate: Gate| match refuses.load(Ordering::Relaxed) {
            true => gate.with_sources([]),
            false => Ok(gate),
        }
    };
    let gate = watcher.gate_with(change).expect("a gate");
    refuses.store(true, Ordering::Relaxed);
    std::fs::write(&path, document("b")).expect("written");
    let error = watcher.reload().await.expect_err("refused");
    assert_eq!(error.member(), "gate");
    for gate in [gate, watcher.gate()] {
        assert_eq!(status(&gate, &token("a", "a")).await, StatusCode::OK);
    }
    std::fs::remove_dir_all(folder).expect("removed");
}

/// A reload waits for the keys of new issuers, and fails without them.
#[tokio::test]
async fn reload_fails_without_the_keys_of_a_new_issuer() {
    let folder = scratch("unreachable");
    let path = folder.join("tollgate.toml");
    std::fs::write(&path, document("a")).expect("written");
    let watcher = watch(&path).await;
    // The port is free again, so connections to it are refused.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let unreachable = format!(
        "{}[[issuers]]\nissuer = \"https://b.example\"\naudience = \"{AUDIENCE}\"\n\
         keys = {{ jwk_set_url = \"http://{address}/keys\" }}\nnetwork = {{ insecure_loopback = true }}\n",
        document("c")
    );
    std::fs::write(&path, unreachable).expect("written");
    let error = watcher.reload().await.expect_err("no keys");
    assert_eq!(error.member(), "issuers.1.keys");
    assert_eq!(status(&watcher.gate(), &token("a", "a")).await, StatusCode::OK, "the old gate stays");
    assert_eq!(status(&watcher.gate(), &token("c", "c")).await, StatusCode::UNAUTHORIZED);
    std::fs::remove_dir_all(folder).expect("removed");
}
