//! Copying artifacts between places: push, pull, tag and the plans of a dry run.

mod companions;
mod copy;
mod copy_set;
mod copying;
mod delta;
mod forms;
mod index_only;
mod levels;
mod materialize;
mod origins;
mod plan;
mod pull;
mod pushed_tag;
pub(super) mod referrers;
mod tag;
mod tracked;
mod turns;

pub use companions::is_signed;
pub use copy::{BlobAction, Copied, CopyOptions, copy, copy_unless};
pub(crate) use copy::{Brought, bring};
pub(crate) use copy_set::CopySet;
pub(crate) use copying::Copying;
pub(crate) use delta::{DeltaSource, Older};
pub use delta::{Fetch, Taken};
pub use forms::{FORM_SUFFIXES, IMAGE_SUFFIX, MODELKIT_SUFFIX, MODELPACK_SUFFIX, OtherForm, other_forms};
pub(crate) use forms::{own_forms, stale_forms};
pub use index_only::{pull_index, push_index};
pub use materialize::{Materialized, materialize};
pub use origins::Origins;
pub use plan::{Plan, PlanTarget, PlannedBlob, plan};
pub(crate) use pull::discard_if_refused;
pub use pull::{Wanted, plan_pull, pull};
pub use pushed_tag::PushedTag;
pub use referrers::Carry;
pub(crate) use referrers::copy_attached;
pub use tag::tag;
