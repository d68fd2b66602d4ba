//! A bounded pool of threads for independent tasks. No other module in `ops` spawns threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The number of layers that are processed at the same time: one per core, limited to keep the memory for their buffers
/// (about 12 MiB each) small.
pub fn jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(4)
}

/// Does `work` on every item with at most `jobs` threads and returns the results in the order of the items.
///
/// After the first error no further item is started; items that were started are finished.
pub(super) fn run<'i, I: Sync, T: Send, E: Send>(
    jobs: usize,
    items: &'i [I],
    work: impl Fn(&'i I) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let results: Vec<Mutex<Option<Result<T, E>>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let worker = || {
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            let result = work(item);
            if result.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            *results[index].lock().expect("no worker panics while it stores a result") = Some(result);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs.min(items.len()) {
            // Where the system permits no more threads, those that have started do the work.
            if std::thread::Builder::new().spawn_scoped(scope, worker).is_err() {
                break;
            }
        }
        worker();
    });
    let done =
        results.into_iter().filter_map(|slot| slot.into_inner().expect("no worker panics while it stores a result"));
    done.collect()
}

/// Does `first` and `second` at the same time, or one after the other where the system permits no more threads.
pub(super) fn both<A, B: Send>(first: impl FnOnce() -> A, second: impl FnOnce() -> B + Send) -> (A, B) {
    let second = Mutex::new(Some(second));
    let take = || second.lock().expect("no worker panics while it takes its work").take();
    std::thread::scope(|scope| {
        let started = std::thread::Builder::new().spawn_scoped(scope, || take().map(|second| second()));
        let first = first();
        let done = started.ok().and_then(|thread| thread.join().expect("no worker panics"));
        (first, done.unwrap_or_else(|| take().expect("no thread has taken the work")()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_items() {
        let items: Vec<u64> = (0..100).collect();
        assert_eq!(run(4, &items, |item| Ok::<_, ()>(item * 2)), Ok(items.iter().map(|item| item * 2).collect()));
        assert_eq!(run(4, &[], |(): &()| Ok::<_, ()>(())), Ok(Vec::new()));
    }

    #[test]
    fn the_first_error_ends_the_queue() {
        let begun = AtomicUsize::new(0);
        let result = run(1, &[1, 2, 3], |item| {
            begun.fetch_add(1, Ordering::Relaxed);
            if *item == 2 { Err(*item) } else { Ok(()) }
        });
        assert_eq!((result, begun.into_inner()), (Err(2), 2));
    }
}
