//! Scanning a folder, a file or a ModelKit. Nothing is loaded or executed.

mod entry;
mod first_bytes;
mod folder;
mod licenses;
mod modelkit;
mod result;
mod spool;

pub use entry::scan_entry;
pub(crate) use entry::scan_one;
pub use first_bytes::FirstBytes;
pub use folder::{FolderFiles, ScannedFolder, scan_file, scan_folder};
pub(crate) use licenses::{LicenseFile, is_license_name, license_file, licenses};
pub use modelkit::scan_modelkit;
pub(crate) use modelkit::{scan_layer, scan_outside_layers};
pub use result::{FileFinding, ScanOptions, Scanned, SkippedPath};
