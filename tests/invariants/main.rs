//! Rules for the source tree that the compiler does not check.

mod exports;
mod imports;
mod prose;
mod purity;
mod secrets;
mod sources;
