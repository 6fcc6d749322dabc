//! [`Options`]: the command-line options.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// `--quick` measures briefly and does not change `docs/`; `--out DIR` writes the report to `DIR`.
pub struct Options {
    pub quick: bool,
    pub out: PathBuf,
}

impl Options {
    /// Reads the command line. Ends the process on an unknown argument.
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
                    eprintln!("unknown argument {argument}; the options are --quick and --out DIR");
                    std::process::exit(2);
                }
            }
        }
        let usual = if quick { workspace.join("target/quick") } else { workspace.join("../docs") };
        Self { quick, out: out.unwrap_or(usual) }
    }

    /// Returns the number of rounds. Every contender takes one turn in each.
    #[must_use]
    pub fn rounds(&self) -> usize {
        if self.quick { 7 } else { 61 }
    }

    /// Returns the duration of one contender's turn.
    #[must_use]
    pub fn turn(&self) -> Duration {
        Duration::from_millis(if self.quick { 1 } else { 4 })
    }
}
