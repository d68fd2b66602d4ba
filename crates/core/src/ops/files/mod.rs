//! Single files inside layers: listing, reading and copying them, tables of contents, headers of weights.

mod cat;
mod cp;
mod file_location;
mod hash;
mod ignore_rules;
mod layer_reader;
mod local_file;
mod ls;
mod matching;
mod members;
mod model_facts;
mod table_check;
pub(super) mod tables;
mod unverified;
mod weights;
mod whole_blob;

pub use cat::cat;
pub use cp::{CpOptions, Nesting, cp, is_folder};
pub use file_location::{FileLocation, InvalidFileLocation};
pub(crate) use hash::{BUFFER_BYTES, buffer, digest, digest_file};
pub use ignore_rules::IGNORE_FILE;
pub(crate) use ignore_rules::{read_ignore_file, read_ignore_rules};
pub(crate) use local_file::LocalFile;
pub use ls::{ListOptions, ListedFile, ls};
pub(crate) use matching::{may_be_selected, skim_selected};
pub(crate) use members::{Held, Member, PLAIN_FILE, kitfile, read_members, read_through, shape, skim};
pub(crate) use model_facts::{facts, facts_of};
pub(crate) use table_check::{Depth, PassingCheck};
pub(crate) use tables::Headers;
pub(crate) use unverified::Unverified;
pub use weights::{WeighedModel, WeightFile, weigh};
pub(crate) use whole_blob::{TrackedBlobReader, read_whole, verifying};
