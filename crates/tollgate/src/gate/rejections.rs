//! The settings of a [`Gate`] for its rejections.

use std::sync::Arc;

use super::Gate;
use crate::error::ConfigError;
use crate::metadata::ResourceMetadata;
use crate::rejection::{Rejection, RejectionStyle};
use crate::rejection_body::RejectionBody;

impl Gate {
    /// Sets the realm of challenges (RFC 9110 §11.5). The default is `api`.
    ///
    /// ```
    /// # fn build(gate: tollgate::Gate) -> Result<tollgate::Gate, tollgate::ConfigError> {
    /// let gate = gate.with_realm("orders")?; // WWW-Authenticate: Bearer realm="orders"
    /// # Ok(gate) }
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::Text`] unless it is printable ASCII without quotes and backslashes.
    pub fn with_realm(self, realm: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let style = self.style().with_realm(realm.into())?;
        Ok(self.change(|inner| inner.reject_as(style)))
    }

    /// Adds `resource_metadata` to challenges (RFC 9728 §5.1). The application serves the document itself.
    ///
    /// ```
    /// use tollgate::ResourceMetadata;
    ///
    /// # fn build(gate: tollgate::Gate) -> Result<tollgate::Gate, tollgate::ConfigError> {
    /// let metadata = ResourceMetadata::new("https://api.example")?
    ///     .with_authorization_server("https://issuer.example");
    /// let gate = gate.with_resource_metadata(&metadata);
    /// # Ok(gate) }
    /// ```
    #[must_use]
    pub fn with_resource_metadata(self, metadata: &ResourceMetadata) -> Self {
        let style = self.style().with_metadata(metadata);
        self.change(|inner| inner.reject_as(style))
    }

    /// Replaces the body of rejections, which by default is a document of problem details (RFC 9457).
    ///
    /// `body` is called once for each rejection: of this gate, and of guards, extractors and handlers behind
    /// it. Status, challenge, `Cache-Control` and `Retry-After` do not depend on it. Inside `body`,
    /// [`Rejection::body`] returns the default body. Nested gates each have their own body, and the session endpoints
    /// keep theirs.
    ///
    /// ```
    /// use tollgate::RejectionBody;
    ///
    /// # fn build(gate: tollgate::Gate) -> Result<tollgate::Gate, tollgate::ConfigError> {
    /// let gate = gate.with_rejection_body(|rejection| {
    ///     RejectionBody::json(format!(r#"{{"code":{}}}"#, rejection.status()))
    /// });
    /// // Another content type is checked once, here, and not for each rejection:
    /// let xml = RejectionBody::new("application/xml", "<rejected/>")?;
    /// let gate = gate.with_rejection_body(move |_rejection| xml.clone());
    /// # Ok(gate) }
    /// ```
    ///
    /// # Security
    /// Do not tell the client why a token was rejected, as only an attacker gains from it. The log has the reason.
    #[must_use]
    pub fn with_rejection_body(
        self,
        body: impl Fn(&Rejection) -> RejectionBody + Send + Sync + 'static,
    ) -> Self {
        let style = self.style().with_body(Arc::new(body));
        self.change(|inner| inner.reject_as(style))
    }

    /// Answers rejected gRPC requests in their protocol: HTTP status 200, and the gRPC status in the header. By
    /// default, they get the response of other requests, whose status gRPC clients map to one of theirs, without the
    /// message. `tollgate-tower` describes the responses.
    ///
    /// ```
    /// # fn build(gate: tollgate::Gate) -> tollgate::Gate {
    /// let gate = gate.with_grpc_rejections();
    /// # gate }
    /// ```
    ///
    /// # Security
    /// A client then decides by its method and `Content-Type` that a rejection has the HTTP status 200. Do not use this
    /// for a service that a proxy asks whether to admit a request (`auth_request` of nginx, `forward_auth` of Caddy,
    /// `ForwardAuth` of Traefik, `ext_authz` of Envoy): the proxy reads only the status.
    #[must_use]
    pub fn with_grpc_rejections(self) -> Self {
        let style = self.style().with_grpc();
        self.change(|inner| inner.reject_as(style))
    }

    /// Returns how the current gate rejects requests.
    fn style(&self) -> Arc<RejectionStyle> {
        Arc::clone(&self.clone().settled().0.style)
    }
}
