//! Tests of the pool, with work that blocks until the test opens a gate.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::*;
use crate::accounts::passwords::HashCost;

/// Long enough for any machine. Tests in which time matters use Tokio's paused time.
const FOREVER: Duration = PasswordSettings::MAX_WAIT;

fn settings(threads: usize) -> PasswordSettings {
    let settings = PasswordSettings::default().with_cost(HashCost::insecure_for_tests());
    settings.with_threads(threads).unwrap().with_queue(64).unwrap().with_wait(FOREVER).unwrap()
}

fn pool(settings: &PasswordSettings) -> Arc<Pool> {
    Arc::new(Pool::spawn(settings).unwrap())
}

/// Makes work that reports when it starts, and then blocks until the gate is open.
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

    /// Occupies a thread until the gate is open.
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

/// Lets all tasks run until they wait for something.
async fn settle() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn flood_fills_the_queue_and_the_rest_is_refused() {
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
    assert_eq!(gate.most.load(Ordering::SeqCst), 2, "one hash at a time on each thread");
    assert_eq!(counts.buffers, 2, "one buffer for each thread");
    assert!(pool.compute(gate.work()).await.is_ok(), "the pool works after the flood");
}

#[tokio::test(start_paused = true)]
async fn waiting_job_times_out_and_started_job_does_not() {
    let settings = settings(1).with_wait(Duration::from_secs(1)).unwrap();
    let (pool, gate) = (pool(&settings), Gate::closed());
    let begun = gate.occupy(&pool).await;
    let before = Instant::now();
    assert!(gate.call(&pool).await.unwrap().is_err());
    assert_eq!(before.elapsed(), Duration::from_secs(1));
    gate.open();
    assert!(begun.await.unwrap().is_ok());
    // Paused time advances whenever the runtime is idle, sometimes before the thread has taken the job.
    while pool.compute(gate.work()).await.is_err() {}
    assert_eq!(pool.counts().computed, 2, "a refused job is not computed");
}

#[tokio::test]
async fn canceled_job_frees_its_slot_and_is_not_computed() {
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
async fn panic_does_not_end_the_thread() {
    let pool = pool(&settings(1));
    let gate = Gate::closed();
    gate.open();
    for _ in 0..3 {
        assert!(pool.compute(|_buffer| panic!("a bug")).await.is_err());
        assert!(pool.compute(gate.work()).await.is_ok());
    }
}

#[tokio::test]
async fn dropping_the_pool_ends_its_threads_and_drops_its_queue() {
    let (pool, gate) = (pool(&settings(2)), Gate::closed());
    let first = gate.occupy(&pool).await;
    let second = gate.occupy(&pool).await;
    // This job stays in the queue, and is dropped with it.
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
