//! WebSockets whose token comes as a subprotocol, which is the only way for a script in a browser. The browser fails
//! the connection unless the server selects an offered subprotocol.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::{Message, WebSocket};
use axum::response::{Html, Response};
use axum::routing::get;
use libtest_mimic::Trial;
use tollgate::{Algorithm, Gate, TokenSource, Verifier};
use tollgate_axum::{AuthenticateLayer, Authenticated};
use tollgate_testing::{Forge, keys};

use crate::browser::Browser;
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("web_socket::axum::browser_opens_a_connection_with_a_token", opens_a_connection_with_a_token)]
}

fn opens_a_connection_with_a_token() {
    let forge = Forge::new("https://issuer.example", "api://demo");
    let address = serve(&forge);
    let browser = Browser::start("web_socket").expect("Chromium, as its probe was found");
    browser.open(&format!("http://{address}/"));
    let connect = |path: &str, protocols: &[&str]| {
        let protocols = serde_json::json!(protocols);
        browser.until(&format!(
            "await new Promise((done) => {{ const socket = new WebSocket('ws://{address}{path}', {protocols});
                 socket.onmessage = (event) => done(`${{socket.protocol}}: ${{event.data}}`);
                 socket.onclose = (event) => done(`closed ${{event.code}}`); }})"
        ))
    };
    let token = forge.token().sign();
    // The handler selects no subprotocol, so the gate does. A subprotocol of the handler takes precedence.
    assert_eq!(connect("/socket", &["access_token", &token]), "access_token: hello alice");
    assert_eq!(connect("/chat", &["chat", "access_token", &token]), "chat: hello alice");
    assert_eq!(connect("/socket", &["access_token", "a.b.c"]), "closed 1006");
    assert_eq!(connect("/socket", &["chat"]), "closed 1006");
    // Without a gate, the server selects nothing, and the browser fails the connection.
    assert_eq!(connect("/open", &["access_token", &token]), "closed 1006");
}

fn serve(forge: &Forge) -> SocketAddr {
    let verifier = Verifier::new(keys::verifying(Algorithm::Hs256), forge.issuer(), forge.audience());
    let source = TokenSource::websocket_protocol("access_token").expect("a subprotocol");
    let gate = Gate::new(verifier).with_sources([source]).expect("a source");
    let app = Router::new()
        .route("/socket", get(socket))
        .route(
            "/chat",
            get(async |token, upgrade: WebSocketUpgrade| socket(token, upgrade.protocols(["chat"])).await),
        )
        .route_layer(AuthenticateLayer::new(gate))
        .route("/open", get(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(async |_| {})))
        .route("/", get(async || Html("<title>sockets</title>")));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("non-blocking");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, app).await.expect("serve");
        });
    });
    address
}

async fn socket(token: Authenticated, upgrade: WebSocketUpgrade) -> Response {
    let subject = token.subject().unwrap_or_default().to_owned();
    upgrade.on_upgrade(async move |mut socket: WebSocket| {
        let greeting = Message::Text(format!("hello {subject}").into());
        socket.send(greeting).await.expect("a client that reads");
        // Until the client closes the connection.
        while let Some(Ok(_)) = socket.recv().await {}
    })
}
