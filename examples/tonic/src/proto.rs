//! The generated code of `proto/items.proto`.

#![expect(
    missing_docs,
    unused_qualifications,
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::as_conversions,
    clippy::exhaustive_structs,
    reason = "generated code follows its own rules"
)]

tonic::include_proto!("tollgate.example");
