//! [`Server`]: a real Redis or PostgreSQL on a free loopback port, which ends with the benchmark.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tollgate_benches::machine;

/// A running server. Dropping it ends the process.
pub(crate) struct Server {
    process: Child,
    scratch: PathBuf,
    pub(crate) url: String,
}

impl Server {
    /// Starts Redis with every write synced to disk before the response.
    pub(crate) fn redis() -> Option<Self> {
        redis_version()?;
        let (scratch, port) = (scratch("redis"), free_port());
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"])
            .arg(&scratch)
            .args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        Some(Self::once_it_answers(process, scratch, port, format!("redis://127.0.0.1:{port}")))
    }

    /// Starts PostgreSQL with its default settings, except for address and directory. It refuses to run as
    /// root, so root runs it as `postgres`.
    pub(crate) fn postgres() -> Option<Self> {
        let programs = postgres_programs()?;
        let (scratch, port) = (scratch("postgres"), free_port());
        let data = scratch.join("data");
        own(&scratch);
        let made = as_user(&programs.join("initdb"))
            .arg("--pgdata")
            .arg(&data)
            .args(["--username", "bench", "--auth", "trust", "--encoding", "UTF8", "--no-locale"])
            .stdout(Stdio::null())
            .status()
            .expect("initdb starts");
        assert!(made.success(), "initdb");
        let process = as_user(&programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k"])
            .arg(&scratch)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("postgres starts");
        let url = format!("postgres://bench@127.0.0.1:{port}/postgres?sslmode=disable");
        Some(Self::once_it_answers(process, scratch, port, url))
    }

    fn once_it_answers(process: Child, scratch: PathBuf, port: u16, url: String) -> Self {
        let server = Self { process, scratch, url };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{} does not respond", server.url);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // On SIGINT, both servers end at once and leave no process behind. `kill` is built into every shell.
        let _sent = Command::new("sh").args(["-c", &format!("kill -s INT {}", self.process.id())]).status();
        let _status = self.process.wait();
        let _removed = std::fs::remove_dir_all(&self.scratch);
    }
}

pub(crate) fn redis_version() -> Option<String> {
    let line = machine::ask("redis-server", &["--version"])?;
    let version = line.split_whitespace().find_map(|word| word.strip_prefix("v="))?;
    Some(format!("Redis {version}"))
}

pub(crate) fn postgres_version() -> Option<String> {
    let program = postgres_programs()?.join("postgres");
    let line = machine::ask(program.to_str()?, &["--version"])?;
    Some(line.replace("postgres (PostgreSQL)", "PostgreSQL").split(" (").next()?.to_owned())
}

/// Returns the newest release in Debian's directory, which is not on the path.
fn postgres_programs() -> Option<PathBuf> {
    let releases = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let programs = releases.flatten().map(|release| release.path().join("bin"));
    programs.filter(|programs| programs.join("initdb").exists()).max()
}

fn is_root() -> bool {
    machine::ask("id", &["-u"]).as_deref() == Some("0")
}

fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]).arg(program);
    command
}

fn own(directory: &Path) {
    if is_root() {
        let owned = Command::new("chown").arg("postgres:postgres").arg(directory).status();
        assert!(owned.is_ok_and(|status| status.success()), "chown");
    }
}

/// Creates a new directory for one server.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("tollgate-bench-{name}-{}", std::process::id()));
    let _missing = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a directory");
    path
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
