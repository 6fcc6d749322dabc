//! [`AuthenticateLayer`]: a gate in front of routes.

use tollgate::Gate;
use tollgate_tower::Authenticate;
use tower_layer::Layer;

/// Puts a [`Gate`] in front of routes, a router or a handler. See the [crate docs](crate) for an example.
///
/// It is the layer of `tollgate-tower` for services whose response body is axum's own. That layer takes any body,
/// which axum would then have to box.
#[derive(Clone, Debug)]
pub struct AuthenticateLayer(tollgate_tower::AuthenticateLayer);

impl AuthenticateLayer {
    /// Creates a layer that passes the requests that `gate` admits to the inner service. Their
    /// [`Admission`](tollgate::Admission) is in the extensions.
    #[must_use]
    pub const fn new(gate: Gate) -> Self {
        Self(tollgate_tower::AuthenticateLayer::new(gate))
    }
}

impl<S> Layer<S> for AuthenticateLayer {
    type Service = Authenticate<S>;

    fn layer(&self, inner: S) -> Authenticate<S> {
        self.0.layer_with_same_body(inner)
    }
}
