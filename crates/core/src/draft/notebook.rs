//! The inputs of a Jupyter notebook: the files, models and datasets that its code loads, and its parameters.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// The inputs found in the code of a notebook, in order and without repetitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notebook {
    /// The loaded items as they are written in the code: paths, URLs, names on a hub.
    pub loads: Vec<String>,
    /// The parameters that can be set from outside, as papermill does, each as `name = value`. The value is left out if
    /// the name suggests a secret.
    pub parameters: Vec<String>,
}

/// A call that loads the item named by its first string. `open` also writes, depending on the string after it.
static LOADING: LazyLock<Regex> = LazyLock::new(|| {
    let call = "open|read_(?:csv|parquet|json|table|excel|feather|pickle|orc|hdf)|scan_(?:csv|parquet)|loadtxt|\
                    genfromtxt|load|load_file|load_model|load_dataset|load_from_disk|from_pretrained|hf_hub_download|\
                    snapshot_download|imread|urlretrieve";
    let text = |name: &str| format!(r#"(?:"(?P<{name}_double>[^"\n]+)"|'(?P<{name}_single>[^'\n]+)')"#);
    let pattern = format!(
        r"\b(?:{call})\s*\(\s*(?:\w+\s*=\s*)?[rRfFuU]?{}(?:\s*,\s*(?:mode\s*=\s*)?{})?",
        text("what"),
        text("mode")
    );
    Regex::new(&pattern).expect("the pattern is valid")
});
/// An assignment `name = value` or `name: type = value`, with an optional comment.
static ASSIGNMENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^([A-Za-z_]\w*)\s*(?::[^=]+)?=\s*([^=\s].*?)\s*(?:\s#.*)?$").expect("the pattern is valid")
});
static SECRET: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("(?i)token|secret|passw|credential|api_?key").expect("the pattern is valid"));

/// The tag of the cell with parameters (papermill, "Parameterize").
const PARAMETERS: &str = "parameters";

impl Notebook {
    /// Reads the text of an `.ipynb` file of format 3 or 4; returns `None` for anything else.
    pub fn read(text: &str) -> Option<Self> {
        let notebook: Value = serde_json::from_str(text).ok()?;
        let sheet = notebook.get("worksheets").and_then(|sheets| sheets.get(0)).unwrap_or(&notebook);
        let (mut found, mut seen) = (Self::default(), HashSet::new());
        for cell in sheet.get("cells")?.as_array()?.iter().filter(|cell| cell["cell_type"] == "code") {
            found.look_at(cell, &mut seen);
        }
        Some(found)
    }

    fn look_at(&mut self, cell: &Value, seen: &mut HashSet<String>) {
        let code = code(cell);
        let tags = cell["metadata"]["tags"].as_array();
        let is_parameters = tags.is_some_and(|tags| tags.iter().any(|tag| tag == PARAMETERS));
        for line in code.lines().filter(|line| is_parameters && !line.starts_with('#')) {
            self.parameters.extend(ASSIGNMENT.captures(line).map(|parts| parameter(&parts)));
        }
        let lines: Vec<_> = code.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
        for call in LOADING.captures_iter(&lines.join("\n")) {
            self.loads.extend(loaded(&call).filter(|what| seen.insert(what.clone())));
        }
    }
}

/// The code of a cell: format 3 calls it `input`, and both formats allow a list of lines or one string.
fn code(cell: &Value) -> String {
    match cell.get("source").or_else(|| cell.get("input")) {
        Some(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(text)) => text.clone(),
        _ => String::new(),
    }
}

fn parameter(parts: &Captures<'_>) -> String {
    let (name, value) = (&parts[1], &parts[2]);
    if SECRET.is_match(name) { name.to_owned() } else { format!("{name} = {value}") }
}

fn loaded(call: &Captures<'_>) -> Option<String> {
    let text = |name: &str| {
        call.name(&format!("{name}_double")).or_else(|| call.name(&format!("{name}_single"))).map(|text| text.as_str())
    };
    let is_written = text("mode").is_some_and(|mode| mode.len() <= 3 && mode.starts_with(['w', 'a', 'x']));
    text("what").filter(|_| !is_written).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::*;

    fn check(cells: &Value, loads: &[&str], parameters: &[&str]) {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let expected = Notebook { loads: texts(loads), parameters: texts(parameters) };
        assert_eq!(Notebook::read(&json!({ "nbformat": 4, "cells": cells }).to_string()), Some(expected), "{cells}");
    }

    #[test]
    fn loaded_files_are_listed_once_and_written_ones_are_not() {
        for (code, loads) in [
            ("df = pd.read_csv('data/a.csv', sep=';')\ndf = pd.read_csv('data/a.csv')", &["data/a.csv"][..]),
            ("x = np.load(file=r\"w.npy\")", &["w.npy"]),
            ("with open('in.txt') as f, open('out.txt', 'w') as g: pass", &["in.txt"]),
            ("open('log', mode=\"ab\"); open('b', 'rb')", &["b"]),
            ("AutoModel.from_pretrained(\n    'org/base',\n)", &["org/base"]),
            ("load_dataset('imdb', 'annotated')", &["imdb"]),
            ("hf_hub_download(repo_id='org/x', filename='y')", &["org/x"]),
            ("# pd.read_csv('old.csv')\npd.read_csv(path)", &[]),
            ("download('x'); reload('y')", &[]),
        ] {
            check(&json!([{ "cell_type": "code", "source": code }]), loads, &[]);
        }
    }

    #[test]
    fn time_does_not_explode_with_the_number_of_loads() {
        const CALLS: usize = 100_000;
        let start = Instant::now();
        let code: String = (0..CALLS).map(|number| format!("open('{number}')")).collect::<Vec<_>>().join("\n");
        let notebook = json!({ "cells": [{ "cell_type": "code", "source": code }] }).to_string();
        assert_eq!(Notebook::read(&notebook).unwrap().loads.len(), CALLS);
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }

    #[test]
    fn parameters_are_in_the_cell_with_their_tag() {
        let code = [
            "epochs = 3\n",
            "rate: float = 2e-5  # slow\n",
            "# note\n",
            "api_key = 'abc'\n",
            "if x == 1:\n",
            "    y = 2\n",
        ];
        let cell = |tags: Value| json!([{ "cell_type": "code", "metadata": { "tags": tags }, "source": code }]);
        check(&cell(json!(["parameters"])), &[], &["epochs = 3", "rate = 2e-5", "api_key"]);
        check(&cell(json!(["injected-parameters"])), &[], &[]);
    }

    #[test]
    fn old_notebooks_are_read_and_other_documents_are_not() {
        let old = json!({ "nbformat": 3, "worksheets": [{ "cells": [
            { "cell_type": "code", "input": "open('a')" },
            { "cell_type": "markdown", "source": "open('b')" },
        ] }] });
        assert_eq!(Notebook::read(&old.to_string()).unwrap().loads, ["a"]);
        for text in ["", "[]", "{}", "{\"cells\": 1}", "# code"] {
            assert_eq!(Notebook::read(text), None, "{text}");
        }
    }
}
