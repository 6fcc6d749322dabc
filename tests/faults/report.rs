//! [`Report`]: the answers under each fault, as a Markdown table.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tollgate_tests::requests::Answered;

use crate::fault::{Fault, millis};

/// The variable with the path of the table. Without it no table is written.
const PATH: &str = "TOLLGATE_FAULTS_REPORT";

/// One row of the table.
pub(crate) struct Row(String);

/// The rows so far. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Report(Arc<Mutex<Vec<Row>>>);

impl Row {
    pub(crate) fn new(
        fault: &Fault,
        fetches: u64,
        known: &[Answered],
        new: &[Answered],
        forged: &[Answered],
    ) -> Self {
        let cell = |answers: &[Answered]| {
            let slowest = answers.iter().map(|answer| answer.took).max().unwrap_or_default();
            format!("{}, {} ms", answers.first().map_or(0, |answer| answer.status), millis(slowest))
        };
        let (name, outcome) = (fault.name, fault.outcome);
        Self(format!(
            "| {name} | {outcome} | {fetches} | {} | {} | {} |",
            cell(known),
            cell(new),
            cell(forged)
        ))
    }

    /// Returns the row that compares valid requests alone with those during a flood of forged ones.
    pub(crate) fn flood(fetches: u64, alone: &[Duration], beside: &[Duration]) -> Self {
        let cell = |times: &[Duration]| {
            let mut times = times.to_vec();
            times.sort();
            let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_micros();
            format!("200, median {} µs, 99 % {} µs", at(50), at(99))
        };
        Self(format!(
            "| sees 10,000 forged key IDs | unchanged | {fetches} | {} alone; {} beside them | | 401 |",
            cell(alone),
            cell(beside)
        ))
    }
}

impl Report {
    pub(crate) fn add(&self, row: Row) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(row);
    }

    /// Writes the table if [`PATH`] is set.
    pub(crate) fn write(&self) {
        let Ok(path) = std::env::var(PATH) else { return };
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        let mut table = String::from(
            "Status and slowest answer; 50 requests with a cached key, 6 with a new one, 51 with forged key IDs.\n\n\
             | the issuer | refresh | fetches | cached key | new key | forged key ID |\n|---|---|---|---|---|---|\n",
        );

        for row in rows.iter() {
            writeln!(table, "{}", row.0).expect("a string");
        }
        std::fs::write(&path, table).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}
