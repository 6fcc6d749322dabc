//! The environment of a run: machine, date, versions.

use std::process::Command;

/// Returns the packages with their versions from this workspace's lock file.
#[must_use]
pub fn versions(names: &[&str]) -> String {
    let lock = include_str!("../Cargo.lock");
    let version = |name: &str| {
        let versions = lock.split("[[package]]").filter_map(|package| {
            let value = |key: &str| {
                let line = package.lines().find_map(|line| line.strip_prefix(key))?;
                line.strip_prefix(" = \"")?.strip_suffix('"')
            };
            if value("name")? == name { value("version") } else { None }
        });
        let versions: Vec<&str> = versions.collect();
        format!("{name} {}", versions.join(" and "))
    };
    names.iter().map(|name| version(name)).collect::<Vec<_>>().join(", ")
}

/// Returns the processor's name, the number of cores, and the operating system.
#[must_use]
pub fn processor() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(": ")).map_or(std::env::consts::ARCH, |(_, name)| name);
    format!("{name}, {cores} cores, {}", std::env::consts::OS)
}

/// Returns the current date in UTC.
#[must_use]
pub fn date() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// Returns the first line of the program's output, or `None` if the program is missing or fails.
#[must_use]
pub fn ask(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next().map(str::to_owned)?;
    output.status.success().then_some(line)
}

/// Returns the resident memory of this process in bytes, or 0 where the system does not report it.
#[must_use]
pub fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
