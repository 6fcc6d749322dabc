//! The pool, with work that waits until it is let go.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::*;
use crate::accounts::passwords::HashCost;

/// Long enough for any machine; where time matters it is Tokio's paused one.
const FOREVER: Duration = Duration::from_secs(3600);

fn settings(threads: usize) -> PasswordSettings {
    PasswordSettings::default()
        .with_cost(HashCost::insecure_for_tests())
        .with_threads(threads)
        .with_queue(64)
        .with_wait(FOREVER)
}

fn pool(settings: &PasswordSettings) -> Arc<Pool> {
    Arc::new(Pool::spawn(settings).unwrap())
}

/// Work that says when it begins, and goes on when it is told to.
struct Gate {
    begun: mpsc::Receiver<()>,
    begin: mpsc::Sender<()>,
    open: Arc<(Mutex<bool>, Condvar)>,
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Gate {
    fn closed() -> Self {
        let (begin, begun) = mpsc::channel();
        Self { begun, begin, open: Arc::default(), running: Arc::default(), most: Arc::default() }
    }

    fn work(&self) -> impl FnOnce(&mut Buffer) -> Option<Tag> + Send + use<> {
        let (begin, open) = (self.begin.clone(), Arc::clone(&self.open));
        let (running, most) = (Arc::clone(&self.running), Arc::clone(&self.most));
        move |_buffer| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst).saturating_add(1), Ordering::SeqCst);
            begin.send(()).unwrap();
            let (is_open, wake) = &*open;
            drop(wake.wait_while(is_open.lock().unwrap(), |is_open| !*is_open).unwrap());
            running.fetch_sub(1, Ordering::SeqCst);
            Some(Zeroizing::new(vec![1]))
        }
    }

    fn open(&self) {
        *self.open.0.lock().unwrap() = true;
        self.open.1.notify_all();
    }

    /// Occupies a thread.
    async fn occupy(&self, pool: &Arc<Pool>) -> JoinHandle<Result<Tag, HashPoolBusy>> {
        let caller = self.call(pool);
        while self.begun.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        caller
    }

    fn call(&self, pool: &Arc<Pool>) -> JoinHandle<Result<Tag, HashPoolBusy>> {
        let (pool, work) = (Arc::clone(pool), self.work());
        tokio::spawn(async move { pool.compute(work).await })
    }
}

/// Lets all tasks that can run do so.
async fn settle() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_flood_is_bounded_and_the_rest_is_told_so() {
    let (pool, gate) = (pool(&settings(2)), Gate::closed());
    let mut callers = vec![gate.occupy(&pool).await, gate.occupy(&pool).await];
    callers.extend((2..500).map(|_| gate.call(&pool)));
    settle().await;
    let counts = pool.counts();
    assert_eq!((counts.waiting, counts.refused), (64, 500 - 2 - 64));
    gate.open();
    let mut answered = 0;
    for caller in callers {
        match caller.await.unwrap() {
            Ok(_) => answered += 1,
            Err(busy) => assert_eq!(busy.retry_after, Duration::from_secs(2)),
        }
    }
    let counts = pool.counts();
    assert_eq!((answered, counts.computed, counts.waiting), (66, 66, 0));
    assert_eq!(gate.most.load(Ordering::SeqCst), 2, "as many at the same time as there are threads");
    assert_eq!(counts.buffers, 2, "and as many pieces of memory");
    assert!(pool.compute(gate.work()).await.is_ok(), "it goes on afterwards");
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_told_so_and_who_has_begun_is_not() {
    let (pool, gate) = (pool(&settings(1).with_wait(Duration::from_secs(1))), Gate::closed());
    let begun = gate.occupy(&pool).await;
    let before = Instant::now();
    assert!(gate.call(&pool).await.unwrap().is_err());
    assert_eq!(before.elapsed(), Duration::from_secs(1));
    gate.open();
    assert!(begun.await.unwrap().is_ok());
    // Paused time runs on whenever the runtime has nothing to do, sometimes before the thread has looked.
    while pool.compute(gate.work()).await.is_err() {}
    assert_eq!(pool.counts().computed, 2, "nothing was computed for who was told so");
}

#[tokio::test]
async fn who_goes_away_costs_neither_a_place_nor_a_hash() {
    let (pool, gate) = (pool(&settings(1)), Gate::closed());
    let begun = gate.occupy(&pool).await;
    for _ in 0..3 {
        let callers: Vec<_> = (0..64).map(|_| gate.call(&pool)).collect();
        settle().await;
        assert_eq!(pool.counts().waiting, 64);
        for caller in callers {
            caller.abort();
            assert!(caller.await.unwrap_err().is_cancelled());
        }
        assert_eq!(pool.counts().waiting, 0);
    }
    let last = gate.call(&pool);
    settle().await;
    gate.open();
    assert!(begun.await.unwrap().is_ok() && last.await.unwrap().is_ok());
    assert_eq!((pool.counts().computed, pool.counts().refused), (2, 0));
}

#[tokio::test]
async fn work_that_panics_costs_no_thread() {
    let pool = pool(&settings(1));
    let gate = Gate::closed();
    gate.open();
    for _ in 0..3 {
        assert!(pool.compute(|_buffer| panic!("a bug")).await.is_err());
        assert!(pool.compute(gate.work()).await.is_ok());
    }
}

#[tokio::test]
async fn threads_end_with_the_pool() {
    let (pool, gate) = (pool(&settings(2)), Gate::closed());
    let first = gate.occupy(&pool).await;
    let second = gate.occupy(&pool).await;
    // It lies in the queue, and is dropped with it.
    let (held, gone) = mpsc::channel::<()>();
    let queued = {
        let pool = Arc::clone(&pool);
        tokio::spawn(async move {
            pool.compute(move |_buffer| {
                drop(held);
                None
            })
            .await
        })
    };
    settle().await;
    for caller in [queued, first, second] {
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
    }
    drop(pool);
    gate.open();
    assert_eq!(gone.recv_timeout(FOREVER), Err(mpsc::RecvTimeoutError::Disconnected));
}
