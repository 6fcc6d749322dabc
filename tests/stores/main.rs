//! Every session store passes the suite of `tollgate-testing`; those that several processes share also survive being
//! shared, and killed.

mod child;
#[cfg(unix)]
mod postgres;
mod redis;
mod simulation;
mod sqlite;
mod users;

use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use tollgate_sessions::{MemoryStore, SessionStore, StoreClock};
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

/// The whole suite, each case on a new store.
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

/// A trial whose body panics when it fails.
fn trial(name: String, body: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        body();
        Ok(())
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime")
}
