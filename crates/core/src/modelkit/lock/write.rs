//! Writing a lock: a first line with the version, then one record on each line, with words separated by spaces.
//!
//! ```text
//! Kitfile.lock 1
//! manifest DIGEST
//! kitfile DIGEST
//! parent DIGEST REFERENCE
//! holds PATH
//! remote SIZE|- DIGEST PATH ADDRESS
//! layer SECTION PATH NAME MEDIA-TYPE DIGEST DIFF-ID
//! folder MODE PATH
//! file MODE SIZE DIGEST PATH
//! ```
//!
//! The `holds` records of a parent follow it, and the folders and files of a layer follow the layer. Digests are
//! `sha256:` and 64 digits, the mode is octal, and a missing name or diff ID is `-`.

use std::fmt;

use super::document::{Lock, LockedFile, LockedFolder, LockedLayer, LockedParent, LockedRemote};
use super::word::to_word;

/// The first line with the version.
pub(super) const VERSION_LINE: &str = "Kitfile.lock 1";

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { manifest, kitfile, parents, remotes, layers } = self;
        writeln!(f, "{VERSION_LINE}\nmanifest {manifest}\nkitfile {kitfile}")?;
        for LockedParent { reference, manifest, paths } in parents {
            writeln!(f, "parent {manifest} {}", to_word(reference))?;
            for path in paths {
                writeln!(f, "holds {}", to_word(path.as_str()))?;
            }
        }
        for LockedRemote { path, address, digest, size } in remotes {
            let size = size.map_or_else(|| "-".to_owned(), |size| size.to_string());
            writeln!(f, "remote {size} {digest} {} {}", to_word(path.as_str()), to_word(address))?;
        }
        layers.iter().try_for_each(|layer| write_layer(layer, f))
    }
}

fn write_layer(layer: &LockedLayer, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let LockedLayer { section, path, name, media_type, digest, diff_id, folders, files } = layer;
    let (path, name, media_type) = (to_word(path.as_str()), to_word(name), to_word(media_type.as_str()));
    let diff_id = to_word(&diff_id.map(|digest| digest.to_string()).unwrap_or_default());
    writeln!(f, "layer {} {path} {name} {media_type} {digest} {diff_id}", section.key())?;
    for LockedFolder { path, mode } in folders {
        writeln!(f, "folder {mode:o} {}", to_word(path.as_str()))?;
    }
    for LockedFile { path, mode, size, digest } in files {
        writeln!(f, "file {mode:o} {size} {digest} {}", to_word(path.as_str()))?;
    }
    Ok(())
}
