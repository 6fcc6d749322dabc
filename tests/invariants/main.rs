//! What must stay true of the source tree, whoever changes it.

mod exports;
mod purity;
mod secrets;
mod sources;
