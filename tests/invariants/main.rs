//! What must stay true of the source tree, whoever changes it.

mod purity;
mod secrets;
mod sources;
