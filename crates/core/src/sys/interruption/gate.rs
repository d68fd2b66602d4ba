//! Decides when a signal may end the process.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Shared by the steps that a signal must not divide. An interruption takes it exclusively and never releases it.
static GATE: RwLock<()> = RwLock::new(());

/// Does `step` as a whole: a signal that arrives in the meantime ends the process after it.
///
/// The step must be short, and must not contain another one: the second would wait for the interruption, which waits
/// for the first.
pub fn uninterrupted<T>(step: impl FnOnce() -> T) -> T {
    let _pass = pass();
    step()
}

/// Stops the calling thread for good if a signal is ending the process.
pub fn wait_if_interrupted() {
    drop(pass());
}

fn pass() -> RwLockReadGuard<'static, ()> {
    GATE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until no step is in progress, and prevents further ones.
pub(super) fn close() -> RwLockWriteGuard<'static, ()> {
    GATE.write().unwrap_or_else(PoisonError::into_inner)
}
