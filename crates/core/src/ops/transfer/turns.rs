//! The order of the blobs of a copy when other processes copy some of them at the same time.

use crate::oci::{Descriptor, Target};
use crate::ops::error::Error;
use crate::ops::workers;

/// Does `work` on every item, whose blob is `blob(item)`, with at most `jobs` threads, and returns the results in the
/// order of the items. Blobs that another process is writing come last, so that several processes share the
/// transfers instead of waiting for each other. Before such an item, `wait` waits for the other process.
pub(super) fn run<'i, I: Sync, T: Send>(
    (target, jobs): (&dyn Target, usize),
    items: &'i [I],
    blob: impl Fn(&'i I) -> &'i Descriptor + Sync,
    wait: impl Fn(&'i Descriptor) -> Result<(), Error> + Sync,
    work: impl Fn(&'i I) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let mut results = workers::run(jobs, items, |item| {
        let is_elsewhere = target.is_written_elsewhere(blob(item)).map_err(|error| Error::writing("a blob", error))?;
        if is_elsewhere { Ok(None) } else { work(item).map(Some) }
    })?;
    let late: Vec<_> = items.iter().zip(&mut results).filter(|(_, result)| result.is_none()).collect();
    let items: Vec<_> = late.iter().map(|(item, _)| *item).collect();
    let done = workers::run(jobs, &items, |item| {
        wait(blob(item))?;
        work(item)
    })?;
    for ((_, slot), result) in late.into_iter().zip(done) {
        *slot = Some(result);
    }
    Ok(results.into_iter().flatten().collect())
}
