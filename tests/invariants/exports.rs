//! Every adapter exports the same names: a missing one does not compile.

use std::any::TypeId;

/// The names of the core that a first application needs, as an adapter exports them.
macro_rules! core_names {
    ($adapter:ident) => {{
        use $adapter::tollgate as _;
        fn is_exported<T: $adapter::FromClaims, R>() {}
        is_exported::<$adapter::RegisteredClaims, $adapter::Rejection>();
        [
            TypeId::of::<$adapter::Admission>(),
            TypeId::of::<$adapter::Algorithm>(),
            TypeId::of::<$adapter::Audience>(),
            TypeId::of::<$adapter::ClaimPath>(),
            TypeId::of::<$adapter::ClaimPaths>(),
            TypeId::of::<$adapter::ConfigError>(),
            TypeId::of::<$adapter::CrossSite>(),
            TypeId::of::<$adapter::Gate>(),
            TypeId::of::<$adapter::Issuer>(),
            TypeId::of::<$adapter::KeyError>(),
            TypeId::of::<$adapter::KeySet>(),
            TypeId::of::<$adapter::Policy>(),
            TypeId::of::<$adapter::RegisteredClaims>(),
            TypeId::of::<$adapter::RejectionBody>(),
            TypeId::of::<$adapter::ResourceMetadata>(),
            TypeId::of::<$adapter::ScopeSet>(),
            TypeId::of::<$adapter::TokenSource>(),
            TypeId::of::<$adapter::Verified>(),
            TypeId::of::<$adapter::Verifier>(),
            TypeId::of::<$adapter::VerifierKeys>(),
            TypeId::of::<$adapter::VerifyingKey>(),
        ]
    }};
}

/// What handlers extract, by the same names in every framework that has extractors.
macro_rules! extractor_names {
    ($adapter:ident) => {{
        fn destructured($adapter::Claims(user): $adapter::Claims<()>) -> std::sync::Arc<()> {
            user
        }
        let _ = destructured;
        let _ = |user: $adapter::Authenticated| user.into_inner();
        let _ = |scopes: $adapter::Scopes| scopes.into_inner();
        let _ = |rejection: $adapter::Rejection| rejection.into_inner();
    }};
}

#[test]
fn adapters_export_the_same_names_of_the_core() {
    let tower = core_names!(tollgate_tower);
    assert_eq!(tower, core_names!(tollgate_axum));
    assert_eq!(tower, core_names!(tollgate_actix));
    assert_eq!(tower, core_names!(tollgate_warp));
}

#[test]
fn adapters_export_the_same_extractors() {
    extractor_names!(tollgate_axum);
    extractor_names!(tollgate_actix);
    extractor_names!(tollgate_warp);
    let _ =
        (tollgate_axum::session_routes::<()>, tollgate_actix::session_routes, tollgate_warp::session_routes);
}
