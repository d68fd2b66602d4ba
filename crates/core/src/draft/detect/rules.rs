//! Drafting a Kitfile for a folder from the names and sizes of its files: the rules of `kit init`.
//!
//! They follow KitOps, which treats every file that it does not recognize as code and then packs the whole folder.
//! `kit` recognizes more files (notebooks, line-based data formats, tokenizers) and ignores hidden files and leftovers
//! of tools.

use crate::file_kind::{FileKind, MCP_BUNDLE, is_leftover, model_stem};
use crate::kitfile::{
    Code, Dataset, Docs, FILE_NAMES, Kitfile, LOCK_FILE, MANIFEST_VERSION, McpServer, Model, ModelPart, Prompt,
    is_reference,
};

/// With more folders of unknown content than this, the whole folder becomes one code entry.
const MOST_CODE_FOLDERS: usize = 5;
/// With more files of unknown kind than this, the whole folder becomes one code entry, if files of subfolders get
/// entries of their own. Otherwise, a single one is enough, since code rarely works without the other files.
const MOST_CODE_FILES: usize = 5;

/// An item in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub name: String,
    pub kind: FoundKind,
}

/// The kind of an item. The content of a folder inside a folder is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundKind {
    File {
        size: u64,
    },
    Folder(Vec<Found>),
    /// A link, a socket or a device; skipped.
    Other,
}

/// The information about a folder that its listing does not contain.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints<'a> {
    /// The identifier of the licence found in the folder.
    pub license: Option<&'a str>,
    /// The number of levels of folders whose files get entries of their own. Deeper folders are entries as a whole.
    pub depth: usize,
    /// Folders that belong to the model, whatever their names are.
    pub model_folders: &'a [String],
}

/// Drafts a Kitfile for a folder with these items. A folder with a SKILL.md is one prompt.
///
/// Any listing gives a valid Kitfile. The order of `listing` does not matter. Names are compared without case. The
/// caller fills in the fields of the package, except for a licence that fits no other section.
pub fn detect(listing: &[Found], hints: Hints<'_>) -> Kitfile {
    if skill_file(listing).is_some() {
        let whole = vec![prompt(".")];
        return Kitfile { manifest_version: MANIFEST_VERSION.to_owned(), prompts: whole, ..Kitfile::default() };
    }
    let mut draft = Draft { hints, ..Draft::default() };
    draft.items("", listing, hints.depth);
    draft.finish()
}

/// The name of the SKILL.md directly in a folder with these items, in upper or lower case.
pub fn skill_file(listing: &[Found]) -> Option<&str> {
    let is_skill =
        |found: &&Found| matches!(found.kind, FoundKind::File { .. }) && found.name.eq_ignore_ascii_case("skill.md");
    listing.iter().filter(is_skill).map(|found| found.name.as_str()).min()
}

/// The items that are used, sorted by name: no Kitfiles, no hidden files and no leftovers.
fn sorted(listing: &[Found]) -> Vec<&Found> {
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
        for found in sorted(listing) {
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

    fn file(&mut self, path: &str, name: &str, size: u64) {
        let docs = |description: &str| Docs { path: path.to_owned(), description: description.to_owned() };
        match FileKind::of(name) {
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
        for found in sorted(content) {
            let inside = format!("{path}/{}", found.name);
            match &found.kind {
                FoundKind::File { size } if FileKind::of(&found.name) == FileKind::Model => {
                    self.models.push((inside, *size));
                }
                FoundKind::File { .. } | FoundKind::Folder(_) => self.model_metadata.push(inside),
                FoundKind::Other => {}
            }
        }
    }

    /// Handles a folder without a known name: the items directly in it decide, and metadata among them does not matter.
    fn unnamed_folder(&mut self, name: &str, content: &[Found]) {
        let mut kinds = Vec::new();
        let mut metadata = Vec::new();
        let mut servers = Vec::new();
        for found in sorted(content).into_iter().filter(|found| found.kind != FoundKind::Other) {
            let path = format!("{name}/{}", found.name);
            let kind = match found.kind {
                FoundKind::File { .. } if !is_reference(&path) => FileKind::of(&found.name),
                _ => FileKind::Unknown,
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
            _ => self.unknown_folder(name),
        }
    }

    fn unknown_folder(&mut self, name: &str) {
        self.unknown_folders += 1;
        self.code.push(name.to_owned());
    }

    fn finish(mut self) -> Kitfile {
        let most_files = if self.hints.depth > 0 { MOST_CODE_FILES } else { 0 };
        if self.needs_whole_folder || self.unknown.len() > most_files || self.unknown_folders > MOST_CODE_FOLDERS {
            self.code = vec![".".to_owned()];
        } else {
            self.code.append(&mut self.unknown);
        }
        let model = model_of(&self.models);
        let model = model.map(|mut model| {
            let metadata = self.model_metadata.drain(..).chain(self.metadata.drain(..));
            model.parts.extend(metadata.map(|path| ModelPart { path, ..ModelPart::default() }));
            model
        });
        self.datasets.append(&mut self.metadata);
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
        kitfile
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

/// The model among the files: the only one, the one that is much larger than the others, or else the first; the others
/// are its parts. The shards of one model count as one file.
fn model_of(files: &[(String, u64)]) -> Option<Model> {
    let mut sizes: Vec<(&str, u128)> = Vec::new();
    for (path, size) in files {
        match sizes.iter_mut().find(|(name, _)| *name == name_of(path)) {
            Some((_, sum)) => *sum += u128::from(*size),
            None => sizes.push((name_of(path), u128::from(*size))),
        }
    }
    let count = u128::try_from(sizes.len()).ok().filter(|count| *count > 0)?;
    let mean = sizes.iter().map(|(_, size)| size).sum::<u128>() / count;
    let largest = sizes.iter().rev().max_by_key(|(_, size)| *size);
    let chosen = largest.filter(|(_, size)| count == 1 || size * 2 > mean * 3).map(|(name, _)| *name);
    let index = files.iter().position(|(path, _)| chosen.is_none_or(|chosen| chosen == name_of(path)))?;
    let path = files[index].0.clone();
    let others = files.iter().enumerate().filter(|(other, _)| *other != index);
    let parts = others.map(|(_, (path, _))| ModelPart { path: path.clone(), ..ModelPart::default() }).collect();
    let name = if chosen.is_some() { model_stem(&path).to_owned() } else { String::new() };
    Some(Model { name, path, parts, ..Model::default() })
}

/// The common name of shards: path and extension, without their numbers.
fn name_of(path: &str) -> &str {
    let stem = model_stem(path);
    if path[stem.len()..].contains("-of-") { stem } else { path }
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
