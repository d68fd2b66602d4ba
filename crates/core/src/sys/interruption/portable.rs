//! Platforms whose standard library does not handle signals: they end the process at once.

/// A signal that ends the process. There is none here.
#[derive(Debug, Clone, Copy)]
pub enum Interruption {}

impl Interruption {
    /// The name of the signal.
    pub fn signal(&self) -> &'static str {
        match *self {}
    }

    /// True if an incomplete download stays in the store.
    pub fn keeps_download(&self) -> bool {
        match *self {}
    }
}

/// Does nothing: the next run removes what the process leaves.
pub fn on_interruption(_report: impl FnOnce(Interruption) + Send + 'static) {}
