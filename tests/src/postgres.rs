//! [`PostgresServer`]: a server of the installed PostgreSQL, with a directory of its own, on a free port of this machine.

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

/// A server. It is ended when it is dropped, and its directory removed.
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    directory: PathBuf,
    settings: Vec<String>,
    port: u16,
    /// PostgreSQL refuses to run as root: the user and group that it runs as then.
    user: Option<(u32, u32)>,
    process: Option<Child>,
}

impl PostgresServer {
    /// Whether there is a PostgreSQL to start.
    #[must_use]
    pub fn is_installed() -> bool {
        programs().is_some()
    }

    /// Starts one. `settings` are as in `postgresql.conf`.
    ///
    /// # Panics
    /// When it is not installed, or does not come up.
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

    /// A standby of this server, which follows it, with settings of its own.
    ///
    /// # Panics
    /// When it does not come up.
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

    /// Makes a standby the server that takes writes.
    ///
    /// # Panics
    /// When that fails.
    pub fn promote(&self) {
        self.run(self.program("pg_ctl").args(["promote", "--wait", "--pgdata"]).arg(self.data()));
    }

    /// Starts it again.
    ///
    /// # Panics
    /// When it does not come up.
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
        panic!("the server does not come up: {}", self.log());
    }

    /// Starts it again with more settings.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn restart_with(&mut self, settings: &[String]) {
        self.stop("fast");
        self.settings.extend_from_slice(settings);
        self.resume();
    }

    /// Ends it, as `how`: `fast` finishes nothing but writes a checkpoint, `immediate` is a crash.
    ///
    /// # Panics
    /// When it does not end.
    pub fn stop(&mut self, how: &str) {
        if let Some(mut process) = self.process.take() {
            self.run(self.program("pg_ctl").args(["stop", "-w", "-m", how, "-D"]).arg(self.data()));
            process.wait().expect("it has ended");
        }
    }

    /// Where a store finds `database`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@localhost:{}/{database}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A file that the server may read.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.join(name);
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a file");
        self.own(&path);
        path
    }

    /// What the server has said since it was started.
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
            // Whatever came of that.
            let _ended = process.kill();
            let _status = process.wait();
        }
        let _removed: io::Result<()> = fs::remove_dir_all(&self.directory);
    }
}

/// Where all programs are: what a link in the path leads to, or where Debian puts those of each version; the newest.
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

/// Somebody else, when this is root.
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
    Some(find("postgres").or_else(|| find("nobody")).expect("a user that is not root"))
}

/// Short, as the path of a socket has to be, and where other users may go.
fn scratch() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("tollgate-pg-{}-{count}", std::process::id()))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Of the only user. Tests look for it where it must not be.
pub const PASSWORD: &str = "scratch-hunter2";
