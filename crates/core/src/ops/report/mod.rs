//! The facts for a report on a ModelKit, gathered from its documents and from small parts of its layers.

mod attached;
mod changes;
mod frugal;
mod gather;
mod parts;
mod recall;
mod results;
mod signed;

pub use attached::AttachedRow;
pub use changes::ReportedChanges;
pub use gather::{Report, ReportOptions, Unknown, report};
pub use parts::ReportedPart;
pub use recall::Recall;
pub use results::{Approval, Evaluation, ScanSummary};
pub use signed::{SignedDocument, Standing};
