//! The entries of a Kitfile that own a layer, in the order of their layers.
//!
//! The layer plan, filters, unpacking and listing all iterate over this one list, so that they agree which entry the
//! n-th layer of a section belongs to.

use super::document::{Kitfile, Model};
use crate::relative_path::{PathEscapes, RelativePath};

/// The sections whose entries own layers, in the order of the layers in a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Section {
    Model,
    ModelPart,
    Code,
    Dataset,
    Docs,
    Prompt,
    McpServer,
}

impl Section {
    const ALL: [Self; 7] =
        [Self::Model, Self::ModelPart, Self::Code, Self::Dataset, Self::Docs, Self::Prompt, Self::McpServer];

    /// Returns the section with this key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.key() == key)
    }

    /// The key of the section in a Kitfile; parts are below the model.
    pub fn key(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::ModelPart => "model.parts",
            Self::Code => "code",
            Self::Dataset => "datasets",
            Self::Docs => "docs",
            Self::Prompt => "prompts",
            Self::McpServer => "mcpServers",
        }
    }
}

/// One entry that owns a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    pub section: Section,
    /// The index of the entry in the list of its section in the Kitfile; 0 for the model. Entries without a layer
    /// count.
    pub index: usize,
    /// The name of the entry; empty for code and docs, which do not have names.
    pub name: &'a str,
    /// The path as written: it may be `./a/`, or empty, which means the whole folder.
    pub path: &'a str,
}

impl Entry<'_> {
    /// The normalized path; an empty path is the folder itself.
    pub fn relative_path(&self) -> Result<RelativePath, PathEscapes> {
        self.path.parse()
    }

    /// The location of the entry in the Kitfile for messages: `model`, `model.parts[0]`, `datasets[1]`.
    pub fn place(&self) -> String {
        match self.section {
            Section::Model => Section::Model.key().to_owned(),
            section => format!("{}[{}]", section.key(), self.index),
        }
    }
}

impl Kitfile {
    /// The entries that own a layer, in layer order: model, parts, code, datasets, docs, prompts, MCP
    /// servers.
    ///
    /// The model owns a layer if it has a path that does not have the form of a reference to another ModelKit, and a
    /// dataset if it has no remote path. All other entries always own one.
    pub fn entries(&self) -> Vec<Entry<'_>> {
        self.entries_where(|model| model.reference().is_none())
    }

    /// The same entries if the path of the model is known to be a file or folder, even if it has the form of a
    /// reference.
    ///
    /// Used when packing, if the file exists, and for a config whose model has a digest.
    pub fn entries_with_model_file(&self) -> Vec<Entry<'_>> {
        self.entries_where(|_| true)
    }

    fn entries_where(&self, is_file: impl Fn(&Model) -> bool) -> Vec<Entry<'_>> {
        let entry = |section, index, name, path| Entry { section, index, name, path };
        let model = self.model.iter().filter(|model| !model.path.is_empty() && is_file(model));
        let parts = self.model.iter().flat_map(|model| model.parts.iter().enumerate());
        let datasets = self.datasets.iter().enumerate().filter(|(_, dataset)| !dataset.is_remote());
        let mut entries = Vec::new();
        entries.extend(model.map(|it| entry(Section::Model, 0, &*it.name, &*it.path)));
        entries.extend(parts.map(|(index, it)| entry(Section::ModelPart, index, &it.name, &it.path)));
        entries.extend(self.code.iter().enumerate().map(|(index, it)| entry(Section::Code, index, "", &it.path)));
        entries.extend(datasets.map(|(index, it)| entry(Section::Dataset, index, &it.name, &it.path)));
        entries.extend(self.docs.iter().enumerate().map(|(index, it)| entry(Section::Docs, index, "", &it.path)));
        entries.extend(
            self.prompts.iter().enumerate().map(|(index, it)| entry(Section::Prompt, index, &it.name, &it.path)),
        );
        let servers = self.mcp_servers.iter().enumerate();
        entries.extend(servers.map(|(index, it)| entry(Section::McpServer, index, &it.name, &it.path)));
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &[&str]) {
        let kitfile: Kitfile = serde_json::from_str(json).unwrap();
        let shown = |entry: &Entry<'_>| format!("{} {}={}", entry.place(), entry.name, entry.path);
        assert_eq!(kitfile.entries().iter().map(shown).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn entries_come_in_layer_order() {
        check(
            r#"{"mcpServers":[{"name":"s","path":"s.mcpb"}],
                "prompts":[{"name":"q","path":"r"}],"docs":[{"path":"d"}],"datasets":[{"name":"x","path":"y"}],
                "code":[{"path":"c"},{}],"model":{"name":"m","path":"p","parts":[{"name":"a","path":"b"}]}}"#,
            &[
                "model m=p",
                "model.parts[0] a=b",
                "code[0] =c",
                "code[1] =",
                "datasets[0] x=y",
                "docs[0] =d",
                "prompts[0] q=r",
                "mcpServers[0] s=s.mcpb",
            ],
        );
    }

    #[test]
    fn entries_without_layer_are_left_out_and_still_count() {
        check(r#"{"model":{"name":"m"}}"#, &[]);
        check(r#"{"model":{"path":"a:v1","parts":[{}]}}"#, &["model.parts[0] ="]);
        check(r#"{"model":{"path":"A:v1"}}"#, &["model =A:v1"]);
        check(r#"{"datasets":[{"remotePath":"s3://a"},{"path":"b"}]}"#, &["datasets[1] =b"]);
    }

    #[test]
    fn an_existing_file_named_like_a_reference_has_a_layer() {
        let kitfile: Kitfile = serde_json::from_str(r#"{"model":{"path":"model:v1.bin"}}"#).unwrap();
        assert!(kitfile.entries().is_empty());
        assert_eq!(kitfile.entries_with_model_file().len(), 1);
    }

    #[test]
    fn an_empty_path_is_the_folder() {
        let kitfile: Kitfile = serde_json::from_str(r#"{"code":[{}]}"#).unwrap();
        assert_eq!(kitfile.entries()[0].relative_path(), Ok(RelativePath::root()));
    }
}
