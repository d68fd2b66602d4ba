//! Care of the local store and of registries: listing, removing, checking, indexes, pinned references, diagnosis.

mod attached_remote;
mod created;
mod doctor;
mod fsck;
mod index;
mod list;
mod prune;
mod remove;
mod remove_remote;
mod update;

pub use attached_remote::{AttachedManifest, attached_remote, remove_attached};
pub use created::creation_times;
pub use doctor::{Diagnosis, DoctorTarget, ProbeMode, diagnose};
pub use fsck::{Checked, check};
pub use index::{Additions, add_to_index, create_index, remove_from_index};
pub use list::{Listed, list_layout, list_local, list_remote};
pub use prune::{PruneOptions, prunable, prune};
pub use remove::{Removable, Removal, Removed, find_by_prefix, removable, remove};
pub use remove_remote::{Untagged, find_remote, remove_remote, tags_of, untag_remote};
pub use update::{Pin, Unpinned, UpdateOptions, pins};
