//! [`App`]: an example application, started as a process and configured by environment variables.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// A running example application. Dropping it kills the process.
#[derive(Debug)]
pub struct App {
    process: Child,
    pub address: SocketAddr,
    /// What the application printed before it began to serve.
    pub banner: String,
}

impl App {
    /// Starts `package` with exactly this environment on a free port, and waits until it accepts connections.
    #[must_use]
    pub fn start(package: &str, data: &Path, environment: &[(&str, &str)]) -> Self {
        Self::start_at(free_address(), package, data, environment)
    }

    /// Does what [`start`](Self::start) does, at a given address. Restarts use this to keep the port.
    #[must_use]
    pub fn start_at(address: SocketAddr, package: &str, data: &Path, environment: &[(&str, &str)]) -> Self {
        let mut app = Self::spawn(address, package, data, environment);
        app.wait_until_it_answers();
        app.read_banner();
        app
    }

    /// Does what [`start`](Self::start) does, at the port 0. The address is that of the banner.
    #[must_use]
    pub fn start_on_any_port(package: &str, data: &Path, environment: &[(&str, &str)]) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut app = Self::spawn(address, package, data, environment);
        app.read_banner();
        let (_, after) = app.banner.split_once("example on http://").expect("an address");
        app.address = after.lines().next().and_then(|line| line.parse().ok()).expect("an address");
        app
    }

    fn spawn(address: SocketAddr, package: &str, data: &Path, environment: &[(&str, &str)]) -> Self {
        let process = command(package, data, environment)
            .env("TOLLGATE_ADDR", address.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the example starts");
        Self { process, address, banner: String::new() }
    }

    fn read_banner(&mut self) {
        let stdout = self.process.stdout.take().expect("piped");
        self.banner = first_lines(BufReader::new(stdout));
    }

    fn wait_until_it_answers(&mut self) {
        for _ in 0..600 {
            if TcpStream::connect(self.address).is_ok() {
                return;
            }
            if let Some(status) = self.process.try_wait().expect("a process") {
                panic!("the example ended with {status}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the example does not answer at {}", self.address);
    }

    /// Sends a signal, waits for the process to exit, and returns whether it exited successfully.
    #[must_use]
    pub fn ends_after(mut self, signal: &str) -> bool {
        self.signal(signal);
        self.process.wait().expect("a process").success()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: &str) {
        // `kill` is a shell builtin, so no other program is needed.
        let kill = format!("kill -s {signal} {}", self.process.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(sent.success());
    }

    /// Returns the login body from the first curl command of the banner.
    #[must_use]
    pub fn demo_login(&self) -> String {
        let (_, after) = self.banner.split_once("-d '").expect("a curl line");
        after.chars().take_while(|symbol| *symbol != '\'').collect()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}

/// Runs `package` until it exits, asserts that it failed, and returns its standard error. Unless the environment has an
/// address, it listens on any free port, so that tests do not compete for the default one.
#[must_use]
pub fn run_to_failure(package: &str, data: &Path, environment: &[(&str, &str)]) -> String {
    let any_port = [("TOLLGATE_ADDR", "127.0.0.1:0")];
    let environment = [&any_port[..], environment].concat();
    let output = command(package, data, &environment).output().expect("the example starts");
    assert!(!output.status.success(), "the example should not have started");
    String::from_utf8(output.stderr).expect("UTF-8")
}

/// Creates a new directory for one test below the system's temporary directory.
#[must_use]
pub fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
    let _missing = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a directory");
    path
}

fn command(package: &str, data: &Path, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(executable(package));
    command.env_clear().env("TOLLGATE_DATA", data).envs(environment.iter().copied()).stdin(Stdio::null());
    command
}

/// Reads the lines that the application prints before it serves.
fn first_lines(mut stdout: impl BufRead + Send + 'static) -> String {
    let mut banner = String::new();
    while stdout.read_line(&mut banner).expect("UTF-8") > 0 {
        if banner.contains("Press Ctrl-C to stop") {
            break;
        }
    }
    // A thread drains the rest, so that the application never blocks on a full pipe.
    std::thread::spawn(move || {
        let mut stdout = stdout;
        let _rest = stdout.read_to_end(&mut Vec::new());
    });
    banner
}

/// Returns a loopback address with a free port.
#[must_use]
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

/// Builds the examples once per process, and returns the path of one executable.
#[must_use]
pub fn executable(package: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--locked", "--offline"])
            .args(PACKAGES.iter().chain([&GRPC_PACKAGE]).flat_map(|package| ["--package", package]))
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .status()
            .expect("cargo build");
        assert!(status.success(), "the examples build");
    });
    let tests = std::env::current_exe().expect("a path");
    let directory = tests.ancestors().nth(2).expect("the directory above `deps`");
    directory.join(package).with_extension(std::env::consts::EXE_EXTENSION)
}

/// The package of the gRPC server and its `client`.
pub const GRPC_PACKAGE: &str = "example-tonic";

/// The packages of the example application.
pub const PACKAGES: [&str; 3] = ["example-axum", "example-actix", "example-warp"];
