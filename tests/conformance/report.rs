//! [`Report`]: the outcome of every case in every adapter, as a Markdown table.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

/// The variable with the path of the table. Without it no table is written.
const PATH: &str = "TOLLGATE_CONFORMANCE_REPORT";

/// The outcomes so far. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Report(Arc<Mutex<Vec<Cell>>>);

struct Cell {
    case: String,
    adapter: &'static str,
    outcome: Outcome,
}

/// The outcome of a case in an adapter.
#[derive(Clone, Copy)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    /// The adapter's protocol cannot express the case, for this reason.
    NotApplicable(&'static str),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("ok"),
            Self::Failed => f.write_str("**FAILED**"),
            Self::NotApplicable(reason) => write!(f, "n/a: {reason}"),
        }
    }
}

/// Records the outcome of one case in one adapter.
pub(crate) struct Row {
    report: Report,
    case: String,
    adapter: &'static str,
}

impl Report {
    pub(crate) fn row(&self, case: &str, adapter: &'static str) -> Row {
        Row { report: self.clone(), case: case.to_owned(), adapter }
    }

    /// Writes the table if [`PATH`] is set.
    pub(crate) fn write(&self) {
        let Ok(path) = std::env::var(PATH) else { return };
        std::fs::write(&path, self.table()).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    fn table(&self) -> String {
        let cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let adapters: BTreeSet<&str> = cells.iter().map(|cell| cell.adapter).collect();
        let cases: BTreeSet<&str> = cells.iter().map(|cell| cell.case.as_str()).collect();
        let mut table =
            format!("| case | {} |\n|---|", adapters.iter().copied().collect::<Vec<_>>().join(" | "));
        table.push_str(&"---|".repeat(adapters.len()));

        for case in cases {
            write!(table, "\n| {case} |").expect("a string");
            for adapter in &adapters {
                let cell = cells.iter().find(|cell| cell.case == case && cell.adapter == *adapter);
                let mark = cell.map_or_else(|| "not run".to_owned(), |cell| cell.outcome.to_string());
                write!(table, " {mark} |").expect("a string");
            }
        }

        table.push('\n');
        table
    }
}

impl Row {
    pub(crate) fn record(&self, outcome: Outcome) {
        let cell = Cell { case: self.case.clone(), adapter: self.adapter, outcome };
        self.report.0.lock().unwrap_or_else(PoisonError::into_inner).push(cell);
    }
}
