//! An example application, started as a user would start it: as a process, configured by its environment.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// A running example application. Ended by its own process id when dropped.
#[derive(Debug)]
pub struct App {
    process: Child,
    pub address: SocketAddr,
    pub banner: String,
}

impl App {
    /// Starts `package` with exactly this environment, on a free port, and waits until it answers.
    #[must_use]
    pub fn start(package: &str, data: &Path, environment: &[(&str, &str)]) -> Self {
        Self::start_at(free_address(), package, data, environment)
    }

    /// The same at this address, as one does that is started again.
    #[must_use]
    pub fn start_at(address: SocketAddr, package: &str, data: &Path, environment: &[(&str, &str)]) -> Self {
        let mut process = command(package, data, environment)
            .env("TOLLGATE_ADDR", address.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the example starts");
        let stdout = process.stdout.take().expect("piped");
        let mut app = Self { process, address, banner: String::new() };
        app.wait_until_it_answers();
        app.banner = first_lines(BufReader::new(stdout));
        app
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

    /// Sends the signal, and answers whether the process ended by itself and without an error.
    #[must_use]
    pub fn ends_after(mut self, signal: &str) -> bool {
        // The shell's own `kill`, which is there wherever a shell is.
        let kill = format!("kill -s {signal} {}", self.process.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(sent.success());
        self.process.wait().expect("a process").success()
    }

    /// The token of the banner's curl line.
    #[must_use]
    pub fn demo_token(&self) -> String {
        let (_, after) = self.banner.split_once("Bearer ").expect("a curl line");
        after.chars().take_while(|symbol| *symbol != '\'').collect()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}

/// Runs `package` to its end, which has to come by itself, and answers what it printed to standard error.
#[must_use]
pub fn run_to_failure(package: &str, data: &Path, environment: &[(&str, &str)]) -> String {
    let output = command(package, data, environment).output().expect("the example starts");
    assert!(!output.status.success(), "the example should not have started");
    String::from_utf8(output.stderr).expect("UTF-8")
}

/// A new directory for one test, below the system's directory for such things.
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

/// What the application prints before it serves.
fn first_lines(mut stdout: impl BufRead + Send + 'static) -> String {
    let mut banner = String::new();
    while stdout.read_line(&mut banner).expect("UTF-8") > 0 {
        if banner.contains("Ctrl-C ends it") {
            break;
        }
    }
    // The rest is read and dropped, so that the application never blocks on a full pipe.
    std::thread::spawn(move || {
        let mut stdout = stdout;
        let _rest = stdout.read_to_end(&mut Vec::new());
    });
    banner
}

/// Where nobody listens at present.
#[must_use]
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

/// Builds the package once a process, and answers where its executable is.
fn executable(package: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--locked", "--offline"])
            .args(PACKAGES.iter().flat_map(|package| ["--package", package]))
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .status()
            .expect("cargo build");
        assert!(status.success(), "the examples build");
    });
    let tests = std::env::current_exe().expect("a path");
    let directory = tests.ancestors().nth(2).expect("the directory above `deps`");
    directory.join(package).with_extension(std::env::consts::EXE_EXTENSION)
}

/// Every example application.
pub const PACKAGES: [&str; 3] = ["example-axum", "example-actix", "example-warp"];
