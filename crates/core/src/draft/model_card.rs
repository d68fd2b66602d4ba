//! The front matter of a model card: YAML between two lines `---` at the top of a README.md, as read by the Hugging
//! Face hub (huggingface.co/docs/hub/model-cards, "Model card metadata").

use serde_json::{Map, Value};

use super::license::spdx_license;
use crate::yaml::{Reader, compose};

/// The information in a card that a Kitfile has a field for. Missing fields are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelCard {
    /// The name of the model or the dataset.
    pub name: String,
    /// The description.
    pub description: String,
    /// The licence, as an SPDX identifier if there is one.
    pub license: String,
    /// The authors.
    pub authors: Vec<String>,
    /// The library that loads the model.
    pub framework: String,
    /// Other information about a model or a dataset, under the keys of the card.
    pub parameters: Map<String, Value>,
}

/// The keys that become parameters. Others control the page of the hub (widgets), or repeat information that the files
/// contain.
const PARAMETERS: [&str; 9] = [
    "base_model",
    "base_model_relation",
    "datasets",
    "language",
    "metrics",
    "pipeline_tag",
    "size_categories",
    "tags",
    "task_categories",
];

impl ModelCard {
    /// Reads the card at the top of `readme`; returns `None` if there is none, or if it is not valid YAML.
    pub fn read(readme: &str) -> Option<Self> {
        let mut reader = Reader::default();
        let value = reader.value(&*compose(front_matter(readme)?).ok()??);
        let card = value.as_object().filter(|_| reader.problems.is_empty())?;
        let first = |keys: &[&str]| keys.iter().map(|key| text(card.get(*key))).find(|found| !found.is_empty());
        let name = first(&["model_name", "pretty_name", "title", "name"]);
        // A list of results contains the name of its model.
        let listed = || card.get("model-index").map(|index| text(index.get(0).and_then(|model| model.get("name"))));
        let parameters = PARAMETERS.iter().filter_map(|key| Some(((*key).to_owned(), card.get(*key)?.clone())));
        Some(Self {
            name: name.or_else(listed).unwrap_or_default(),
            description: first(&["description", "summary", "model_summary"]).unwrap_or_default(),
            license: license(card),
            authors: authors(card.get("authors").or_else(|| card.get("author"))),
            framework: text(card.get("library_name")),
            parameters: parameters.filter(|(_, value)| !value.is_null()).collect(),
        })
    }
}

fn front_matter(readme: &str) -> Option<&str> {
    let readme = readme.strip_prefix('\u{feff}').unwrap_or(readme);
    let (first, rest) = readme.split_once('\n')?;
    let is_fence = |line: &str| line.trim_end() == "---";
    let mut end = 0;
    for line in rest.split_inclusive('\n').filter(|_| is_fence(first)) {
        if is_fence(line) {
            return rest.get(..end);
        }
        end += line.len();
    }
    None
}

/// A string or a number, without white space around it.
fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The licence, if there is one. With several, it is not known which of them applies to which files.
fn license(card: &Map<String, Value>) -> String {
    let named = match card.get("license") {
        Some(Value::Array(licenses)) if licenses.len() == 1 => text(licenses.first()),
        license => text(license),
    };
    let own = text(card.get("license_name"));
    match named.as_str() {
        "unknown" => String::new(),
        "other" if own.is_empty() => String::new(),
        "other" => spdx_license(&own),
        _ => spdx_license(&named),
    }
}

/// Reads one name or a list, of names or of mappings that contain a name.
fn authors(value: Option<&Value>) -> Vec<String> {
    let name = |author: &Value| text(Some(author.get("name").unwrap_or(author)));
    let authors: Vec<_> = match value {
        Some(Value::Array(authors)) => authors.iter().map(name).collect(),
        value => value.map(name).into_iter().collect(),
    };
    authors.into_iter().filter(|author| !author.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_card_is_read_as_the_hub_reads_it() {
        let card = ModelCard::read(
            "---\nlicense: apache-2.0\nlibrary_name: transformers\nlanguage:\n- en\n- no\ntags: [text, 4-bit]\n\
             widget:\n- text: x\nbase_model: org/base\nmodel-index:\n- name: Tiny\n  results: []\nauthors:\n- name: \
             Ada\n- Team B\n---\n\
             # Tiny\n",
        );
        let expected = ModelCard {
            name: "Tiny".to_owned(),
            license: "Apache-2.0".to_owned(),
            authors: vec!["Ada".to_owned(), "Team B".to_owned()],
            framework: "transformers".to_owned(),
            parameters: json!({"base_model": "org/base", "language": ["en", "no"], "tags": ["text", "4-bit"]})
                .as_object()
                .unwrap()
                .clone(),
            ..ModelCard::default()
        };
        assert_eq!(card, Some(expected));
    }

    #[test]
    fn licences_and_names_are_read_from_several_keys() {
        for (front, license, name) in [
            ("license: mit\npretty_name: Set\n", "MIT", "Set"),
            ("license: [cc-by-4.0]\n", "CC-BY-4.0", ""),
            ("license: [mit, gpl-3.0]\n", "", ""),
            ("license: unknown\nmodel_name: 7\n", "", "7"),
            ("license: other\n", "", ""),
            ("license: other\nlicense_name: tongyi-qianwen\n", "tongyi-qianwen", ""),
            ("license: llama3.1\n", "llama3.1", ""),
        ] {
            let card = ModelCard::read(&format!("\u{feff}---\r\n{front}---\r\ntext")).unwrap();
            assert_eq!((&*card.license, &*card.name), (license, name), "{front}");
        }
    }

    #[test]
    fn a_readme_without_valid_front_matter_has_no_card() {
        for readme in [
            "",
            "# Title\n---\na: b\n---\n",
            "---\na: b\n",
            "---\n[\n---\n",
            "---\n- a\n---\n",
            "---\n---\n",
            "---",
            "--- x\n---\n",
        ] {
            assert_eq!(ModelCard::read(readme), None, "{readme}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_card_or_none(text in "(---\n)?[a-z:\\[\\]{}é\n -]{0,60}(\n---\n)?.{0,9}") {
            drop(ModelCard::read(&text));
        }
    }
}
