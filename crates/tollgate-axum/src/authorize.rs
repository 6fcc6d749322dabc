//! [`AuthorizeLayer`]: a policy for part of an application.

use tollgate::Policy;
use tollgate_tower::Authorize;
use tower_layer::Layer;

/// Requires a [`Policy`] of requests that [`AuthenticateLayer`](crate::AuthenticateLayer) has admitted. Place it
/// inside that layer, for example as a `route_layer`.
///
/// It rejects an anonymous request with 401, and a token that does not grant enough with 403. Without a gate in
/// front, it responds with 500 and logs an error, so it never admits a request that no gate has checked.
#[derive(Clone, Debug)]
pub struct AuthorizeLayer(tollgate_tower::AuthorizeLayer);

impl AuthorizeLayer {
    /// Creates a layer that requires `policy` of every admitted request.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self(tollgate_tower::AuthorizeLayer::new(policy))
    }
}

impl<S> Layer<S> for AuthorizeLayer {
    type Service = Authorize<S>;

    fn layer(&self, inner: S) -> Authorize<S> {
        self.0.layer_with_same_body(inner)
    }
}
