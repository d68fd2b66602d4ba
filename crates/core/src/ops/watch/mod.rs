//! Watching tags and versions in registries, and delivering what happens to them.

mod backoff;
mod command;
mod delivery;
mod error;
mod event;
mod plan;
mod poll;
mod sink;
mod state;
mod watching;
mod webhook;

pub use command::CommandSink;
pub use error::WatchError;
pub use event::{AttachedKind, EventKind, WatchEvent};
pub use plan::{InvalidTarget, WatchTarget};
pub use sink::{EventSink, SinkError};
pub use watching::{WatchMode, WatchOptions, watch};
pub use webhook::WebhookSink;
