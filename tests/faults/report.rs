//! [`Report`]: faults and their answers as a table, for people.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tollgate_conformance::requests::Answered;

use crate::fault::{Fault, millis};

/// Where the table goes, as Markdown. Not written unless it is set.
const PATH: &str = "TOLLGATE_FAULTS_REPORT";

/// One line.
pub(crate) struct Row(String);

/// What became of each fault.
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

    /// Good requests alone, and beside a flood of forged ones.
    pub(crate) fn flood(fetches: u64, alone: &[Duration], beside: &[Duration]) -> Self {
        let cell = |times: &[Duration]| {
            let mut times = times.to_vec();
            times.sort();
            let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_micros();
            format!("200, median {} µs, 99 % {} µs", at(50), at(99))
        };
        Self(format!(
            "| 10,000 forged key ids | unchanged | {fetches} | {} alone; {} beside them | | 401 |",
            cell(alone),
            cell(beside)
        ))
    }
}

impl Report {
    pub(crate) fn add(&self, row: Row) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(row);
    }

    /// Writes the table if somebody wants it.
    pub(crate) fn write(&self) {
        let Ok(path) = std::env::var(PATH) else { return };
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        let mut table = String::from(
            "Status and slowest answer; 50 requests with a known key, 6 with a new one, 51 with forged key ids.\n\n\
             | the issuer | refresh | fetches | known key | new key | forged key id |\n|---|---|---|---|---|---|\n",
        );
        for row in rows.iter() {
            writeln!(table, "{}", row.0).expect("a string");
        }
        std::fs::write(&path, table).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}
