//! Side by side: contenders take turns in one process, so that what disturbs one disturbs all, and what is reported is
//! ratios of medians with their spread, not absolute times of one machine.

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
