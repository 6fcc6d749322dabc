//! A gRPC server behind a gate: `cargo run -p example-tonic`.
//!
//! It generates a key at its start and prints tokens to try. A server of an application has the keys of its issuer
//! instead, for example a `RemoteKeySet` of `tollgate-jwks`.

use std::error::Error;
use std::io::{self, Write as _};
use std::net::SocketAddr;

use example_tonic::proto::items_server::ItemsServer;
use example_tonic::{ItemsService, address};
use tollgate_sessions::issuing::{AccessToken, ClientId};
use tollgate_sessions::{SigningKey, TokenIssuer};
use tollgate_tower::tollgate::{Clock as _, SystemClock};
use tollgate_tower::{Algorithm, Audience, AuthenticateLayer, Gate, Issuer, Verifier};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (issuer, audience) = (Issuer::new("https://issuer.example")?, Audience::new("tollgate-demo")?);
    let tokens = TokenIssuer::new(SigningKey::generate(Algorithm::EdDsa)?, issuer.clone(), audience.clone());
    let gate = Gate::new(Verifier::new(tokens.keys()?, issuer, audience)).with_grpc_rejections();

    let address = address()?;
    let incoming =
        TcpIncoming::bind(address).map_err(|error| format!("cannot listen on {address}: {error}"))?;
    io::stdout().write_all(banner(&tokens, address)?.as_bytes())?;
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    Server::builder()
        .layer(AuthenticateLayer::new(gate))
        .add_service(ItemsServer::new(ItemsService::default()))
        .serve_with_incoming_shutdown(incoming, stop)
        .await?;
    Ok(())
}

/// Returns the text to print at the start: commands to try.
fn banner(tokens: &TokenIssuer, address: SocketAddr) -> Result<String, Box<dyn Error>> {
    let issue = |scopes: &[&str]| {
        let token = AccessToken::new("alice", ClientId::new("example")).with_scopes(scopes.iter().copied());
        tokens.issue(&token, SystemClock::new().now())
    };
    let (reader, writer) = (issue(&["read:items"])?, issue(&["read:items", "write:items"])?);
    let client = "cargo run -q -p example-tonic --bin client --";
    Ok(format!(
        "tollgate example on http://{address}. Tokens that are valid for ten minutes, and calls:\n\n  \
         export READER={}\n  \
         export WRITER={}\n  \
         {client} list                               # UNAUTHENTICATED\n  \
         TOLLGATE_TOKEN=$READER {client} list\n  \
         TOLLGATE_TOKEN=$READER {client} add pencil  # PERMISSION_DENIED\n  \
         TOLLGATE_TOKEN=$WRITER {client} add pencil\n\n\
         Press Ctrl-C to stop.\n",
        reader.as_str(),
        writer.as_str(),
    ))
}
