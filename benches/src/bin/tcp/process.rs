//! [`Server`]s, and their processes as [`Running`].

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tollgate::Algorithm;
use tollgate_benches::fixtures::{AUDIENCE, ISSUER};
use tollgate_testing::keys;

pub(crate) const AXUM_HS256: &str = "axum, tollgate, HS256";
pub(crate) const AXUM_ES256: &str = "axum, tollgate, ES256";
pub(crate) const AXUM_BY_HAND: &str = "axum, jsonwebtoken 11, HS256";
pub(crate) const AXUM_BY_HAND_ES256: &str = "axum, jsonwebtoken 11, ES256";
pub(crate) const FASTIFY_JWT: &str = "fastify, @fastify/jwt with its cache";
pub(crate) const EXPRESS_JWT: &str = "express, express-jwt";

pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) algorithm: Algorithm,
    pub(crate) protected: bool,
    pub(crate) ours: bool,
    /// The name of the same server without authentication.
    pub(crate) base: &'static str,
    /// The arguments of `serve`, or the script and its arguments.
    arguments: &'static [&'static str],
    in_node: bool,
}

impl Server {
    /// Returns the Rust servers, which are part of this program.
    pub(crate) fn rust() -> Vec<Self> {
        let server = |name, base, arguments: &'static [&'static str]| Self {
            name,
            algorithm: if arguments[2] == "ES256" { Algorithm::Es256 } else { Algorithm::Hs256 },
            protected: name != base,
            ours: matches!(arguments[1], "tollgate" | "around" | "uncached"),
            base,
            arguments,
            in_node: false,
        };
        vec![
            server("axum", "axum", &["axum", "open", "HS256"]),
            server(AXUM_HS256, "axum", &["axum", "tollgate", "HS256"]),
            server("axum, tollgate around the router, HS256", "axum", &["axum", "around", "HS256"]),
            server(AXUM_ES256, "axum", &["axum", "tollgate", "ES256"]),
            server("axum, tollgate without its cache, HS256", "axum", &["axum", "uncached", "HS256"]),
            server(AXUM_BY_HAND, "axum", &["axum", "jsonwebtoken", "HS256"]),
            server(AXUM_BY_HAND_ES256, "axum", &["axum", "jsonwebtoken", "ES256"]),
            server("actix-web", "actix-web", &["actix-web", "open", "HS256"]),
            server("actix-web, tollgate, HS256", "actix-web", &["actix-web", "tollgate", "HS256"]),
            server("warp", "warp", &["warp", "open", "HS256"]),
            server("warp, tollgate, HS256", "warp", &["warp", "tollgate", "HS256"]),
            server("warp, tollgate around the service, HS256", "warp", &["warp", "around", "HS256"]),
        ]
    }

    /// Returns the Node servers.
    pub(crate) fn node() -> Vec<Self> {
        let server = |name, base, arguments| Self {
            name,
            algorithm: Algorithm::Hs256,
            protected: name != base,
            ours: false,
            base,
            arguments,
            in_node: true,
        };
        vec![
            server("fastify", "fastify", &["fastify.mjs", "open"]),
            server(FASTIFY_JWT, "fastify", &["fastify.mjs", "protected"]),
            server("express", "express", &["express.mjs", "open"]),
            server(EXPRESS_JWT, "express", &["express.mjs", "protected"]),
        ]
    }
}

/// A running server. Dropping it kills the process.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Running {
    pub(crate) fn start(server: &Server) -> Self {
        let mut command = if server.in_node {
            let mut command = Command::new("node");
            command.current_dir(node_directory()).args(server.arguments);
            command
        } else {
            let mut command = Command::new(std::env::current_exe().expect("a path"));
            command.arg("serve").args(server.arguments);
            command
        };
        let secret: String = keys::SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
        let child = command
            .env("NODE_ENV", "production")
            .env("SECRET", secret)
            .env("ISSUER", ISSUER)
            .env("AUDIENCE", AUDIENCE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{}: {error}", server.name));
        let mut line = String::new();
        let output = child.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let port = line.trim().parse().unwrap_or_else(|_| panic!("{}: {line:?} is not a port", server.name));
        Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    /// Returns the processor time of all threads so far in seconds, or 0 where the system does not report it.
    pub(crate) fn processor_seconds(&self) -> f64 {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let spent = threads.into_iter().flatten().flatten().filter_map(|thread| {
            let statistics = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            statistics.split(' ').next()?.parse::<f64>().ok()
        });
        spent.sum::<f64>() / 1e9
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn node_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("node")
}

/// Installs the packages of the lock file unless they are installed. Returns whether they are.
pub(crate) fn install_node_packages() -> bool {
    let directory = node_directory();
    if directory.join("node_modules/.package-lock.json").exists() {
        return true;
    }
    let arguments = ["ci", "--no-audit", "--no-fund"];
    let status = Command::new("npm").args(arguments).current_dir(directory).status();
    status.is_ok_and(|status| status.success())
}

/// Returns the versions of Node and its packages, to append to the other versions.
pub(crate) fn node_versions(node: Option<&str>) -> String {
    let Some(node) = node else { return String::new() };
    let package = include_str!("../../../node/package.json");
    let package: serde_json::Value = serde_json::from_str(package).expect("JSON");
    let packages = package["dependencies"].as_object().into_iter().flatten();
    let versions = packages.map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or_default()));
    format!("; Node {node}, {}", versions.collect::<Vec<_>>().join(", "))
}
