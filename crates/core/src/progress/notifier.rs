//! A receiver of warnings for parts that exist longer than one operation, such as a client or a store.

use std::fmt;
use std::sync::Arc;

use super::warning::Warning;

/// A receiver of warnings that can be cloned and kept. The default ignores them.
#[derive(Clone, Default)]
pub struct Notifier(Option<Arc<Receiver>>);

type Receiver = dyn Fn(&Warning<'_>) + Send + Sync;

impl Notifier {
    /// Creates a notifier that calls `receive` with each warning, in any thread.
    pub fn new(receive: impl Fn(&Warning<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(receive)))
    }

    /// Reports a warning.
    pub fn warn(&self, warning: &Warning<'_>) {
        if let Some(receive) = &self.0 {
            receive(warning);
        }
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notifier")
    }
}
