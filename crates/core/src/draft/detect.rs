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

/// Drafts a Kitfile for a folder with these items; `license` is the identifier of the licence found in it.
///
/// A folder with a SKILL.md is one prompt. Any listing gives a valid Kitfile. The order of `listing` does not matter.
/// Names are compared without case. The caller fills in the fields of the package, except for a licence that fits no
/// other section.
pub fn detect(listing: &[Found], license: Option<&str>) -> Kitfile {
    if skill_file(listing).is_some() {
        let whole = vec![prompt(".")];
        return Kitfile { manifest_version: MANIFEST_VERSION.to_owned(), prompts: whole, ..Kitfile::default() };
    }
    let mut draft = Draft::default();
    for found in sorted(listing) {
        match &found.kind {
            FoundKind::File { size } => draft.file(&found.name, *size),
            FoundKind::Folder(content) => draft.folder(&found.name, content),
            FoundKind::Other => {}
        }
    }
    draft.finish(license)
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
struct Draft {
    models: Vec<(String, u64)>,
    /// The metadata next to models in a folder of models.
    model_metadata: Vec<String>,
    /// The metadata at the top level.
    metadata: Vec<String>,
    code: Vec<String>,
    unknown_folders: usize,
    has_unknown_file: bool,
    datasets: Vec<String>,
    docs: Vec<Docs>,
    prompts: Vec<Prompt>,
    mcp_servers: Vec<McpServer>,
}

impl Draft {
    fn file(&mut self, name: &str, size: u64) {
        if is_reference(name) {
            self.has_unknown_file = true;
            return;
        }
        let docs = |description: &str| Docs { path: name.to_owned(), description: description.to_owned() };
        match FileKind::of(name) {
            FileKind::Readme => self.docs.push(docs("Readme file")),
            FileKind::License => self.docs.push(docs("License file")),
            FileKind::Docs => self.docs.push(docs("")),
            FileKind::Prompt => self.prompts.push(prompt(name)),
            FileKind::McpBundle => self.mcp_servers.push(mcp_server(name)),
            FileKind::Model => self.models.push((name.to_owned(), size)),
            FileKind::Metadata => self.metadata.push(name.to_owned()),
            FileKind::Dataset => self.datasets.push(name.to_owned()),
            FileKind::Notebook => self.code.push(name.to_owned()),
            FileKind::Unknown => self.has_unknown_file = true,
        }
    }

    fn folder(&mut self, name: &str, content: &[Found]) {
        match name {
            // A path that has the form of a reference is not valid, but the whole folder includes it.
            _ if is_reference(name) => self.has_unknown_file = true,
            _ if skill_file(content).is_some() => self.prompts.push(prompt(name)),
            "docs" => self.docs.push(Docs { path: name.to_owned(), description: String::new() }),
            "data" | "dataset" | "datasets" => self.datasets.push(name.to_owned()),
            "prompts" => self.prompts.push(prompt(name)),
            "src" | "pkg" | "lib" | "build" => self.code.push(name.to_owned()),
            _ => self.unnamed_folder(name, content),
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

    fn finish(mut self, license: Option<&str>) -> Kitfile {
        if self.has_unknown_file || self.unknown_folders > MOST_CODE_FOLDERS {
            self.code = vec![".".to_owned()];
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
        if let Some(license) = license {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kitfile::{to_yaml, validate};

    /// A listing from `name`, `name=size` and `folder/name`; a name that ends with `/` is an empty folder.
    fn listing(names: &[&str]) -> Vec<Found> {
        let mut all: Vec<Found> = Vec::new();
        for name in names {
            let (name, size) = name.split_once('=').map_or((*name, 1), |(name, size)| (name, size.parse().unwrap()));
            let Some((folder, inner)) = name.split_once('/') else {
                all.push(Found { name: name.to_owned(), kind: FoundKind::File { size } });
                continue;
            };
            let inner = (!inner.is_empty()).then(|| listing(&[&format!("{inner}={size}")]).remove(0));
            match all.iter_mut().find(|found| found.name == folder) {
                Some(Found { kind: FoundKind::Folder(content), .. }) => content.extend(inner),
                _ => all.push(Found { name: folder.to_owned(), kind: FoundKind::Folder(inner.into_iter().collect()) }),
            }
        }
        all
    }

    /// Compares the text after the manifest version.
    fn check(names: &[&str], license: Option<&str>, expected: &str) {
        let kitfile = detect(&listing(names), license);
        assert!(validate(&kitfile).is_empty());
        assert_eq!(to_yaml(&kitfile), format!("manifestVersion: 1.0.0\n{expected}"), "{names:?}");
    }

    #[test]
    fn files_go_where_their_names_say() {
        for (names, expected) in [
            (&[][..], ""),
            (&["Kitfile", ".kitfile", ".kitignore", "Kitfile.lock"], ""),
            (&["net.GGUF"], "model:\n  name: net\n  path: net.GGUF\n"),
            (
                &["README.md", "License", "a.pdf"],
                "docs:\n  - path: License\n    description: License file\n  - path: README.md\n    description: \
                 Readme file\n  - path: a.pdf\n",
            ),
            (&["b.csv", "a.parquet"], "datasets:\n  - path: a.parquet\n  - path: b.csv\n"),
            (&["a.json"], "datasets:\n  - path: a.json\n"),
            (&["m.onnx", "config.json"], "model:\n  name: m\n  path: m.onnx\n  parts:\n    - path: config.json\n"),
            (&["train.py", "src/x.py"], "code:\n  - path: .\n"),
            (
                &["b.ipynb", "a.IPYNB", "c.csv"],
                "code:\n  - path: a.IPYNB\n  - path: b.ipynb\ndatasets:\n  - path: c.csv\n",
            ),
            (&["x.ipynb", "x.py"], "code:\n  - path: .\n"),
            (&[".env", ".git/config", ".gitattributes", "__pycache__/a.pyc", "a.csv"], "datasets:\n  - path: a.csv\n"),
            (
                &["requirements.txt", "COPYING"],
                "code:\n  - path: .\ndocs:\n  - path: COPYING\n    description: License file\n",
            ),
            (
                &["m.bin", "tokenizer.model", "train.jsonl"],
                "model:\n  name: m\n  path: m.bin\n  parts:\n    - path: tokenizer.model\ndatasets:\n  - path: \
                 train.jsonl\n",
            ),
            (&["AGENTS.md", "triage.prompt.yml"], "prompts:\n  - path: AGENTS.md\n  - path: triage.prompt.yml\n"),
        ] {
            check(names, None, expected);
        }
    }

    #[test]
    fn the_model_is_the_file_that_dwarfs_the_others() {
        for (names, expected) in [
            (&["a.bin=1", "b.bin=9"][..], "  name: b\n  path: b.bin\n  parts:\n    - path: a.bin\n"),
            (&["b.bin=5", "a.bin=4"], "  path: a.bin\n  parts:\n    - path: b.bin\n"),
            (&["a.bin=0", "b.bin=0"], "  path: a.bin\n  parts:\n    - path: b.bin\n"),
            (
                &["a.bin=5", "m-00001-of-00002.bin=9", "m-00002-of-00002.bin=9"],
                "  name: m\n  path: m-00001-of-00002.bin\n  parts:\n    - path: a.bin\n    - path: \
                 m-00002-of-00002.bin\n",
            ),
            (
                &["m-00001-of-00002.bin=1", "m-00002-of-00002.bin=1"],
                "  name: m\n  path: m-00001-of-00002.bin\n  parts:\n    - path: m-00002-of-00002.bin\n",
            ),
            (
                &["a.bin=18446744073709551615", "b.bin=18446744073709551615"],
                "  path: a.bin\n  parts:\n    - path: b.bin\n",
            ),
        ] {
            check(names, None, &format!("model:\n{expected}"));
        }
    }

    #[test]
    fn folders_go_by_name_or_by_content() {
        for (names, expected) in [
            (&["docs/a.bin", "src/a.bin"][..], "code:\n  - path: src\ndocs:\n  - path: docs\n"),
            (
                &["data/README.md", "data/a.csv", "prompts/a.md"],
                "datasets:\n  - path: data\nprompts:\n  - path: prompts\n",
            ),
            (&["d/a.csv", "d/b.zip", "d/m.json"], "datasets:\n  - path: d\n"),
            (&["d/README", "d/a.md"], "docs:\n  - path: d\n"),
            (&["p/a.prompt.md", "p/a.prompt"], "prompts:\n  - path: p\n"),
            (&["p/skill.md", "p/run.py"], "prompts:\n  - path: p\n"),
            (&["docs/Skill.MD", "docs/a.pdf"], "prompts:\n  - path: docs\n"),
            (&["SKILL.md", "run.py", "m.bin", "LICENSE"], "prompts:\n  - path: .\n"),
            (&["d/a.csv", "d/.hidden", "d/Thumbs.db"], "datasets:\n  - path: d\n"),
            (
                &[
                    "a/x.ipynb",
                    "b/x.ipynb",
                    "c/x.ipynb",
                    "d/x.ipynb",
                    "e/x.ipynb",
                    "f/x.ipynb",
                    "g/x.ipynb",
                    "g/m.json",
                ],
                "code:\n  - path: a\n  - path: b\n  - path: c\n  - path: d\n  - path: e\n  - path: f\n  - path: g\n",
            ),
            (
                &["w/a.bin=9", "w/b.bin=1", "w/t.json"],
                "model:\n  name: w/a\n  path: w/a.bin\n  parts:\n    - path: w/b.bin\n    - path: w/t.json\n",
            ),
            (&["w/a.bin", "w/x.py"], "model:\n  name: w/a\n  path: w/a.bin\ncode:\n  - path: w\n"),
            (&["w/", "x/m.json"], "code:\n  - path: w\n  - path: x\n"),
            (
                &["a/", "b/", "c/", "d/", "e/"],
                "code:\n  - path: a\n  - path: b\n  - path: c\n  - path: d\n  - path: e\n",
            ),
            (&["a/", "b/", "c/", "d/", "e/", "f/"], "code:\n  - path: .\n"),
        ] {
            check(names, None, expected);
        }
    }

    #[test]
    fn a_licence_applies_to_the_main_part() {
        for (names, expected) in [
            (&["m.bin", "a.csv"][..], "model:\n  name: m\n  path: m.bin\n  license: MIT\ndatasets:\n  - path: a.csv\n"),
            (&["a.csv", "src/"], "code:\n  - path: src\ndatasets:\n  - path: a.csv\n    license: MIT\n"),
            (
                &["a.csv", "b.csv", "src/"],
                "code:\n  - path: src\n    license: MIT\ndatasets:\n  - path: a.csv\n  - path: b.csv\n",
            ),
            (&[], "package:\n  license: MIT\n"),
        ] {
            check(names, Some("MIT"), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_listing_gives_a_valid_kitfile(
                    names in proptest::collection::btree_set(
                        "[a-z ]{1,3}(/|/?[a-c]{0,2}\\.(bin|csv|md|json|py|ipynb|prompt))",
                        0..12,
                    ),
                ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            assert!(validate(&detect(&listing(&names), Some("MIT"))).is_empty());
        }
    }
}
