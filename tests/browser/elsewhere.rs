//! [`Elsewhere`]: another server, for pages of other origins, that remembers what it was asked.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Runtime;
use tollgate_conformance::issuer::{Answer, Issuer, response};

/// A running server. It answers everything with an empty page. Ends when dropped.
pub(crate) struct Elsewhere {
    pub(crate) port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    _server: Issuer,
    _runtime: Runtime,
}

impl Elsewhere {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let server = runtime.block_on(Issuer::start(None));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&heard);
        let page = response("200 OK", &["Content-Type: text/html", "Connection: close"], PAGE);
        server.behave(move |request, _| {
            remembered.lock().unwrap_or_else(PoisonError::into_inner).push(request.to_ascii_lowercase());
            Answer::Bytes(page.clone())
        });
        Self { port: server.address().port(), heard, _server: server, _runtime: runtime }
    }

    /// The head of the last request for this path, in lower case.
    pub(crate) fn heard(&self, path: &str) -> Option<String> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().rev().find(|request| request.contains(&format!(" {path} http/1.1\r\n"))).cloned()
    }
}

const PAGE: &str = "<!doctype html><title>elsewhere</title><p>elsewhere</p>";
