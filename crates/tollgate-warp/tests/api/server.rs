//! Tests over a real connection.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tollgate_warp::{Claims, claims, handle_rejection};
use warp::Filter;

use crate::support::{User, forge, gate};

/// Reads one response: head and body.
async fn read_response(stream: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned)
            });
            if body.len() >= length.unwrap().parse().unwrap() {
                return (head.to_owned(), body.to_owned());
            }
        }
        let mut chunk = [0; 1024];
        let read = stream.read(&mut chunk).await.unwrap();
        assert_ne!(read, 0, "connection closed after {text:?}");
        bytes.extend_from_slice(&chunk[..read]);
    }
}

async fn ask(stream: &mut TcpStream, fields: &str) -> (String, String) {
    let request = format!("GET /hello HTTP/1.1\r\nhost: api.example\r\n{fields}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    read_response(stream).await
}

#[tokio::test]
async fn connection_survives_rejections() {
    let hello = claims(&gate()).map(|user: Claims<User>| format!("hello {}", user.sub));
    let app = warp::path!("hello").and(hello).recover(handle_rejection);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(warp::serve(app).incoming(listener).run());

    let good = format!("authorization: Bearer {}\r\n", forge().token().sign());
    let bad = format!("authorization: Bearer {}\r\n", forge().token().with_broken_signature());
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..2 {
        let (head, body) = ask(&mut stream, &good).await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_eq!(body, "hello alice");

        let (head, body) = ask(&mut stream, &bad).await;
        assert!(head.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{head}");
        assert!(
            head.contains("www-authenticate: Bearer realm=\"api\", error=\"invalid_token\"\r\n"),
            "{head}"
        );
        assert!(body.contains(r#""error":"invalid_token""#), "{body}");

        let (head, _) = ask(&mut stream, "").await;
        assert!(head.contains("www-authenticate: Bearer realm=\"api\"\r\n"), "{head}");

        let (head, _) = ask(&mut stream, &good.repeat(2)).await;
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
    }
    server.abort();
}
