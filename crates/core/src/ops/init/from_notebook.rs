//! Drafts a Kitfile for a notebook: its code, the data that it loads, the model that it saves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde_json::Value;

use super::draft::{Draft, find_license};
use super::model::fill;
use super::notebooks::in_a_row;
use super::project::{BELOW, Files, Project, ProjectFolder};
use super::requirements::{Requirement, lock_files, requirements};
use crate::file_kind::is_model_file;
use crate::kitfile::{Code, Dataset, Kitfile, Model, ModelPart, Note, Package};
use crate::notebook::{Document, Facts, Module, extract, is_array_name};
use crate::ops::error::Error;
use crate::relative_path::RelativePath;

/// A first Kitfile for a notebook, and the notebook as plain modules.
#[derive(Debug, Clone)]
pub struct NotebookDraft {
    /// The Kitfile and the comments on it.
    pub draft: Draft,
    /// The packages that the notebook imports or installs.
    pub requirements: Vec<Requirement>,
    /// The code as modules; empty if it is not Python.
    pub modules: Vec<Module>,
}

/// Drafts a Kitfile for the notebook called `name` in `folder`; returns `None` if it is not a notebook. Nothing is
/// written, and nothing is executed. Versions of packages come from a lock file in the folder, or from an environment
/// in the folder or among `environments`.
pub fn init_notebook(
    folder: &ProjectFolder,
    name: &str,
    environments: &[PathBuf],
) -> Result<Option<NotebookDraft>, Error> {
    let listing = folder.listing(BELOW)?;
    let files = Files::of(folder, &listing);
    let Some(document) = files.text(name)?.as_deref().and_then(Document::read) else { return Ok(None) };
    let facts = Facts::of(&document);
    let (own, own_paths) = own_modules(&folder.0, &facts);
    let requirements = requirements(&facts, &own, &folder.0, environments);
    let mut plan = Plan { folder: &folder.0, name, kitfile: Kitfile::default(), texts: Vec::new() };
    plan.kitfile.manifest_version.push_str("1.0.0");
    let license = find_license(&files)?.unwrap_or_default().to_owned();
    plan.kitfile.package = Package { license, ..Package::default() };
    let locks = lock_files(&folder.0).into_iter().map(str::to_owned);
    for path in [name.to_owned()].into_iter().chain(own_paths).chain(locks) {
        plan.kitfile.code.push(Code { path, ..Code::default() });
    }
    plan.add_files(&facts);
    let problem = match &mut plan.kitfile.model {
        Some(model) => fill(&files, model, None)?,
        None => None,
    };
    plan.note_cells(&facts, &requirements);
    let field = |field: &str, text: String| Note { field: field.to_owned(), text };
    let mut notes: Vec<_> = problem.into_iter().map(|text| field("model.path", text)).collect();
    notes.extend(plan.texts.into_iter().map(|text| field("code[0].path", text)));
    let (kitfile, left_out, secrets) = (plan.kitfile, Vec::new(), Vec::new());
    let draft = Draft { kitfile, notes, left_out, secrets, links_outside: 0, dangling: Vec::new() };
    let modules = if document.is_python() { extract(&document, name) } else { Vec::new() };
    Ok(Some(NotebookDraft { draft, requirements, modules }))
}

/// The modules of the project that the notebook imports: their names and their paths.
fn own_modules(folder: &Path, facts: &Facts) -> (BTreeSet<String>, Vec<String>) {
    let (mut names, mut paths) = (BTreeSet::new(), Vec::new());
    for module in &facts.modules {
        let file = format!("{module}.py");
        let path = if folder.join(&file).is_file() {
            file
        } else if folder.join(module).is_dir() {
            module.clone()
        } else {
            continue;
        };
        names.insert(module.clone());
        paths.push(path);
    }
    (names, paths)
}

/// A Kitfile that is being drafted.
struct Plan<'a> {
    folder: &'a Path,
    name: &'a str,
    kitfile: Kitfile,
    /// The comments above the notebook.
    texts: Vec<String>,
}

impl Plan<'_> {
    /// Adds the files that exist to the Kitfile, and comments on the others.
    fn add_files(&mut self, facts: &Facts) {
        let (mut models, mut missing) = (Vec::new(), Vec::new());
        let mut written = BTreeSet::new();
        for item in &facts.writes {
            match self.existing(&item.path) {
                Some(path) if item.is_model || is_model_file(path.as_str()) && !is_array_name(path.as_str()) => {
                    models.push(path);
                }
                Some(path) => drop(written.insert(path)),
                None => missing.push(item.path.clone()),
            }
        }
        let (mut loaded, mut elsewhere) = (Vec::new(), Vec::new());
        for item in &facts.loads {
            match self.existing(item) {
                // What the notebook writes first is not an input.
                Some(path) if models.contains(&path) || written.contains(&path) => {}
                Some(path) => loaded.push(path),
                None if facts.writes.iter().any(|write| write.path == *item) => {}
                None => elsewhere.push(item.clone()),
            }
        }
        let (weights, data): (Vec<_>, Vec<_>) = loaded.into_iter().partition(|path| self.has_weights(path));
        self.add_model(&models, &weights, facts);
        for path in data {
            self.add_dataset(&path, String::new());
        }
        for path in written {
            self.add_dataset(&path, format!("Written by {}", self.name));
        }
        let is = |paths: &[String], one: &'static str, more: &'static str| if paths.len() == 1 { one } else { more };
        let rows = [
            ("writes", is(&missing, "which does not exist yet", "which do not exist yet"), &missing),
            ("loads", is(&elsewhere, "which is not in this folder", "which are not in this folder"), &elsewhere),
        ];
        for (verb, state, paths) in rows {
            self.texts.extend(in_a_row(paths).map(|row| format!("{} {verb} {row}, {state}", self.name)));
        }
    }

    /// The model is the last one that the notebook saves, or else the first that it loads; other weights are its parts.
    fn add_model(&mut self, saved: &[RelativePath], loaded: &[RelativePath], facts: &Facts) {
        let Some(model) = saved.last().or(loaded.first()) else {
            let texts: Vec<_> = facts.parameters.iter().map(|parameter| parameter.text.clone()).collect();
            self.texts.extend(in_a_row(&texts).map(|row| format!("{} has the parameters {row}", self.name)));
            return;
        };
        let literals = facts.literals();
        let mut entry = Model { path: model.to_string(), ..Model::default() };
        entry.name.extend(model.file_name().and_then(|name| name.split('.').next()));
        entry.parameters = (!literals.is_empty()).then_some(Value::Object(literals));
        let is_apart = |path: &&RelativePath| !path.starts_with(model) && !model.starts_with(path);
        for path in saved.iter().chain(loaded).filter(is_apart) {
            entry.parts.push(ModelPart { path: path.to_string(), ..ModelPart::default() });
        }
        self.kitfile.model = Some(entry);
        let others = facts.parameters.iter().filter(|parameter| parameter.value.is_none());
        let texts: Vec<_> = others.map(|parameter| parameter.text.clone()).collect();
        let row = in_a_row(&texts);
        self.texts.extend(row.map(|row| format!("{} has parameters without a literal value: {row}", self.name)));
    }

    fn add_dataset(&mut self, path: &RelativePath, description: String) {
        let path = path.to_string();
        let is_settings = [".yaml", ".yml", ".toml", ".ini", ".cfg", ".py"].iter().any(|end| path.ends_with(end));
        let is_known = self.kitfile.code.iter().any(|code| code.path == path);
        if is_settings && !is_known {
            self.kitfile.code.push(Code { path, description, ..Code::default() });
        } else if !is_known {
            self.kitfile.datasets.push(Dataset { path, description, ..Dataset::default() });
        }
    }

    /// Comments on the purposes of cells and on packages.
    fn note_cells(&mut self, facts: &Facts, requirements: &[Requirement]) {
        let mut roles: Vec<_> = facts.roles.values().copied().collect();
        roles.sort_unstable();
        roles.dedup();
        for role in roles {
            let cells: Vec<_> =
                facts.roles.iter().filter(|(_, found)| **found == role).map(|(cell, _)| cell.to_string()).collect();
            let (cell, look) = if cells.len() == 1 { ("cell", "looks") } else { ("cells", "look") };
            let row = in_a_row(&cells).unwrap_or_default();
            self.texts.push(format!("{} {cell} {row} {look} like {}", self.name, role.word()));
        }
        let packages: Vec<_> = requirements.iter().map(Requirement::line).collect();
        self.texts.extend(in_a_row(&packages).map(|row| format!("{} imports {row}", self.name)));
    }

    /// Returns the path of a file or folder of the project.
    fn existing(&self, path: &str) -> Option<RelativePath> {
        let path = path.trim();
        if path.is_empty() || path.contains("://") {
            return None;
        }
        let path: RelativePath = path.replace('\\', "/").parse().ok()?;
        let is_inside = !path.as_str().is_empty() && path.as_str() != self.name;
        (is_inside && fs::metadata(path.join_to(self.folder)).is_ok()).then_some(path)
    }

    /// Returns true for a file of weights, and for a folder with one.
    fn has_weights(&self, path: &RelativePath) -> bool {
        let place = path.join_to(self.folder);
        if !place.is_dir() {
            return is_model_file(path.as_str()) && !is_array_name(path.as_str());
        }
        let names = fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.filter_map(|name| name.into_string().ok()).any(|name| is_model_file(&name) && !is_array_name(&name))
    }
}
