//! Drafting a Kitfile for a folder from the names and sizes of its files: the rules of `kit init`.
//!
//! They follow KitOps, which treats every file that it does not recognize as code and then packs the whole folder.
//! `kit` recognizes more files (notebooks, line-based data formats, tokenizers) and ignores hidden files and leftovers
//! of tools.

use super::found::{Found, FoundKind, Hints, skill_file};
use super::main_model::model_of;
use super::model_folder::{
    checkpoint_of, has_weights, is_metadata_folder, is_model_folder, is_weights, without_checkpoints,
};
use crate::file_kind::{FileKind, MCP_BUNDLE, is_leftover, is_side_file};
use crate::kitfile::{
    Code, Dataset, Docs, FILE_NAMES, Kitfile, LOCK_FILE, MANIFEST_VERSION, McpServer, ModelPart, Prompt, is_reference,
};

/// With more folders of unknown content than this, the whole folder becomes one code entry.
const MOST_CODE_FOLDERS: usize = 5;
/// With more files of unknown kind than this, the whole folder becomes one code entry, if files of subfolders get
/// entries of their own. Otherwise, a single one is enough, since code rarely works without the other files.
const MOST_CODE_FILES: usize = 5;

/// The Kitfile for a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detected {
    pub kitfile: Kitfile,
    /// The paths of folders that belong in no layer: checkpoints of a training besides its result.
    pub left_out: Vec<String>,
}

/// Drafts a Kitfile for a folder with these items. A folder with a SKILL.md is one prompt.
///
/// Any listing gives a valid Kitfile. The order of `listing` does not matter. Names are compared without case. The
/// caller fills in the fields of the package, except for a licence that fits no other section.
pub fn detect(listing: &[Found], hints: Hints<'_>) -> Detected {
    if skill_file(listing).is_some() {
        let whole = vec![prompt(".")];
        let kitfile = Kitfile { manifest_version: MANIFEST_VERSION.to_owned(), prompts: whole, ..Kitfile::default() };
        return Detected { kitfile, ..Detected::default() };
    }
    let mut draft = Draft { hints, ..Draft::default() };
    draft.items("", listing, hints.depth);
    draft.finish()
}

/// The items that are used, sorted by name: no Kitfiles, no hidden files and no leftovers.
pub(super) fn sorted(listing: &[Found]) -> Vec<&Found> {
    let is_ours = |name: &str| FILE_NAMES.contains(&name) || name == LOCK_FILE;
    let counts = |found: &&Found| !(is_ours(&found.name) || found.name.starts_with('.') || is_leftover(&found.name));
    let mut sorted: Vec<&Found> = listing.iter().filter(counts).collect();
    sorted.sort_by(|left, right| left.name.cmp(&right.name));
    sorted
}

/// The Kitfile while the items are read.
#[derive(Default)]
struct Draft<'a> {
    hints: Hints<'a>,
    models: Vec<(String, u64)>,
    /// The metadata next to models in a folder of models.
    model_metadata: Vec<String>,
    /// The metadata at the top level.
    metadata: Vec<String>,
    /// Folders with nothing but metadata, and their files.
    metadata_folders: Vec<(String, Vec<String>)>,
    /// Checkpoints that are not the result of a training.
    left_out: Vec<String>,
    code: Vec<String>,
    unknown_folders: usize,
    /// Files of unknown kind.
    unknown: Vec<String>,
    /// True if something can only be packed with the whole folder.
    needs_whole_folder: bool,
    datasets: Vec<String>,
    docs: Vec<Docs>,
    prompts: Vec<Prompt>,
    mcp_servers: Vec<McpServer>,
}

impl Draft<'_> {
    /// Reads the items of the folder with the path `folder`, which is empty or ends with `/`.
    fn items(&mut self, folder: &str, listing: &[Found], depth: usize) {
        for found in self.used(folder, listing) {
            let path = format!("{folder}{}", found.name);
            match &found.kind {
                FoundKind::Other => {}
                // A path that has the form of a reference is not valid, but the whole folder includes it.
                _ if is_reference(&path) => self.needs_whole_folder = true,
                FoundKind::File { size } => self.file(&path, &found.name, *size),
                FoundKind::Folder(content) if self.hints.model_folders.contains(&path) => {
                    self.model_folder(&path, content);
                }
                FoundKind::Folder(content) if skill_file(content).is_some() => self.prompts.push(prompt(&path)),
                FoundKind::Folder(content) if depth > 0 => self.items(&format!("{path}/"), content, depth - 1),
                FoundKind::Folder(content) => self.folder(&path, &found.name, content),
            }
        }
    }

    /// The items that are used, sorted by name. Checkpoints besides the result of a training are recorded.
    fn used<'f>(&mut self, folder: &str, listing: &'f [Found]) -> Vec<&'f Found> {
        let (used, left_out) = without_checkpoints(listing);
        self.left_out.extend(left_out.into_iter().map(|found| format!("{folder}{}", found.name)));
        used
    }

    /// The kind of the file at `path`, by its name unless the hints name it.
    fn kind(&self, path: &str, name: &str) -> FileKind {
        let is_in = |paths: &[String]| paths.iter().any(|other| other == path);
        match () {
            () if is_in(self.hints.models) => FileKind::Model,
            () if is_in(self.hints.model_files) => FileKind::Metadata,
            () => FileKind::of(name),
        }
    }

    fn file(&mut self, path: &str, name: &str, size: u64) {
        let docs = |description: &str| Docs { path: path.to_owned(), description: description.to_owned() };
        match self.kind(path, name) {
            FileKind::Readme => self.docs.push(docs("Readme file")),
            FileKind::License => self.docs.push(docs("License file")),
            FileKind::Docs => self.docs.push(docs("")),
            FileKind::Prompt => self.prompts.push(prompt(path)),
            FileKind::McpBundle => self.mcp_servers.push(mcp_server(path)),
            FileKind::Model => self.models.push((path.to_owned(), size)),
            FileKind::Metadata => self.metadata.push(path.to_owned()),
            FileKind::Dataset => self.datasets.push(path.to_owned()),
            FileKind::Notebook => self.code.push(path.to_owned()),
            FileKind::Unknown => self.unknown.push(path.to_owned()),
        }
    }

    fn folder(&mut self, path: &str, name: &str, content: &[Found]) {
        match name {
            "docs" => self.docs.push(Docs { path: path.to_owned(), description: String::new() }),
            "data" | "dataset" | "datasets" => self.datasets.push(path.to_owned()),
            "prompts" => self.prompts.push(prompt(path)),
            "src" | "pkg" | "lib" | "build" => self.code.push(path.to_owned()),
            _ => self.unnamed_folder(path, content),
        }
    }

    /// Handles a folder that belongs to the model: its weights are models, and everything else in it are parts.
    fn model_folder(&mut self, path: &str, content: &[Found]) {
        for found in self.used(&format!("{path}/"), content) {
            let inside = format!("{path}/{}", found.name);
            match &found.kind {
                FoundKind::Other => {}
                _ if is_reference(&inside) => self.needs_whole_folder = true,
                FoundKind::File { size } if self.kind(&inside, &found.name) == FileKind::Model => {
                    self.models.push((inside, *size));
                }
                FoundKind::Folder(content) if has_weights(content) || is_model_folder(&found.name, content) => {
                    self.model_folder(&inside, content);
                }
                FoundKind::File { .. } | FoundKind::Folder(_) => self.model_metadata.push(inside),
            }
        }
    }

    /// Handles a folder without a known name: the items directly in it decide, and metadata among them does not matter.
    /// Models in folders below it belong to the model.
    fn unnamed_folder(&mut self, name: &str, content: &[Found]) {
        if self.inner_folder(name, content) {
            return;
        }
        let mut kinds = Vec::new();
        let mut metadata = Vec::new();
        let mut servers = Vec::new();
        let mut has_models_below = false;
        for found in self.used(&format!("{name}/"), content) {
            let path = format!("{name}/{}", found.name);
            let kind = match &found.kind {
                FoundKind::Other => continue,
                FoundKind::File { .. } if !is_reference(&path) => self.kind(&path, &found.name),
                FoundKind::Folder(content) if self.models_below(&path, content) => {
                    has_models_below = true;
                    continue;
                }
                FoundKind::File { .. } | FoundKind::Folder(_) => FileKind::Unknown,
            };
            match (kind, &found.kind) {
                (FileKind::Model, FoundKind::File { size }) => self.models.push((path, *size)),
                (FileKind::Metadata, _) => metadata.push(path),
                (FileKind::McpBundle, _) => servers.push(mcp_server(&path)),
                _ => {}
            }
            kinds.push(if matches!(kind, FileKind::Readme | FileKind::License) { FileKind::Docs } else { kind });
        }
        kinds.retain(|kind| *kind != FileKind::Metadata);
        match kinds.first() {
            Some(first) if kinds.iter().any(|kind| kind != first) => self.unknown_folder(name),
            Some(FileKind::Dataset) => self.datasets.push(name.to_owned()),
            Some(FileKind::Notebook) => self.code.push(name.to_owned()),
            Some(FileKind::Prompt) => self.prompts.push(prompt(name)),
            Some(FileKind::Docs) => self.docs.push(Docs { path: name.to_owned(), description: String::new() }),
            Some(FileKind::Model) => self.model_metadata.extend(metadata),
            Some(FileKind::McpBundle) => self.mcp_servers.append(&mut servers),
            None if has_models_below => self.model_metadata.extend(metadata),
            _ => self.unknown_folder(name),
        }
    }

    /// Handles a folder that belongs to the model as a whole. Returns false, and does nothing, for any other folder.
    fn inner_folder(&mut self, path: &str, content: &[Found]) -> bool {
        if is_reference(path) {
            return false;
        }
        if is_model_folder(path, content) {
            self.model_folder(path, content);
        } else if is_metadata_folder(content) && !self.holds_model(path, content) {
            let files = sorted(content).into_iter().map(|found| format!("{path}/{}", found.name));
            self.metadata_folders.push((path.to_owned(), files.collect()));
        } else {
            return false;
        }
        true
    }

    /// Returns true if the hints name a model directly in the folder.
    fn holds_model(&self, path: &str, content: &[Found]) -> bool {
        content.iter().any(|found| self.hints.models.contains(&format!("{path}/{}", found.name)))
    }

    /// Adds the models in a folder below another one. Returns true if nothing else is in it.
    fn models_below(&mut self, path: &str, content: &[Found]) -> bool {
        if self.inner_folder(path, content) {
            return true;
        }
        let mut has_only_models = !content.is_empty();
        for found in self.used(&format!("{path}/"), content) {
            let inside = format!("{path}/{}", found.name);
            match &found.kind {
                FoundKind::File { size } if is_weights(&found.name) && !is_reference(&inside) => {
                    self.models.push((inside, *size));
                }
                FoundKind::Folder(content) if self.models_below(&inside, content) => {}
                FoundKind::File { .. } | FoundKind::Folder(_) | FoundKind::Other => has_only_models = false,
            }
        }
        has_only_models
    }

    fn unknown_folder(&mut self, name: &str) {
        self.unknown_folders += 1;
        self.code.push(name.to_owned());
    }

    /// Leaves out the checkpoints in folders of their own if the final model is elsewhere.
    fn leave_out_checkpoints(&mut self) {
        let is_final = |path: &str| {
            checkpoint_of(path).is_none() && !is_side_file(path.rsplit('/').next().unwrap_or(path)) && is_weights(path)
        };
        if !self.models.iter().any(|(path, _)| is_final(path)) {
            return;
        }
        let inside = self.models.iter().map(|(path, _)| path).chain(&self.model_metadata);
        let mut folders: Vec<_> = inside.filter_map(|path| checkpoint_of(path)).map(str::to_owned).collect();
        folders.dedup();
        for folder in folders {
            if !self.left_out.contains(&folder) {
                self.left_out.push(folder);
            }
        }
        self.models.retain(|(path, _)| checkpoint_of(path).is_none());
        self.model_metadata.retain(|path| checkpoint_of(path).is_none());
    }

    fn finish(mut self) -> Detected {
        self.leave_out_checkpoints();
        let most_files = if self.hints.depth > 0 { MOST_CODE_FILES } else { 0 };
        if self.needs_whole_folder || self.unknown.len() > most_files || self.unknown_folders > MOST_CODE_FOLDERS {
            self.code = vec![".".to_owned()];
        } else {
            self.code.append(&mut self.unknown);
        }
        let model = model_of(&self.models);
        let model = model.map(|mut model| {
            let folders = self.metadata_folders.drain(..).flat_map(|(_, files)| files);
            let metadata = self.model_metadata.drain(..).chain(folders).chain(self.metadata.drain(..));
            model.parts.extend(metadata.map(|path| ModelPart { path, ..ModelPart::default() }));
            model
        });
        self.datasets.append(&mut self.metadata);
        self.datasets.extend(self.metadata_folders.drain(..).map(|(folder, _)| folder));
        let mut kitfile = Kitfile {
            manifest_version: MANIFEST_VERSION.to_owned(),
            model,
            code: self.code.into_iter().map(|path| Code { path, ..Code::default() }).collect(),
            datasets: self.datasets.into_iter().map(|path| Dataset { path, ..Dataset::default() }).collect(),
            docs: self.docs,
            prompts: self.prompts,
            mcp_servers: self.mcp_servers,
            ..Kitfile::default()
        };
        if let Some(license) = self.hints.license {
            license_field(&mut kitfile).push_str(license);
        }
        Detected { kitfile, left_out: self.left_out }
    }
}

/// A server with the path of its bundle without the suffix as its name.
fn mcp_server(path: &str) -> McpServer {
    let name = path.strip_suffix(MCP_BUNDLE).unwrap_or(path);
    McpServer { name: name.to_owned(), path: path.to_owned(), ..McpServer::default() }
}

fn prompt(path: &str) -> Prompt {
    Prompt { path: path.to_owned(), ..Prompt::default() }
}

/// The most specific field for a licence of the whole folder: of the model, the only dataset, the only code entry, or
/// the package.
fn license_field(kitfile: &mut Kitfile) -> &mut String {
    match (&mut kitfile.model, &mut *kitfile.datasets, &mut *kitfile.code) {
        (Some(model), _, _) => &mut model.license,
        (None, [dataset], _) => &mut dataset.license,
        (None, _, [code]) => &mut code.license,
        _ => &mut kitfile.package.license,
    }
}
