//! Drafts a first Kitfile for a project from the names of its files and from metadata in the files themselves.

use std::path::PathBuf;

use super::layout::Layout;
use super::model::fill;
use super::model_notes::model_notes;
use super::project::{BELOW, Files, Project, RemoteProject};
use super::{notebooks, skills};
use crate::draft::{self, Detected, Found, FoundKind, ModelCard};
use crate::file_kind;
use crate::kitfile::{Kitfile, Note, Package};
use crate::ops::error::Error;
use crate::upstream::{About, Upstream};

/// A first Kitfile, and comments on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The Kitfile.
    pub kitfile: Kitfile,
    /// The comments to write into it.
    pub notes: Vec<Note>,
    /// The folders that the Kitfile leaves out: checkpoints of a training besides its result.
    pub left_out: Vec<String>,
    /// The files that the Kitfile leaves out because of their names, which are those of files with secrets.
    pub secrets: Vec<String>,
    /// The number of files that are symbolic links to places outside the project.
    pub links_outside: usize,
    /// The symbolic links to nothing, each with its target. The Kitfile leaves them out.
    pub dangling: Vec<(String, PathBuf)>,
}

/// Drafts a Kitfile. Nothing is written, and only the headers of large files are read.
///
/// Names and sizes identify the files ([`draft::detect`]). Licence files give the licence; headers and configurations
/// give the framework, format and size of the model; the front matter of a model card gives the rest. The data that
/// notebooks load is listed in comments. Files get entries of their own down to `depth` levels of folders.
///
/// Fails for a snapshot in the cache of the hub of which a file is missing: its model would not be whole.
pub fn init(project: &dyn Project, depth: usize) -> Result<Draft, Error> {
    let mut secrets = Vec::new();
    let listing = without_secrets(project, project.listing(depth.saturating_add(BELOW))?, "", &mut secrets);
    secrets.sort();
    let dangling = dangling_links(project, &listing, "");
    if let (Some(snapshot), [(path, target), others @ ..]) = (project.snapshot(), &*dangling) {
        let (path, target, more) = (path.clone(), target.clone(), others.len());
        return Err(Error::IncompleteSnapshot { path, target, more, download: snapshot.download() });
    }
    let files = Files::of(project, &listing);
    let layout = Layout::read(&files)?;
    let Detected { mut kitfile, left_out } = draft::detect(&listing, layout.hints(find_license(&files)?, depth));
    if let Some(card) = find_card(&files)? {
        take_over(&mut kitfile, card);
    }
    skills::fill(&files, &listing, &mut kitfile)?;
    let mut notes = Vec::new();
    if let Some(model) = &mut kitfile.model {
        let problem = fill(&files, model, layout.base_model.as_deref())?;
        let texts = problem.into_iter().chain(model_notes(model, layout.base_model.as_deref(), &left_out));
        notes.extend(texts.map(|text| Note { field: "model.path".to_owned(), text }));
    }
    notes.extend(notebooks::notes(&files, &kitfile, depth)?);
    let links_outside = files.paths().filter(|path| project.leads_outside(path)).count();
    Ok(Draft { kitfile, notes, left_out, secrets, links_outside, dangling })
}

/// Returns the listing of the folder at `folder`, which is empty or ends with `/`, without the files that the project
/// leaves out. Their paths are added to `secrets`.
fn without_secrets(project: &dyn Project, listing: Vec<Found>, folder: &str, secrets: &mut Vec<String>) -> Vec<Found> {
    let mut kept = Vec::new();
    for Found { name, kind } in listing {
        let path = format!("{folder}{name}");
        let kind = match kind {
            FoundKind::Folder(inside) => {
                FoundKind::Folder(without_secrets(project, inside, &format!("{path}/"), secrets))
            }
            FoundKind::File { .. } if project.leaves_out(&name) => {
                secrets.push(path);
                continue;
            }
            kind => kind,
        };
        kept.push(Found { name, kind });
    }
    kept
}

/// Returns the links to nothing in the listing of the folder at `folder`, which is empty or ends with `/`.
fn dangling_links(project: &dyn Project, listing: &[Found], folder: &str) -> Vec<(String, PathBuf)> {
    let mut dangling = Vec::new();
    for Found { name, kind } in listing {
        let path = format!("{folder}{name}");
        match kind {
            FoundKind::Folder(inside) => dangling.extend(dangling_links(project, inside, &format!("{path}/"))),
            FoundKind::Other => dangling.extend(project.missing_target(&path).map(|target| (path, target))),
            FoundKind::File { .. } => {}
        }
    }
    dangling.sort();
    dangling
}

/// Drafts a Kitfile for a remote repository. Unless its model card says otherwise, the package gets the name, owner and
/// licence of the repository.
pub fn init_remote(upstream: &dyn Upstream, depth: usize) -> Result<Draft, Error> {
    let About { name, owner, license, .. } = upstream.about();
    let mut draft = init(&RemoteProject(upstream), depth)?;
    let package = &mut draft.kitfile.package;
    if package.name.is_empty() {
        package.name.clone_from(name);
    }
    if package.authors.is_empty() {
        package.authors.extend(owner.clone());
    }
    if package.license.is_empty() {
        package.license = license.as_deref().map(draft::spdx_license).unwrap_or_default();
    }
    Ok(draft)
}

pub(crate) fn find_license(files: &Files<'_>) -> Result<Option<&'static str>, Error> {
    for path in files.at_the_top().filter(|path| file_kind::is_license_file(path)) {
        let text = files.text(path)?;
        if let Some(license) = text.as_deref().and_then(draft::detect_license) {
            return Ok(Some(license));
        }
    }
    Ok(None)
}

fn find_card(files: &Files<'_>) -> Result<Option<ModelCard>, Error> {
    match files.at_the_top().find(|path| path.eq_ignore_ascii_case("readme.md")) {
        Some(path) => Ok(files.text(path)?.as_deref().and_then(ModelCard::read)),
        None => Ok(None),
    }
}

/// Fills in the values of the card: those of the package, and those of the model or else of the only dataset.
fn take_over(kitfile: &mut Kitfile, card: ModelCard) {
    let ModelCard { name, description, license, authors, framework, parameters } = card;
    let license = if license.is_empty() { std::mem::take(&mut kitfile.package.license) } else { license };
    kitfile.package = Package { name, description, license, authors, ..Package::default() };
    let entry = match (&mut kitfile.model, &mut *kitfile.datasets) {
        (Some(model), _) => {
            model.framework = framework;
            Some(&mut model.parameters)
        }
        (None, [dataset]) => Some(&mut dataset.parameters),
        _ => None,
    };
    if let Some(entry) = entry.filter(|_| !parameters.is_empty()) {
        *entry = Some(parameters.into());
    }
}
