//! [`Contender`]s that take turns, and their results as [`Rounds`].

use std::hint::black_box;
use std::time::Instant;

use crate::options::Options;

/// A named function to measure.
pub struct Contender<'a> {
    name: String,
    run: Box<dyn FnMut(u32) + 'a>,
}

impl<'a> Contender<'a> {
    /// Creates a contender from a function that runs once. Its result is computed in full and dropped.
    pub fn new<T>(name: impl Into<String>, mut run: impl FnMut() -> T + 'a) -> Self {
        Self::repeating(name, move |runs| {
            for _ in 0..runs {
                black_box(run());
            }
        })
    }

    /// Creates a contender from a function that runs the given number of times.
    pub fn repeating(name: impl Into<String>, run: impl FnMut(u32) + 'a) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs the function `runs` times, for a profiler.
    pub fn run(&mut self, runs: u32) {
        (self.run)(runs);
    }

    /// Returns nanoseconds per run, over `runs` runs.
    fn time(&mut self, runs: u32) -> f64 {
        let start = Instant::now();
        (self.run)(runs);
        start.elapsed().as_nanos() as f64 / f64::from(runs)
    }

    /// Returns the number of runs that fill a turn.
    fn calibrate(&mut self, options: &Options) -> u32 {
        let turn = options.turn().as_nanos() as f64;
        let mut runs = 1;
        while self.time(runs) * f64::from(runs) * 2.0 < turn {
            runs *= 2;
        }
        runs
    }
}

/// A median with its tenth and ninetieth percentile.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Spread {
    /// Computes the spread of the values.
    ///
    /// # Panics
    /// If there are no values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |part: f64| values[((values.len() - 1) as f64 * part).round() as usize];
        Self { median: at(0.5), low: at(0.1), high: at(0.9) }
    }

    /// Formats the spread as a ratio: `1.52× (1.48 to 1.60)`.
    #[must_use]
    pub fn ratio(&self) -> String {
        format!("{}× ({} to {})", significant(self.median), significant(self.low), significant(self.high))
    }
}

/// Formats a value with three significant digits, and without decimals from 100 on.
fn significant(value: f64) -> String {
    match value.abs() {
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.0995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Formats nanoseconds in nanoseconds or microseconds.
#[must_use]
pub fn nanoseconds(value: f64) -> String {
    if value.abs() < 1000.0 {
        format!("{value:.0} ns")
    } else {
        format!("{} µs", significant(value / 1000.0))
    }
}

/// Formats a number with separators for thousands.
#[must_use]
pub fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The results: nanoseconds per run, for every contender in every round.
pub struct Rounds {
    names: Vec<String>,
    times: Vec<Vec<f64>>,
}

impl Rounds {
    /// Runs all contenders in turn, for all rounds.
    pub fn run(options: &Options, mut contenders: Vec<Contender<'_>>) -> Self {
        let runs: Vec<u32> = contenders.iter_mut().map(|contender| contender.calibrate(options)).collect();
        let mut times = vec![Vec::with_capacity(options.rounds()); contenders.len()];
        for _ in 0..options.rounds() {
            for ((contender, runs), times) in contenders.iter_mut().zip(&runs).zip(&mut times) {
                times.push(contender.time(*runs));
            }
        }
        Self { names: contenders.into_iter().map(|contender| contender.name).collect(), times }
    }

    /// Returns the names of the contenders, in the order of their turns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    fn times(&self, name: &str) -> &[f64] {
        let at = self.names.iter().position(|known| known == name);
        &self.times[at.unwrap_or_else(|| panic!("no contender `{name}`"))]
    }

    /// Returns nanoseconds per run.
    #[must_use]
    pub fn time(&self, name: &str) -> Spread {
        Spread::of(self.times(name).iter().copied())
    }

    /// Returns the time of `name` divided by that of `other`, round by round.
    #[must_use]
    pub fn ratio(&self, name: &str, other: &str) -> Spread {
        Spread::of(self.times(name).iter().zip(self.times(other)).map(|(own, other)| own / other))
    }

    /// Returns the time of `name` beyond that of `base` in nanoseconds, round by round.
    #[must_use]
    pub fn added(&self, name: &str, base: &str) -> Spread {
        Spread::of(self.beyond(name, base))
    }

    /// Returns the time that `name` adds to its base, divided by the time that `other` adds to its own, round
    /// by round.
    #[must_use]
    pub fn added_ratio(&self, [name, base]: [&str; 2], [other, others_base]: [&str; 2]) -> Spread {
        let other = self.beyond(other, others_base);
        Spread::of(self.beyond(name, base).zip(other).map(|(own, other)| own / other))
    }

    fn beyond(&self, name: &str, base: &str) -> impl Iterator<Item = f64> {
        self.times(name).iter().zip(self.times(base)).map(|(own, base)| own - base)
    }
}
