//! JWT bearer authentication for warp.
