//! Packs a folder into a layer, and unpacks it again.
//!
//! Packing walks the folder and writes a tar that equals the one of KitOps byte for byte. Unpacking does not trust its
//! input: nothing is written outside the target folder, and no file gets its final name there before the whole layer
//! has been verified. Memory use does not grow with the size of files, and grows by about 32 bytes with each file.

mod error;
mod ignore;
mod mcp_bundle;
mod pack;
mod reading;
mod tar;
mod unpack;

pub use error::{Conflict, Error, Obstacle};
pub use ignore::{
    IgnoreProblem, IgnoreRules, InvalidPathPattern, LeftOut, PathPatterns, UnmatchedLine, is_left_by_tool,
    translate_gitignore, unmatched_lines,
};
pub use mcp_bundle::{InvalidMcpBundle, check_mcp_bundle};
pub use pack::{Fingerprint, LayerSource, LayerSummary, Links, Measured, Modes, write_layer};
pub use tar::{KnownTar, LayerMember, Listing, TarWriter, file_header};
pub use unpack::{
    Danger, Destination, Existing, Extracted, FileInParts, FindPart, LayerShape, Ledger, Overwrite, Placed, Preview,
    Received, SingleFile, UnsafePaths, extract_cloning, extract_file, extract_folder, extract_layer,
};
