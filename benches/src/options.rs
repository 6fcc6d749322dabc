//! [`Options`]: what the commands understand.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// `--quick` measures briefly and leaves `docs/` alone; `--out DIR` writes the report there.
pub struct Options {
    pub quick: bool,
    pub out: PathBuf,
}

impl Options {
    /// As given on the command line. Ends the process when it makes no sense.
    #[must_use]
    pub fn from_args() -> Self {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut arguments = std::env::args().skip(1);
        let (mut quick, mut out) = (false, None);
        while let Some(argument) = arguments.next() {
            match (argument.as_str(), &mut out) {
                ("--quick", _) => quick = true,
                ("--out", out) => *out = arguments.next().map(PathBuf::from),
                _ => {
                    eprintln!("unknown argument {argument}; there are --quick and --out DIR");
                    std::process::exit(2);
                }
            }
        }
        let usual = if quick { workspace.join("target/quick") } else { workspace.join("../docs") };
        Self { quick, out: out.unwrap_or(usual) }
    }

    /// How often all contenders take their turn.
    #[must_use]
    pub fn rounds(&self) -> usize {
        if self.quick { 7 } else { 61 }
    }

    /// How long one turn takes.
    #[must_use]
    pub fn turn(&self) -> Duration {
        Duration::from_millis(if self.quick { 1 } else { 4 })
    }
}
