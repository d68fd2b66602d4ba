//! Tar as Go's `archive/tar` writes it: headers, PAX records, a writer, and a reader of untrusted archives.

mod header;
mod known;
mod listing;
mod members;
mod records;
mod writer;

pub(crate) use header::{BLOCK, Header, KITOPS_OWNER, padding};
pub use known::{KnownTar, file_header};
pub use listing::{LayerMember, Listing};
pub(crate) use members::{Member, Members};
pub(crate) use records::Records;
pub use writer::TarWriter;
