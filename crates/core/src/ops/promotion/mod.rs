//! Promotions: moving a tag in a registry to a ModelKit, with its other forms and a record, and moving it back.

mod checklist;
mod move_tags;
mod promote;
mod record;
mod rollback;

pub use checklist::Checklist;
pub use move_tags::{Addition, Promoted};
pub use promote::{PromoteOptions, Promotion, TagMove, prepare_promotion};
pub use record::{RecordKey, Recorder};
pub use rollback::prepare_rollback;
