//! The check of the bundle of an MCP server, as KitOps does it before it writes any layer.

use std::path::Path;

use rawzip::{RECOMMENDED_BUFFER_SIZE, ZipArchive};

use crate::limits;
use crate::relative_path::RelativePath;

/// The file that every bundle has at its root (MCPB, "Bundle structure").
const MANIFEST: &[u8] = b"manifest.json";

/// The reason why a file is not the bundle of an MCP server.
#[derive(Debug, thiserror::Error)]
pub enum InvalidMcpBundle {
    /// The file does not exist or cannot be read.
    #[error("failed to read MCP bundle {0}")]
    Unreadable(String, #[source] std::io::Error),
    /// The path is a folder, a link or a device.
    #[error("MCP bundle path {0} must be a single .mcpb file")]
    NotAFile(String),
    /// The file is not a ZIP archive.
    #[error("MCP bundle {0} is not a valid ZIP archive")]
    NotZip(String, #[source] rawzip::Error),
    /// The archive has no manifest.
    #[error("MCP bundle {0} does not contain a manifest.json at its root")]
    NoManifest(String),
}

/// Fails if the file `path` in `folder` is not a valid bundle. The content of its manifest does not matter.
pub fn check_mcp_bundle(folder: &Path, path: &RelativePath) -> Result<(), InvalidMcpBundle> {
    let (file, shown) = (path.join_to(folder), || path.to_string());
    let metadata = fs_err::symlink_metadata(&file).map_err(|error| InvalidMcpBundle::Unreadable(shown(), error))?;
    if !metadata.is_file() {
        return Err(InvalidMcpBundle::NotAFile(shown()));
    }
    let file = fs_err::File::open(&file).map_err(|error| InvalidMcpBundle::Unreadable(shown(), error))?;
    let has_manifest = has_manifest(file.into()).map_err(|error| InvalidMcpBundle::NotZip(shown(), error))?;
    if has_manifest { Ok(()) } else { Err(InvalidMcpBundle::NoManifest(shown())) }
}

fn has_manifest(file: std::fs::File) -> Result<bool, rawzip::Error> {
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let archive = ZipArchive::from_file(file, &mut buffer)?;
    let mut entries = archive.entries(&mut buffer);
    let mut left = limits::MCP_BUNDLE_ENTRIES;
    while let Some(entry) = entries.next_entry()?.filter(|_| left > 0) {
        left -= 1;
        if entry.file_path().as_ref() == MANIFEST {
            return Ok(true);
        }
    }
    Ok(false)
}
