//! [`RedisServer`]: runs the installed Redis or Valkey on a free port.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use redis::{Client, Cmd, Connection, ConnectionAddr, FromRedisValue, RedisResult};

/// A running server with its own directory. Dropping it kills the process and removes the directory.
#[derive(Debug)]
pub struct RedisServer {
    process: Child,
    port: u16,
    directory: PathBuf,
    options: Vec<String>,
}

/// Returns whether Redis or Valkey is installed.
#[must_use]
pub fn is_installed() -> bool {
    PROGRAMS.iter().any(|program| runs(program))
}

impl RedisServer {
    /// Starts a server with these command-line options and waits until it answers. Unless the options say otherwise, it
    /// writes nothing to disk.
    ///
    /// # Panics
    /// Panics if no server is installed or it does not start.
    #[must_use]
    pub fn start(options: &[&str]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        assert!(is_installed(), "redis-server is not installed");
        let name = format!("redis-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(format!("tollgate-{name}"));
        drop(std::fs::remove_dir_all(&directory));
        std::fs::create_dir_all(&directory).expect("a directory");
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        // Another process may take the port first.
        for _ in 0..5 {
            let port = free_port();
            let mut process = spawn(port, &directory, &options);
            if answers(&mut process, port) {
                return Self { process, port, directory, options };
            }
            drop(process.kill());
            drop(process.wait());
        }
        panic!("redis-server does not start with {options:?}");
    }

    /// Returns the server's URL for a store.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the server's working directory.
    #[must_use]
    pub fn directory(&self) -> &std::path::Path {
        &self.directory
    }

    /// Sends one command on a new connection and returns the answer.
    ///
    /// # Panics
    /// Panics if the server answers with an error.
    pub fn ask<T: FromRedisValue>(&self, command: &[&str]) -> T {
        self.try_ask(command).unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    /// Sends one command on a new connection.
    ///
    /// # Errors
    /// Returns the server's error.
    pub fn try_ask<T: FromRedisValue>(&self, command: &[&str]) -> RedisResult<T> {
        let mut words = Cmd::new();
        for word in command {
            words.arg(*word);
        }
        words.query(&mut connect(self.port)?)
    }

    /// Kills the server with SIGKILL and waits for its end.
    ///
    /// # Panics
    /// Panics if the server has already exited.
    pub fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ended");
    }

    /// Starts the server again after [`kill`](Self::kill), on the same port and with the data on its disk.
    ///
    /// # Panics
    /// Panics if the server does not start.
    pub fn restart(&mut self) {
        self.process = spawn(self.port, &self.directory, &self.options);
        assert!(answers(&mut self.process, self.port), "it starts again");
    }

    /// Sends the process a signal, such as `STOP` or `CONT`.
    ///
    /// # Panics
    /// Panics if the shell cannot send it.
    pub fn signal(&self, signal: &str) {
        let kill = format!("kill -s {signal} {}", self.process.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

fn spawn(port: u16, directory: &std::path::Path, options: &[String]) -> Child {
    let program = PROGRAMS.iter().find(|program| runs(program)).expect("redis-server is installed");
    let mut command = Command::new(program);
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--dir"]);
    command.arg(directory).args(options).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("a process")
}

/// Waits until the server takes commands, and returns whether it does. Returns early if the process exits.
fn answers(process: &mut Child, port: u16) -> bool {
    for _ in 0..600 {
        let ready = connect(port).is_ok_and(|mut connection| {
            // While it loads its data the server answers with an error too; only `NOAUTH` means that it is ready.
            match redis::cmd("PING").query::<String>(&mut connection) {
                Ok(_pong) => true,
                Err(error) => error.code() == Some("NOAUTH"),
            }
        });
        if ready {
            return process.try_wait().expect("a process").is_none();
        }
        if process.try_wait().expect("a process").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

fn connect(port: u16) -> RedisResult<Connection> {
    let client = Client::open(ConnectionAddr::Tcp("127.0.0.1".to_owned(), port))?;
    client.get_connection_with_timeout(Duration::from_secs(5))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

fn runs(program: &str) -> bool {
    let asked = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];
