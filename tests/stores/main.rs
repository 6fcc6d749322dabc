//! Every session store passes the suite of `tollgate-testing`. Stores that several processes can share are also tested
//! with several processes, killed processes and failing servers.

mod child;
/// The example of a store in the documentation.
#[expect(dead_code, reason = "`main` is for the example")]
#[path = "../../crates/tollgate-sessions/examples/own_store.rs"]
mod own_store;
#[cfg(unix)]
mod postgres;
mod redis;
mod simulation;
mod sqlite;
mod users;

use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use tollgate_sessions::session::StoreClock;
use tollgate_sessions::store::{MemoryStore, SessionStore};
use tollgate_testing::store_suite::{CASES, StoreCase, StoreUnderTest};

fn main() {
    if let Some(task) = child::task() {
        match task.strip_prefix(users::TASK) {
            Some(path) => users::run(path),
            None => child::run(&task),
        }
        return;
    }

    let arguments = Arguments::from_args();
    let mut trials = suite("memory", |clock| Arc::new(MemoryStore::new().with_clock(clock)));
    trials.extend(suite("own_store", |clock| Arc::new(own_store::MapStore::new(clock))));
    trials.extend(redis::trials());
    trials.extend(sqlite::trials());
    trials.extend(users::trials());
    #[cfg(unix)]
    trials.extend(postgres::trials());
    trials.extend(simulation::trials());

    let conclusion = libtest_mimic::run(&arguments, trials);
    #[cfg(unix)]
    postgres::stop();
    conclusion.exit();
}

/// Returns the cases of the suite, each with a new store.
fn suite(
    name: &str,
    make: impl Fn(StoreClock) -> Arc<dyn SessionStore> + Send + Sync + 'static,
) -> Vec<Trial> {
    let make = Arc::new(make);
    let of = |case: &'static StoreCase| {
        let make = Arc::clone(&make);
        trial(format!("{name}::{}", case.name()), move || {
            runtime().block_on(case.run(StoreUnderTest::new(|clock| make(clock))));
        })
    };
    CASES.iter().map(of).collect()
}

/// Makes a test of a body that panics on failure.
fn trial(name: String, body: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        body();
        Ok(())
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime")
}
