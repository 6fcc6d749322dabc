//! JWT bearer authentication for Actix Web.
