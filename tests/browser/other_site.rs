//! [`OtherSite`]: a second server, for pages of other origins, that records its requests.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Runtime;
use tollgate_tests::issuer::{Answer, Issuer, response};

/// A running server that answers every request with an empty page. Dropping it stops the server.
pub(crate) struct OtherSite {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    _server: Issuer,
    _runtime: Runtime,
}

impl OtherSite {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let server = runtime.block_on(Issuer::start(None));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&requests);
        let page = response("200 OK", &["Content-Type: text/html", "Connection: close"], PAGE);
        server.behave(move |request, _| {
            recorded.lock().unwrap_or_else(PoisonError::into_inner).push(request.to_ascii_lowercase());
            Answer::Bytes(page.clone())
        });
        Self { port: server.address().port(), requests, _server: server, _runtime: runtime }
    }

    /// Returns the head of the last request for this path, in lower case.
    pub(crate) fn last_request(&self, path: &str) -> Option<String> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().rev().find(|request| request.contains(&format!(" {path} http/1.1\r\n"))).cloned()
    }
}

const PAGE: &str = "<!doctype html><title>other site</title><p>other site</p>";
