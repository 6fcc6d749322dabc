//! Items that only adapters need, to put a [`Gate`](crate::Gate) in front of a framework.
//!
//! An adapter implements [`RequestView`] for the framework's request, calls
//! [`Gate::admit`](crate::Gate::admit), acts on the [`Decision`], and turns a [`Rejection`](crate::Rejection)
//! into the framework's response. Applications do not need this module.

pub use crate::cache_control::forbids_shared_caching;
pub use crate::gate::Decision;
pub use crate::per_thread_arc::PerThreadArc;
pub use crate::problem::{ProblemDetails, ProblemType};
pub use crate::request::RequestView;
pub use crate::response_marks::ResponseMarks;
pub use crate::source::find_cookie;
pub use crate::token::CompactToken;
