//! The question that every operation asks the policies before it uses a ModelKit.

mod admission;
mod content;
mod judged;
mod making;
mod remote_data;
mod single;
mod subject;

pub(crate) use admission::{Admission, admit_documents, admit_from, admit_renaming, examine_as, judge};
pub use admission::{admit, admit_copy, admit_to_read, check_policies, is_policy_asked, requires_attached};
pub(super) use judged::Applied;
pub use judged::Judged;
pub(crate) use judged::enforce;
pub(crate) use making::{admit_files, admit_new_form, refuse_unread};
pub use making::{admit_packing, warn_of_policies};
pub(crate) use remote_data::admit_remote_file;
pub use single::admit_form;
pub(crate) use single::{admit_index, admit_recalls};
