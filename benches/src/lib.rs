//! Side-by-side benchmarks. Contenders take turns in one process, so that a disturbance affects all of them. Reports
//! give ratios with their spread, because absolute times depend on the machine.

pub mod fixtures;
pub mod hand_rolled;
pub mod machine;
mod measure;
mod options;
mod report;
pub mod requests;
pub mod svg;

pub use measure::{Contender, Rounds, Spread, grouped, nanoseconds};
pub use options::Options;
pub use report::Report;
