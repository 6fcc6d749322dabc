//! The client: `cargo run -p example-tonic --bin client -- list`, or `add NAME`. It sends the token in the variable
//! `TOLLGATE_TOKEN`, if there is one.

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use example_tonic::address;
use example_tonic::proto::items_client::ItemsClient;
use example_tonic::proto::{AddRequest, ListRequest};
use tonic::transport::Endpoint;
use tonic::{Request, Status};

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let token = env::var("TOLLGATE_TOKEN").ok();
    let with_token = |mut request: Request<()>| -> Result<Request<()>, Status> {
        if let Some(token) = &token {
            let value = format!("Bearer {token}").parse();
            let value = value.map_err(|_invalid| Status::invalid_argument("TOLLGATE_TOKEN is no token"))?;
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    };
    let server = format!("http://{}", address()?);
    let connection = Endpoint::try_from(server.clone())?.connect().await;
    let connection = connection.map_err(|_cause| format!("there is no server at {server}"))?;
    let mut items = ItemsClient::with_interceptor(connection, with_token);

    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match *arguments {
        ["list"] => items.list(ListRequest {}).await.map(|reply| format!("{:?}", reply.into_inner())),
        ["add", name] => {
            let request = AddRequest { name: name.to_owned() };
            items.add(request).await.map(|reply| format!("{:?}", reply.into_inner()))
        }
        _ => return Err("usage: client list | client add NAME".into()),
    };
    let (text, code) = match outcome {
        Ok(reply) => (reply, ExitCode::SUCCESS),
        Err(status) => (describe(&status), ExitCode::FAILURE),
    };
    writeln!(io::stdout(), "{text}")?;
    Ok(code)
}

/// Returns the status with its challenge (RFC 6750 §3), which says what a token needs.
fn describe(status: &Status) -> String {
    let challenge = status.metadata().get("www-authenticate").and_then(|value| value.to_str().ok());
    format!("{:?}: {}\nwww-authenticate: {}", status.code(), status.message(), challenge.unwrap_or("none"))
}
