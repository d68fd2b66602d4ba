//! Signed notices about a ModelKit: approvals and recalls, and the question which ModelKits are recalled.

mod approve;
mod mentions;
mod publish;
mod recall;
mod recalled;

pub use approve::{ApproveOptions, approve};
pub use mentions::{InvalidMentions, Mention, mentions};
pub use recall::{RecallOptions, recall};
pub use recalled::{RecallAnswer, RecallQuestion, RecallVerdict, recalled, recalls_of_versions};
