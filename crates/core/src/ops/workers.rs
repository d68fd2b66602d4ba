//! A bounded pool of threads for independent tasks. No other module in `ops` spawns threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The number of layers that are processed at the same time: one per core, limited to keep the memory for their buffers
/// (about 12 MiB each) small.
pub fn jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(4)
}

/// The number of layers that are read or written at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jobs {
    /// For large layers, whose buffers and computations set the limit.
    pub large: usize,
    /// For layers of at most [`SMALL_BYTES`], for which the round trips to a registry do.
    pub small: usize,
}

/// The largest size of a layer for which the buffers are negligible.
const SMALL_BYTES: u64 = 1024 * 1024;

impl Default for Jobs {
    /// The numbers for layers in the local store.
    fn default() -> Self {
        Self { large: jobs(), small: jobs() }
    }
}

impl Jobs {
    /// Does `work` on every item like [`run`], first on the small ones, and returns the results in the order of the
    /// items. `bytes` returns the size of an item.
    pub(super) fn run<I: Sync, T: Send, E: Send>(
        self,
        items: &[I],
        bytes: impl Fn(&I) -> u64,
        work: impl Fn(&I) -> Result<T, E> + Sync,
    ) -> Result<Vec<T>, E> {
        let (small, large): (Vec<_>, Vec<_>) =
            items.iter().enumerate().partition(|(_, item)| bytes(item) <= SMALL_BYTES);
        let mut results: Vec<_> = items.iter().map(|_| None).collect();
        for (jobs, group) in [(self.small, small), (self.large, large)] {
            for (index, result) in run(jobs, &group, |(index, item)| work(item).map(|result| (*index, result)))? {
                results[index] = Some(result);
            }
        }
        Ok(results.into_iter().flatten().collect())
    }
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
    fn small_items_come_first_and_have_their_own_number_of_threads() {
        let (now, most) = (AtomicUsize::new(0), Mutex::new([0, 0]));
        let items = [SMALL_BYTES + 1, 5, SMALL_BYTES, SMALL_BYTES + 2, 7, 8];
        let results = Jobs { large: 1, small: 3 }.run(
            &items,
            |item| *item,
            |item| {
                let count = now.fetch_add(1, Ordering::Relaxed) + 1;
                let kind = &mut most.lock().unwrap()[usize::from(*item > SMALL_BYTES)];
                *kind = count.max(*kind);
                std::thread::sleep(std::time::Duration::from_millis(50));
                now.fetch_sub(1, Ordering::Relaxed);
                Ok::<_, ()>(*item)
            },
        );
        assert_eq!((results, most.into_inner().unwrap()), (Ok(items.to_vec()), [3, 1]));
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
