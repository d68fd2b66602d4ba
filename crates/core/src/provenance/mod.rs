//! The provenance of a ModelKit, its approvals, evaluations, promotions, recalls and subsets: records that are attached
//! to it as referrers, in the form of in-toto statements.
//!
//! This module works on documents alone, without access to disk, clock or environment.

mod approval;
mod evaluation;
mod import;
mod promotion;
mod recall;
mod record;
mod results;
mod source_url;
mod statement;
mod subset;

pub use approval::{APPROVAL_PREDICATE_TYPE, Approval};
pub use evaluation::{EVALUATION_PREDICATE_TYPE, EvaluatedData, Evaluation, is_called};
pub use import::ImportRecord;
pub use promotion::{AskedPolicy, PROMOTION_ARTIFACT_TYPE, PROMOTION_PREDICATE_TYPE, Promotion};
pub use recall::{RECALL_PREDICATE_TYPE, Recall};
pub use record::{Builder, Commit, Material, Record, Role};
pub use results::{ResultsError, parse_results};
pub use source_url::{SourceUrl, without_secrets};
pub(crate) use statement::PREDICATE_ANNOTATION;
pub use statement::{MEDIA_TYPE, PREDICATE_TYPE};
pub use subset::{SUBSET_ARTIFACT_TYPE, SUBSET_PREDICATE_TYPE, Subset};
