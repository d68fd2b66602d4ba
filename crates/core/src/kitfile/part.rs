//! A part of a Kitfile: only some of its entries.

use std::collections::BTreeMap;

use super::document::{Kitfile, Model};
use super::entries::Section;

/// The new index of each entry that is left, by its section and its index before.
pub type Moved = BTreeMap<(Section, usize), usize>;

impl Kitfile {
    /// Returns the Kitfile with the entries for which `keep` returns true, given their section, their name and their
    /// path. A model that is left out leaves only those of its parts that are kept.
    pub fn part(&self, keep: &dyn Fn(Section, &str, &str) -> bool) -> (Self, Moved) {
        let mut moved = Moved::new();
        let mut picker = Picker { keep, moved: &mut moved };
        let part = Self {
            manifest_version: self.manifest_version.clone(),
            package: self.package.clone(),
            model: self.model.as_ref().and_then(|model| picker.model(model)),
            code: picker.pick(Section::Code, &self.code, |it| ("", &it.path)),
            datasets: picker.pick(Section::Dataset, &self.datasets, |it| (&it.name, &it.path)),
            docs: picker.pick(Section::Docs, &self.docs, |it| ("", &it.path)),
            prompts: picker.pick(Section::Prompt, &self.prompts, |it| (&it.name, &it.path)),
            mcp_servers: picker.pick(Section::McpServer, &self.mcp_servers, |it| (&it.name, &it.path)),
        };
        (part, moved)
    }
}

struct Picker<'a> {
    keep: &'a dyn Fn(Section, &str, &str) -> bool,
    moved: &'a mut Moved,
}

impl Picker<'_> {
    fn model(&mut self, model: &Model) -> Option<Model> {
        let parts = self.pick(Section::ModelPart, &model.parts, |it| (&it.name, &it.path));
        if (self.keep)(Section::Model, &model.name, &model.path) {
            self.moved.insert((Section::Model, 0), 0);
            return Some(Model { parts, ..model.clone() });
        }
        (!parts.is_empty()).then(|| Model { parts, ..Model::default() })
    }

    fn pick<T: Clone>(&mut self, section: Section, items: &[T], names: impl Fn(&T) -> (&str, &str)) -> Vec<T> {
        let mut kept = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let (name, path) = names(item);
            if (self.keep)(section, name, path) {
                self.moved.insert((section, index), kept.len());
                kept.push(item.clone());
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_are_left_out_leave_no_trace() {
        let kitfile: Kitfile = serde_json::from_str(
            r#"{"package":{"name":"p"},"code":[{"path":"c"},{"path":"d"}],"datasets":[{"name":"secret","path":"s"}],
                "model":{"name":"m","path":"w","license":"MIT","parameters":{"a":1},"parts":[{"name":"t","path":"t"},
                {"name":"u","path":"u"}]}}"#,
        )
        .unwrap();
        let part = |keep: &dyn Fn(Section, &str, &str) -> bool| {
            let (part, moved) = kitfile.part(keep);
            (serde_json::to_string(&part).unwrap(), moved.into_iter().collect::<Vec<_>>())
        };
        let (text, moved) = part(&|section, _, path| section == Section::Code && path == "d");
        assert_eq!(text, r#"{"manifestVersion":"","package":{"name":"p"},"code":[{"path":"d"}]}"#);
        assert_eq!(moved, [((Section::Code, 1), 0)]);
        let (text, moved) = part(&|_, name, _| name == "u");
        let model = r#"{"parts":[{"name":"u","path":"u"}]}"#;
        assert_eq!(text, format!(r#"{{"manifestVersion":"","package":{{"name":"p"}},"model":{model}}}"#));
        assert_eq!(moved, [((Section::ModelPart, 1), 0)]);
        let (whole, _) = kitfile.part(&|_, _, _| true);
        assert_eq!(whole, kitfile);
    }
}
