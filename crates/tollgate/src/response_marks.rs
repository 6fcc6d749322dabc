//! [`ResponseMarks`]: what an adapter adds to the response to an admitted request.

use std::sync::Arc;

/// What an adapter adds to the response to an admitted request, because of where the request carried its token.
/// [`Gate::response_marks`](crate::Gate::response_marks) returns it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseMarks {
    private: bool,
    websocket_protocol: Option<Arc<str>>,
}

impl ResponseMarks {
    pub(crate) fn new(private: bool, websocket_protocol: Option<Arc<str>>) -> Self {
        Self { private, websocket_protocol }
    }

    /// Returns whether the response must be marked `Cache-Control: private`.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// Returns the value of `Sec-WebSocket-Protocol` for a response with this status, if it opens a WebSocket and the
    /// request carried its token beside that subprotocol (RFC 6455 §4.2.2, RFC 8441 §5). An adapter adds it unless the
    /// handler has selected another subprotocol.
    #[must_use]
    pub fn websocket_protocol(&self, status: u16) -> Option<&str> {
        self.websocket_protocol.as_deref().filter(|_| matches!(status, 101 | 200..=299))
    }
}
