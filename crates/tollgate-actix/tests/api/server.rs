//! Tests over real connections.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use actix_web::dev::ServerHandle;
use actix_web::rt::task::spawn_blocking;
use actix_web::{App, HttpServer, rt, web};
use tollgate_actix::{Authenticate, Authenticated, Claims, Optional};

use crate::support::{User, authenticate, forge, gate};

async fn hello(user: Claims<User>) -> String {
    format!("hello {}", user.sub)
}

async fn whoami(user: Optional<Authenticated>) -> String {
    user.as_ref().and_then(|user| user.subject()).unwrap_or("anonymous").to_owned()
}

async fn echo(user: Claims<User>, body: String) -> String {
    format!("{}: {body}", user.sub)
}

/// Four workers, each with an application of its own behind a clone of the same gates.
fn serve() -> (SocketAddr, ServerHandle) {
    let optional = Authenticate::new(gate().with_optional_token());
    let required = authenticate();
    let server = HttpServer::new(move || {
        App::new().service(web::resource("/whoami").get(whoami).wrap(optional.clone())).service(
            web::scope("/in")
                .route("/hello", web::to(hello))
                .route("/echo", web::post().to(echo))
                .wrap(required.clone()),
        )
    });
    let server = server.workers(4).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    rt::spawn(server);
    (address, handle)
}

/// Runs a blocking client beside the server.
async fn with_server(client: impl FnOnce(SocketAddr) + Send + 'static) {
    let (address, server) = serve();
    spawn_blocking(move || client(address)).await.unwrap();
    server.stop(false).await;
}

struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).unwrap(), unread: Vec::new() }
    }

    fn send(&mut self, request: &str) {
        self.stream.write_all(request.as_bytes()).unwrap();
    }

    fn receive(&mut self) {
        let mut chunk = [0; 1024];
        let read = self.stream.read(&mut chunk).unwrap();
        assert_ne!(read, 0, "closed after {:?}", String::from_utf8_lossy(&self.unread));
        self.unread.extend_from_slice(&chunk[..read]);
    }

    /// Reads the next response: its head in lower case, and its body.
    fn read(&mut self, method: &str) -> (String, String) {
        let end = loop {
            match self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => self.receive(),
            }
        };
        let head = String::from_utf8(self.unread.drain(..end).collect()).unwrap().to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = if method == "HEAD" { 0 } else { length.unwrap().parse().unwrap() };
        while self.unread.len() < length {
            self.receive();
        }
        (head, String::from_utf8(self.unread.drain(..length).collect()).unwrap())
    }

    fn ask(&mut self, method: &str, target: &str, fields: &str) -> (String, String) {
        self.send(&request(method, target, fields));
        self.read(method)
    }
}

fn request(method: &str, target: &str, fields: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nhost: api.example\r\n{fields}\r\n")
}

fn bearer(subject: &str) -> String {
    format!("authorization: Bearer {}\r\n", forge().token().subject(subject).sign())
}

fn bad() -> String {
    format!("authorization: Bearer {}\r\n", forge().token().with_broken_signature())
}

#[track_caller]
fn assert_refused(answer: &(String, String), challenge: &str) {
    let (head, body) = answer;
    assert!(head.starts_with("http/1.1 401 unauthorized\r\n"), "{head}");
    assert!(head.contains(&format!("www-authenticate: {challenge}\r\n")), "{head}");
    assert!(head.contains("content-type: application/problem+json\r\n"), "{head}");
    let kind = if challenge == BARE { "about:blank" } else { "tag:tollgate.example,2026:invalid-token" };
    assert!(body.starts_with(&format!(r#"{{"type":"{kind}""#)), "{body}");
}

const BARE: &str = r#"bearer realm="api""#;
const INVALID_TOKEN: &str = r#"bearer realm="api", error="invalid_token""#;

#[actix_web::test]
async fn connection_survives_rejections_and_keeps_no_identity() {
    with_server(|address| {
        let mut connection = Connection::open(address);
        for subject in ["alice", "bob", "carol"] {
            let (_, body) = connection.ask("GET", "/in/hello", &bearer(subject));
            assert_eq!(body, format!("hello {subject}"));
            assert_eq!(connection.ask("GET", "/whoami", "").1, "anonymous");
            assert_refused(&connection.ask("GET", "/in/hello", &bad()), INVALID_TOKEN);
            assert_refused(&connection.ask("GET", "/in/hello", ""), BARE);
            assert_refused(&connection.ask("GET", "/whoami", &bad()), INVALID_TOKEN);
            assert_eq!(connection.ask("GET", "/whoami", &bearer(subject)).1, subject);
        }
    })
    .await;
}

#[actix_web::test]
async fn pipelined_requests_are_judged_separately() {
    with_server(|address| {
        let mut connection = Connection::open(address);
        let all: [String; 4] = [bearer("alice"), bad(), String::new(), bearer("bob")];
        connection.send(&all.map(|fields| request("GET", "/in/hello", &fields)).concat());
        assert_eq!(connection.read("GET").1, "hello alice");
        assert_refused(&connection.read("GET"), INVALID_TOKEN);
        assert_refused(&connection.read("GET"), BARE);
        assert_eq!(connection.read("GET").1, "hello bob");
    })
    .await;
}

#[actix_web::test]
async fn body_of_a_rejected_request_is_not_parsed_as_a_request() {
    with_server(|address| {
        let smuggled = request("GET", "/in/hello", &bearer("mallory"));
        let length = format!("content-length: {}\r\n", smuggled.len());
        let mut connection = Connection::open(address);
        connection.send(&request("POST", "/in/echo", &length));
        connection.send(&smuggled);
        assert_refused(&connection.read("POST"), BARE);
        // Actix may read on or close the connection, but must not answer the request inside the body.
        let mut rest = connection.unread;
        let fields = format!("{}content-length: 2\r\nconnection: close\r\n", bearer("alice"));
        let sent = connection.stream.write_all((request("POST", "/in/echo", &fields) + "hi").as_bytes());
        if sent.is_ok() {
            let _closed = connection.stream.read_to_end(&mut rest);
        }
        let rest = String::from_utf8_lossy(&rest);
        assert!(!rest.contains("mallory"), "{rest}");
        assert!(rest.is_empty() || rest.ends_with("alice: hi"), "{rest}");
    })
    .await;
}

#[actix_web::test]
async fn methods_and_targets_are_read_as_on_the_wire() {
    with_server(|address| {
        let mut connection = Connection::open(address);
        for method in ["OPTIONS", "PURGE"] {
            assert_refused(&connection.ask(method, "/in/hello", ""), BARE);
            assert_eq!(connection.ask(method, "/in/hello", &bearer("alice")).1, "hello alice");
        }
        let (head, body) = connection.ask("HEAD", "/in/hello", "");
        assert!(head.starts_with("http/1.1 401") && body.is_empty(), "{head}{body}");
        assert_eq!(connection.ask("GET", "http://api.example/in/hello", &bearer("alice")).1, "hello alice");
    })
    .await;
}

#[actix_web::test]
async fn workers_share_only_the_gate() {
    with_server(|address| {
        let client = |number: u32| {
            let subject = format!("user-{number}");
            for _ in 0..5 {
                let mut connection = Connection::open(address);
                for _ in 0..5 {
                    let (_, body) = connection.ask("GET", "/in/hello", &bearer(&subject));
                    assert_eq!(body, format!("hello {subject}"));
                    assert_refused(&connection.ask("GET", "/in/hello", &bad()), INVALID_TOKEN);
                    assert_eq!(connection.ask("GET", "/whoami", "").1, "anonymous");
                }
            }
        };
        thread::scope(|scope| {
            for number in 0..8 {
                scope.spawn(move || client(number));
            }
        });
    })
    .await;
}
