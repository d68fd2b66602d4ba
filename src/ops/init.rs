//! Writing a first Kitfile for a folder.

use std::path::{Path, PathBuf};

use fs_err as fs;

use super::Error;
use crate::kitfile::{self, Kitfile};

/// For which folder, and what the user says of it.
#[derive(Debug, Clone, Default)]
pub struct InitOptions {
    /// The folder.
    pub folder: PathBuf,
    /// The package name.
    pub name: Option<String>,
    /// The package description.
    pub description: Option<String>,
    /// The author.
    pub author: Option<String>,
}

/// Drafts a Kitfile from the names of the files in the folder and one level below. Nothing is written.
pub fn init(options: &InitOptions) -> Result<Kitfile, Error> {
    let mut listing = list(&options.folder)?;
    for found in &mut listing {
        if let kitfile::FoundKind::Folder(inside) = &mut found.kind {
            *inside = list(&options.folder.join(&found.name))?;
        }
    }
    let license = find_license(&options.folder, &listing)?;
    let mut kitfile = kitfile::detect(&listing, license);
    let package = &mut kitfile.package;
    for (field, given) in [(&mut package.name, &options.name), (&mut package.description, &options.description)] {
        if let Some(given) = given {
            field.clone_from(given);
        }
    }
    package.authors.extend(options.author.clone().filter(|author| !author.is_empty()));
    Ok(kitfile)
}

/// What is directly in a folder; folders in it are taken for empty. Names that are not UTF-8 are no matter for a Kitfile.
fn list(folder: &Path) -> Result<Vec<kitfile::Found>, Error> {
    let mut listing = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        let kind = if metadata.is_dir() {
            kitfile::FoundKind::Folder(Vec::new())
        } else if metadata.is_file() {
            kitfile::FoundKind::File { size: metadata.len() }
        } else {
            kitfile::FoundKind::Other
        };
        if let Ok(name) = entry.file_name().into_string() {
            listing.push(kitfile::Found { name, kind });
        }
    }
    Ok(listing)
}

fn find_license(folder: &Path, listing: &[kitfile::Found]) -> Result<Option<&'static str>, Error> {
    let is_license = |found: &&kitfile::Found| {
        matches!(found.kind, kitfile::FoundKind::File { .. }) && kitfile::is_license_file(&found.name)
    };
    for found in listing.iter().filter(is_license) {
        let text = fs::read(folder.join(&found.name))?;
        if let Some(license) = kitfile::detect_license(&String::from_utf8_lossy(&text)) {
            return Ok(Some(license));
        }
    }
    Ok(None)
}
