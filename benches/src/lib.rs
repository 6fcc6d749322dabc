//! Paired measurements: contenders take turns in one process, so that what disturbs one disturbs all, and what is
//! reported is ratios of medians with their spread, not absolute times of one machine.

use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 41;
const ROUND: Duration = Duration::from_millis(4);

/// One thing to measure.
pub struct Contender<'a> {
    name: &'static str,
    run: Box<dyn FnMut() + 'a>,
}

impl<'a> Contender<'a> {
    pub fn new<T>(name: &'static str, mut run: impl FnMut() -> T + 'a) -> Self {
        Self { name, run: Box::new(move || drop(black_box(run()))) }
    }

    /// Nanoseconds of one run, over so many of them.
    fn time(&mut self, runs: u32) -> f64 {
        let start = Instant::now();
        for _ in 0..runs {
            (self.run)();
        }
        start.elapsed().as_nanos() as f64 / f64::from(runs)
    }

    /// How many runs fill a round.
    fn calibrate(&mut self) -> u32 {
        let mut runs = 1;
        loop {
            let took = self.time(runs) * f64::from(runs);
            if took * 2.0 > ROUND.as_nanos() as f64 {
                return runs;
            }
            runs *= 2;
        }
    }
}

/// What came out for one contender.
pub struct Measured {
    pub name: &'static str,
    pub median_ns: f64,
    /// Time relative to the first contender of the same round: median, tenth and ninetieth percentile.
    pub ratio: [f64; 3],
}

/// Lets all contenders run in turns and prints them, each relative to the first one.
pub fn compare(title: &str, mut contenders: Vec<Contender<'_>>) -> Vec<Measured> {
    let runs: Vec<u32> = contenders.iter_mut().map(Contender::calibrate).collect();
    let mut times = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for _ in 0..ROUNDS {
        for ((contender, runs), times) in contenders.iter_mut().zip(&runs).zip(&mut times) {
            times.push(contender.time(*runs));
        }
    }
    let measured = contenders.iter().zip(&times).map(|(contender, own)| {
        let mut ratios: Vec<f64> = own.iter().zip(&times[0]).map(|(own, first)| own / first).collect();
        let ratio = [0.5, 0.1, 0.9].map(|at| percentile(&mut ratios, at));
        Measured { name: contender.name, median_ns: percentile(&mut own.clone(), 0.5), ratio }
    });
    let measured: Vec<Measured> = measured.collect();
    println!("\n{title}");
    for Measured { name, median_ns, ratio: [median, low, high] } in &measured {
        println!("  {name:<40} {:>9.3} µs   × {median:>7.3}  ({low:.3} to {high:.3})", median_ns / 1000.0);
    }
    measured
}

fn percentile(values: &mut [f64], at: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * at).round() as usize]
}
