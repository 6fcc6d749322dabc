//! The default client behind a real proxy: tunnels, refusals, and a proxy that answers in place of the issuer.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use tollgate_jwks::{
    FetchError, HttpError, HttpsClient, RefreshSettings, RemoteKeySet, RemoteKeySetBuilder, StartError,
};
use tollgate_testing::keys;
use tollgate_tests::certificates::{Authority, Validity};
use tollgate_tests::issuer::{Issuer, json};
use tollgate_tests::proxy::{ConnectProxy, Tunnel};

use crate::KNOWN;

const HOST: &str = "issuer.example";

/// Returns a key set at a host that only the proxy can resolve.
fn behind(proxy: &ConnectProxy, trusted: &Authority, url: &str) -> RemoteKeySetBuilder {
    behind_address(proxy.address(), trusted, url)
}

fn behind_address(proxy: SocketAddr, trusted: &Authority, url: &str) -> RemoteKeySetBuilder {
    let client = HttpsClient::builder()
        .without_public_authorities()
        .with_authorities(trusted.pem())
        .and_then(|client| client.with_proxy(format!("http://user:s3cret@{proxy}")))
        .map(|client| client.with_connect_timeout(Duration::from_millis(500)))
        .and_then(tollgate_jwks::HttpsClientBuilder::build)
        .expect("a client");
    RemoteKeySet::from_url(url)
        .with_client(client)
        .with_settings(RefreshSettings::new().with_quick_retry(Some(Duration::ZERO)))
}

/// Returns the reason of a failed start with all its causes.
async fn refused(builder: RemoteKeySetBuilder) -> (FetchError, String) {
    let error = builder.connect().await.expect_err("no keys");
    let mut text = format!("{error}; {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    assert!(!text.contains("s3cret") && !text.contains("dXNlcjpzM2NyZXQ"), "{text}");
    match error {
        StartError::Fetch { reason, .. } => (reason, text),
        other => panic!("{other}"),
    }
}

pub(crate) async fn tunnels() {
    let authority = Authority::default();
    let issuer = Issuer::start(Some(authority.server(HOST, Validity::Now))).await;
    issuer.answer(json(&keys::jwk_set(&[KNOWN])));
    let proxy = ConnectProxy::start(Tunnel::To(issuer.address())).await;
    let url = format!("https://{HOST}/jwks");
    let keys = behind(&proxy, &authority, &url).connect().await.expect("keys");
    assert_eq!((keys.status().usable_keys(), issuer.requests()), (1, 1));
    let heads = proxy.heads();
    assert_eq!(heads.len(), 1);
    assert!(heads[0].starts_with("CONNECT issuer.example:443 HTTP/1.1\r\n"), "{heads:?}");
    // Base64 of `user:s3cret`.
    assert!(heads[0].contains("\r\nProxy-Authorization: Basic dXNlcjpzM2NyZXQ=\r\n"), "{heads:?}");
    assert!(!heads[0].contains("jwks"), "the proxy does not see the path: {heads:?}");
}

pub(crate) async fn forwards_plain_http() {
    let issuer = Issuer::start(None).await;
    let (sender, received) = std::sync::mpsc::channel();
    issuer.behave(move |request, _| {
        sender.send(request.to_owned()).expect("the test listens");
        json(&keys::jwk_set(&[KNOWN]))
    });
    let proxy = ConnectProxy::start(Tunnel::To(issuer.address())).await;
    let builder = behind(&proxy, &Authority::default(), "http://keycloak:8080/jwks?x=1");
    builder.with_insecure_http_to(["keycloak"]).connect().await.expect("keys");
    let request = received.recv().expect("a request");
    assert!(request.starts_with("GET http://keycloak:8080/jwks?x=1 HTTP/1.1\r\n"), "{request}");
    assert!(
        request.contains("host: keycloak:8080\r\n") && request.contains("proxy-authorization: Basic "),
        "{request}"
    );
}

/// A proxy that ends the tunnel at a server of its own has no certificate for the issuer.
pub(crate) async fn cannot_answer_for_the_issuer() {
    let authority = Authority::default();
    let url = format!("https://{HOST}/jwks");
    for (signer, name) in [(&authority, "proxy.example"), (&Authority::default(), HOST)] {
        let impostor = Issuer::start(Some(signer.server(name, Validity::Now))).await;
        impostor.answer(json(&keys::jwk_set(&[KNOWN])));
        let proxy = ConnectProxy::start(Tunnel::To(impostor.address())).await;
        let (reason, text) = refused(behind(&proxy, &authority, &url)).await;
        assert!(matches!(reason, FetchError::Http(HttpError::Connect(_))), "{text}");
        assert!(text.contains("certificate"), "{text}");
        assert_eq!(impostor.requests(), 0);
    }
}

pub(crate) async fn refuses() {
    let (authority, url) = (Authority::default(), format!("https://{HOST}/jwks"));
    let proxy = ConnectProxy::start(Tunnel::Hangs).await;
    for (answer, expected) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "status 407"),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno.", "status 403"),
        ("HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\n\r\n", "status 302"),
        ("{\"keys\":[]}\r\n\r\n", "does not respond to CONNECT"),
        ("", "the connection to the proxy"),
    ] {
        let before = proxy.heads().len();
        proxy.now(Tunnel::Refuses(answer.as_bytes().to_vec()));
        let (reason, text) = refused(behind(&proxy, &authority, &url)).await;
        assert!(matches!(reason, FetchError::Http(HttpError::Proxy(_))), "{text}");
        assert!(text.contains(expected) && text.contains(&proxy.address().to_string()), "{text}");
        assert_eq!(proxy.heads().len() - before, 1, "a refusal is not retried: {text}");
    }
    // An endless head.
    proxy.now(Tunnel::Refuses(vec![b'x'; 100_000]));
    let (_, text) = refused(behind(&proxy, &authority, &url)).await;
    assert!(text.contains("does not respond to CONNECT"), "{text}");
    // The timeout for connections holds for the proxy, too.
    proxy.now(Tunnel::Hangs);
    let (reason, text) = refused(behind(&proxy, &authority, &url)).await;
    assert!(matches!(reason, FetchError::Http(HttpError::Connect(_))), "{text}");
}

pub(crate) async fn is_unreachable() {
    // A socket that is bound and does not listen, so that no other test gets the port.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
    let address = socket.local_addr().expect("an address");
    let (reason, text) =
        refused(behind_address(address, &Authority::default(), &format!("https://{HOST}/jwks"))).await;
    assert!(matches!(reason, FetchError::Http(HttpError::Proxy(_))), "{text}");
    assert!(text.contains(&format!("cannot connect to the proxy http://{address}")), "{text}");
}
