//! [`Call`]: the gRPC counterpart of a case, sent with the client of tonic.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use tollgate_tests::client::Response;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::cases::Case;

/// A call, and what it must return.
#[derive(Clone)]
pub(crate) struct Call {
    path: String,
    headers: HeaderMap,
    expected: Reply,
}

/// The outcome of a call: what tonic's client reports.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reply {
    code: Code,
    /// The response, or the message of the status.
    text: String,
    metadata: Vec<(String, String)>,
}

/// The metadata that must be equal. The first three are also fields of the HTTP response.
const COMPARED: [&str; 4] = ["cache-control", "retry-after", "www-authenticate", "grpc-retry-pushback-ms"];

/// Why a case cannot be a call.
const ONLY_POST: &str = "gRPC has no method but POST";
const NO_UPGRADE: &str = "HTTP/2 has no Upgrade";
const NO_QUERY: &str = "a gRPC path has no query";

impl Call {
    /// Translates a case, or returns why that is impossible. GET becomes POST, which the cross-site check rejects for
    /// cookies without provenance, so such a request also says that it is of the same origin.
    pub(crate) fn of(case: &Case) -> Result<Self, &'static str> {
        let mut lines = case.request.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let start = String::from_utf8(lines.next().expect("a request line").to_vec()).expect("UTF-8");
        let mut start = start.split(' ');
        let (method, target) = (start.next().expect("a method"), start.next().expect("a target"));

        let mut headers = HeaderMap::new();
        for (name, value) in lines.take_while(|line| !line.is_empty()).map(header) {
            headers.append(name, value); // keeps repeated fields
        }
        for name in ["host", "connection", "content-length"] {
            headers.remove(name);
        }
        if headers.contains_key("upgrade") {
            return Err(NO_UPGRADE);
        }
        let has_provenance = headers.contains_key("sec-fetch-site") || headers.contains_key("origin");
        match method {
            "POST" => {}
            "GET" if !has_provenance => {
                headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
            }
            _ => return Err(ONLY_POST),
        }
        if target.contains('?') {
            return Err(NO_QUERY);
        }
        let service = if target == "/" { "subject" } else { target.trim_start_matches('/') };
        Ok(Self { path: format!("/cases.{service}/Get"), headers, expected: Reply::of(&case.expected) })
    }

    pub(crate) fn check(self, server: SocketAddr) -> Result<(), String> {
        let found = block_on(send(server, &self.path, self.headers));
        let expected = self.expected;
        if found == expected { Ok(()) } else { Err(format!("expected {expected:#?}\nfound {found:#?}")) }
    }
}

impl Reply {
    /// Maps an HTTP response to its gRPC counterpart.
    fn of(response: &Response) -> Self {
        let code = match response.status {
            200 => Code::Ok,
            400 => Code::InvalidArgument,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            500 => Code::Internal,
            503 => Code::Unavailable,
            other => panic!("{other} has no counterpart"),
        };
        let text = if code == Code::Ok { response.body.clone() } else { detail(&response.body) };
        let mut metadata = response.headers.clone();
        metadata.retain(|(name, _)| COMPARED.contains(&name.as_str()));
        let retry_after = metadata.iter().find(|(name, _)| name == "retry-after");
        if let Some((_, seconds)) = retry_after {
            let milliseconds = format!("{seconds}000");
            metadata.push(("grpc-retry-pushback-ms".to_owned(), milliseconds));
        }
        metadata.sort();
        Self { code, text, metadata }
    }

    fn new(code: Code, text: &str, metadata: &MetadataMap) -> Self {
        let headers = metadata.clone().into_headers();
        let compared = headers.iter().filter(|(name, _)| COMPARED.contains(&name.as_str()));
        let text_of = |value: &HeaderValue| value.to_str().expect("visible ASCII").to_owned();
        let mut metadata: Vec<_> =
            compared.map(|(name, value)| (name.as_str().to_owned(), text_of(value))).collect();
        metadata.sort();
        Self { code, text: text.to_owned(), metadata }
    }
}

/// Returns the member `detail` of problem details.
fn detail(body: &str) -> String {
    let problem: serde_json::Value = serde_json::from_str(body).expect("problem details");
    problem["detail"].as_str().expect("a text").to_owned()
}

fn header(line: &[u8]) -> (HeaderName, HeaderValue) {
    let colon = line.iter().position(|byte| *byte == b':').expect("a header line");
    let name = HeaderName::from_bytes(&line[..colon]).expect("a name");
    (name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii_start()).expect("a value"))
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

pub(crate) async fn connect(server: SocketAddr) -> Channel {
    let endpoint = Endpoint::try_from(format!("http://{server}")).expect("an address");
    let endpoint = endpoint.origin("https://api.example".parse().expect("an origin"));
    endpoint.connect().await.expect("a connection")
}

/// Calls a method without content.
pub(crate) async fn call(
    connection: Channel,
    path: &str,
    headers: HeaderMap,
) -> Result<tonic::Response<String>, Status> {
    let mut client = Grpc::new(connection);
    client.ready().await.expect("ready");
    let mut request = Request::new(());
    *request.metadata_mut() = MetadataMap::from_headers(headers);
    client.unary(request, path.parse().expect("a path"), ProstCodec::<(), String>::default()).await
}

async fn send(server: SocketAddr, path: &str, headers: HeaderMap) -> Reply {
    match call(connect(server).await, path, headers).await {
        Ok(response) => Reply::new(Code::Ok, response.get_ref(), response.metadata()),
        Err(status) => Reply::new(status.code(), status.message(), status.metadata()),
    }
}
