//! Tar as Go's `archive/tar` writes it: headers, PAX records, writing, and reading without trust.

mod header;
mod known;
mod listing;
mod members;
mod records;
mod writer;

pub(crate) use header::{BLOCK, Header, KITOPS_OWNER, padding};
pub use known::KnownTar;
pub use listing::{LayerMember, Listing};
pub(crate) use members::{Member, Members};
pub(crate) use records::Records;
pub use writer::TarWriter;
