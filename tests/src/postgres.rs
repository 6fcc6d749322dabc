//! [`PostgresServer`]: runs the installed PostgreSQL in a temporary directory, on a free port.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// A running server. Dropping it stops the server and removes its directory.
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    directory: PathBuf,
    settings: Vec<String>,
    port: u16,
    /// The user and group to run as. Set if this process runs as root, which PostgreSQL refuses.
    user: Option<(u32, u32)>,
    process: Option<Child>,
}

impl PostgresServer {
    /// Returns whether the programs of PostgreSQL are installed.
    #[must_use]
    pub fn is_installed() -> bool {
        programs().is_some()
    }

    /// Starts a server with a new cluster. `settings` are lines of `postgresql.conf`.
    ///
    /// # Panics
    /// Panics if PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn start(settings: &[&str]) -> Self {
        let directory = scratch();
        fs::create_dir_all(&directory).expect("a directory");
        let user = other_user(&directory);
        let mut server = Self {
            programs: programs().expect("PostgreSQL is installed"),
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            port: free_port(),
            directory,
            user,
            process: None,
        };
        server.own(&server.directory);
        server.make_cluster();
        server.resume();
        server
    }

    /// Starts a streaming standby of this server with its own settings.
    ///
    /// # Panics
    /// Panics if the standby does not start.
    #[must_use]
    pub fn standby(&self, settings: &[&str]) -> Self {
        let directory = scratch();
        fs::create_dir_all(&directory).expect("a directory");
        self.own(&directory);
        let mut standby = Self {
            programs: self.programs.clone(),
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            port: free_port(),
            directory,
            user: self.user,
            process: None,
        };
        let mut copy = standby.program("pg_basebackup");
        copy.args([
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
            "--dbname",
            &self.url("postgres"),
        ]);
        standby.run(copy.arg("--pgdata").arg(standby.data()));
        standby.resume();
        standby
    }

    /// Promotes a standby to primary.
    ///
    /// # Panics
    /// Panics if the promotion fails.
    pub fn promote(&self) {
        self.run(self.program("pg_ctl").args(["promote", "--wait", "--pgdata"]).arg(self.data()));
    }

    /// Starts the server process again.
    ///
    /// # Panics
    /// Panics if the server does not start.
    pub fn resume(&mut self) {
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string(), "-k"]).arg(&self.directory);
        command.args(["-c", "listen_addresses=localhost", "-c", "max_connections=200"]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let log = fs::File::create(self.directory.join("log")).expect("a log");
        let process = command.stdout(Stdio::null()).stderr(log).spawn().expect("postgres");
        self.process = Some(process);
        for _ in 0..600 {
            let mut asked = self.program("pg_isready");
            asked.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
            if asked.status().is_ok_and(|status| status.success()) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("the server does not start: {}", self.log());
    }

    /// Restarts the server with additional settings.
    ///
    /// # Panics
    /// Panics if the server does not start.
    pub fn restart_with(&mut self, settings: &[String]) {
        self.stop("fast");
        self.settings.extend_from_slice(settings);
        self.resume();
    }

    /// Stops the server. The mode `fast` aborts transactions and writes a checkpoint; `immediate` is like a crash.
    ///
    /// # Panics
    /// Panics if the server does not stop.
    pub fn stop(&mut self, how: &str) {
        if let Some(mut process) = self.process.take() {
            self.run(self.program("pg_ctl").args(["stop", "-w", "-m", how, "-D"]).arg(self.data()));
            process.wait().expect("it has ended");
        }
    }

    /// Returns the URL of `database` for a store.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@localhost:{}/{database}", self.port)
    }

    /// Returns the port that the server listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Writes a file that only the server's user can read, and returns its path.
    ///
    /// # Panics
    /// Panics if the file cannot be written.
    #[must_use]
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.join(name);
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a file");
        self.own(&path);
        path
    }

    /// Returns the server's log since its last start.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    fn make_cluster(&self) {
        let password = self.file("password", PASSWORD);
        let mut command = self.program("initdb");
        command.args(["--no-sync", "--auth=scram-sha-256", "--username=postgres", "--encoding=UTF8"]);
        command.args(["--locale=C"]).arg("--pwfile").arg(password).arg("-D").arg(self.data());
        self.run(&mut command);
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir(&self.directory).env_remove("PGDATA").stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    fn run(&self, command: &mut Command) {
        let output = command.output().expect("a program of PostgreSQL");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?}: {said}\n{}", command.get_program(), self.log());
    }

    fn own(&self, path: &Path) {
        if let Some((user, group)) = self.user {
            std::os::unix::fs::chown(path, Some(user), Some(group)).expect("root may do that");
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _asked = self
                .program("pg_ctl")
                .args(["stop", "-w", "-m", "immediate", "-D"])
                .arg(self.data())
                .output();
            // In case `pg_ctl` failed.
            let _ended = process.kill();
            let _status = process.wait();
        }
        let _removed: io::Result<()> = fs::remove_dir_all(&self.directory);
    }
}

/// Finds a directory with all needed programs: first through a link in `PATH`, then Debian's, newest version first.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let linked = std::env::split_paths(&path)
        .filter_map(|directory| Some(directory.join("initdb").canonicalize().ok()?.parent()?.to_owned()));
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    versions.sort_by_key(|path| std::cmp::Reverse(version(path)));
    let needed = ["initdb", "postgres", "pg_basebackup", "pg_ctl", "pg_isready"];
    linked.chain(versions).find(|directory| needed.iter().all(|name| directory.join(name).is_file()))
}

fn version(bin: &Path) -> Option<u32> {
    bin.parent()?.file_name()?.to_str()?.parse().ok()
}

/// Returns a user and group other than root, or `None` if this process does not run as root.
fn other_user(mine: &Path) -> Option<(u32, u32)> {
    if fs::metadata(mine).expect("a directory").uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("users");
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(find("postgres").or_else(|| find("daemon")).expect("a user that is not root"))
}

/// Returns a new path in the temporary directory: socket paths must be short, and another user needs access.
fn scratch() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("tollgate-pg-{}-{count}", std::process::id()))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// The password of the database user. Tests assert that no error or `Debug` output contains it.
pub const PASSWORD: &str = "scratch-hunter2";
