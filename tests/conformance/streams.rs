//! Behavior of connections with gRPC calls: what `connections.rs` does with HTTP/1.1.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderValue};
use tonic::Code;
use tonic::transport::Channel;

use crate::connections::{Stalled, Tokens};
use crate::grpc::{block_on, call, connect};

/// Sends calls one after the other on one connection. No call gets the verdict of another.
pub(crate) fn keep_alive(server: SocketAddr, tokens: &Tokens) {
    block_on(async { mixture(&connect(server).await, tokens).await });
}

/// A panic in a handler affects no other call of its connection.
pub(crate) fn handler_panics(server: SocketAddr, tokens: &Tokens) {
    block_on(async {
        let connection = connect(server).await;
        for _ in 0..3 {
            assert!(subject(&connection, "panic", Some(&tokens.good)).await.is_err());
            mixture(&connection, tokens).await;
        }
    });
}

/// Clients cancel calls and disconnect while the key of their token is being fetched. The fetch continues and serves
/// later clients.
pub(crate) fn clients_disconnect(server: SocketAddr, good: &str, stalled: &Stalled) {
    block_on(async {
        let waiting = |connection: Channel| {
            let good = good.to_owned();
            tokio::spawn(async move { subject(&connection, "subject", Some(&good)).await })
        };
        for expected in 1..=5 {
            let client = waiting(connect(server).await);
            refreshes(stalled, expected).await;
            client.abort();
        }

        let patient = waiting(connect(server).await);
        // A call that needs no key is answered during the fetch.
        let other = subject(&connect(server).await, "subject", None).await;
        assert_eq!(other, Err(Code::Unauthenticated));

        refreshes(stalled, 6).await;
        stalled.let_keys_arrive();
        assert_eq!(patient.await.expect("no panic"), Ok("alice".to_owned()));
    });
}

/// Waits until this number of refreshes has begun.
async fn refreshes(stalled: &Stalled, expected: usize) {
    while stalled.refreshes() < expected {
        tokio::task::yield_now().await;
    }
}

async fn mixture(connection: &Channel, tokens: &Tokens) {
    for (token, expected) in tokens.mixture() {
        let expected = if expected == 200 { Ok("alice".to_owned()) } else { Err(Code::Unauthenticated) };
        assert_eq!(subject(connection, "subject", token).await, expected);
    }
}

async fn subject(connection: &Channel, service: &str, token: Option<&str>) -> Result<String, Code> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        headers.insert("authorization", HeaderValue::try_from(format!("Bearer {token}")).expect("a value"));
    }
    let response = call(connection.clone(), &format!("/cases.{service}/Get"), headers).await;
    response.map(tonic::Response::into_inner).map_err(|status| status.code())
}
