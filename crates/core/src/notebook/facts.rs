//! Facts about a notebook that its code states: the paths that it loads and writes, its parameters, its packages.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::distributions::is_of_the_standard_library;
use super::document::{Cell, Document};
use super::python::{Call, Constants, Statement, assigned_literal, calls, imports, path_of, plain, statements};
use super::role::{Role, role};

/// The facts, in the order of the code and without repetitions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The loaded items as they are written in the code: paths, URLs, names on a hub.
    pub loads: Vec<String>,
    /// The paths that are written.
    pub writes: Vec<Written>,
    /// The parameters that can be set from outside, as papermill does.
    pub parameters: Vec<Parameter>,
    /// The imported modules that are not part of Python, each by the first part of its name.
    pub modules: Vec<String>,
    /// The packages that cells install, as they are written.
    pub installs: Vec<String>,
    /// The cells whose purpose is known, by their numbers.
    pub roles: BTreeMap<usize, Role>,
}

/// A path that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The path.
    pub path: String,
    /// True if a model is written, false for any other content.
    pub is_model: bool,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// The value, if it is a literal, and if the name does not suggest a secret.
    pub value: Option<Value>,
    /// `name = value` as it is written, or only the name if it suggests a secret.
    pub text: String,
}

/// The tag of the cell with parameters (papermill, "Parameterize").
pub(super) const PARAMETERS: &str = "parameters";

const LOADING: [&str; 27] = [
    "open",
    "read_csv",
    "read_parquet",
    "read_json",
    "read_table",
    "read_excel",
    "read_feather",
    "read_pickle",
    "read_orc",
    "read_hdf",
    "read_fwf",
    "scan_csv",
    "scan_parquet",
    "loadtxt",
    "genfromtxt",
    "load",
    "load_file",
    "load_model",
    "load_dataset",
    "load_from_disk",
    "from_pretrained",
    "hf_hub_download",
    "snapshot_download",
    "imread",
    "urlretrieve",
    "load_weights",
    "ImageFolder",
];

/// Functions that write, each with the position of the path, its names, and true for a model. A longer name is the
/// whole function with its module.
const WRITING: [(&str, usize, &[&str], bool); 34] = [
    ("torch.save", 1, &["f"], true),
    ("joblib.dump", 1, &["filename"], true),
    ("tf.saved_model.save", 1, &["export_dir"], true),
    ("torch.onnx.export", 2, &["f"], true),
    ("onnx.save", 1, &["f"], true),
    ("np.save", 0, &["file"], false),
    ("numpy.save", 0, &["file"], false),
    ("savez", 0, &["file"], false),
    ("savetxt", 0, &["fname"], false),
    ("save_pretrained", 0, &["save_directory"], true),
    ("save_model", 0, &["output_dir", "fname", "path"], true),
    ("save_weights", 0, &["filepath"], true),
    ("save_file", 1, &["filename"], true),
    ("model.save", 0, &["filepath", "path"], true),
    ("model.export", 0, &["filepath"], true),
    ("skops.dump", 1, &["file"], true),
    ("save_to_disk", 0, &["dataset_path"], false),
    ("to_csv", 0, &["path_or_buf"], false),
    ("to_parquet", 0, &["path"], false),
    ("to_json", 0, &["path_or_buf"], false),
    ("to_excel", 0, &["excel_writer"], false),
    ("to_feather", 0, &["path"], false),
    ("to_pickle", 0, &["path"], false),
    ("to_hdf", 0, &["path_or_buf"], false),
    ("write_csv", 0, &["file"], false),
    ("write_parquet", 0, &["file"], false),
    ("write_json", 0, &["file"], false),
    ("savefig", 0, &["fname"], false),
    ("write_html", 0, &["file"], false),
    ("imwrite", 0, &["filename"], false),
    ("imsave", 0, &["fname"], false),
    ("TrainingArguments", 0, &["output_dir"], true),
    ("SFTConfig", 0, &["output_dir"], true),
    ("ModelCheckpoint", 0, &["dirpath", "filepath"], true),
];

/// The ends of files that hold a model, for `pickle.dump(model, open(path, "wb"))`.
const MODEL_ENDS: [&str; 12] =
    [".pkl", ".pickle", ".joblib", ".pt", ".pth", ".onnx", ".h5", ".keras", ".safetensors", ".ckpt", ".bst", ".ubj"];

static SECRET: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("(?i)token|secret|passw|credential|api_?key").expect("the pattern is valid"));

impl Facts {
    /// Returns the facts about a notebook.
    pub fn of(document: &Document) -> Self {
        let (mut facts, mut seen, mut constants) = (Self::default(), Seen::default(), Constants::new());
        for (number, cell) in document.code() {
            let plain = plain(&cell.source);
            facts.installs.extend(plain.installs.into_iter().filter(|install| seen.installs.insert(install.clone())));
            // Paths are found in code that is not complete as well.
            let statements = statements(if plain.is_python { &plain.code } else { &cell.source });
            if plain.is_python {
                facts.roles.extend(role(&statements).map(|role| (number, role)));
            }
            for statement in &statements {
                facts.add(statement, cell, &mut constants, &mut seen);
            }
        }
        facts
    }

    fn add(&mut self, statement: &Statement, cell: &Cell, constants: &mut Constants, seen: &mut Seen) {
        for import in imports(statement) {
            let top = import.top();
            if !top.is_empty() && !is_of_the_standard_library(top) && seen.modules.insert(top.to_owned()) {
                self.modules.push(top.to_owned());
            }
        }
        for call in calls(statement) {
            self.loads.extend(loaded(&call, constants).filter(|path| seen.loads.insert(path.clone())));
            self.writes.extend(written(&call, constants).filter(|written| seen.writes.insert(written.path.clone())));
        }
        if let Some((name, expression)) = assigned(statement)
            && let Some(path) = path_of(expression, constants)
        {
            constants.insert(name.to_owned(), path);
        }
        if cell.has_tag(PARAMETERS) {
            self.parameters.extend(parameter(statement));
        }
    }

    /// The parameters whose values are literals, by name.
    pub fn literals(&self) -> serde_json::Map<String, Value> {
        let literal = |parameter: &Parameter| Some((parameter.name.clone(), parameter.value.clone()?));
        self.parameters.iter().filter_map(literal).collect()
    }
}

/// The items that were found before.
#[derive(Default)]
struct Seen {
    loads: HashSet<String>,
    writes: HashSet<String>,
    modules: HashSet<String>,
    installs: HashSet<String>,
}

/// The name and the expression of an assignment to one name, on one line.
fn assigned(statement: &Statement) -> Option<(&str, &str)> {
    let line = statement.text.lines().zip(statement.masked.lines()).find(|(_, masked)| !masked.trim().is_empty());
    let (text, masked) = line?;
    let (name, _) = masked.split_once('=')?;
    let expression = text.get(name.len() + 1..masked.trim_end().len())?;
    let name = name.split(':').next()?.trim();
    let is_name = name.chars().all(|sign| sign.is_alphanumeric() || sign == '_');
    (is_name && !name.is_empty() && !expression.starts_with('=')).then_some((name, expression))
}

fn parameter(statement: &Statement) -> Option<Parameter> {
    let (name, expression) = assigned(statement)?;
    let (name, expression) = (name.to_owned(), expression.trim());
    if SECRET.is_match(&name) {
        return Some(Parameter { text: name.clone(), value: None, name });
    }
    let value = assigned_literal(statement).map(|(_, value)| value);
    Some(Parameter { text: format!("{name} = {expression}"), value, name })
}

fn loaded(call: &Call<'_>, constants: &Constants) -> Option<String> {
    if !LOADING.contains(&call.function) || is_written(call) {
        return None;
    }
    // `Path(path).open()` has no argument.
    let (_, first) = call.arguments.first()?;
    path_of(first, constants)
}

/// Returns true for the name of a file with arrays of NumPy, which are data as often as weights.
pub fn is_array_name(path: &str) -> bool {
    let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    matches!(extension.as_deref(), Some("npy" | "npz"))
}

/// Returns true for a call of `open` whose mode writes.
fn is_written(call: &Call<'_>) -> bool {
    let mode = call.argument(1, &["mode"]).unwrap_or_default().trim_matches(['"', '\'']);
    call.function == "open" && mode.len() <= 3 && mode.starts_with(['w', 'a', 'x'])
}

fn written(call: &Call<'_>, constants: &Constants) -> Option<Written> {
    let is_model_name = |path: &str| MODEL_ENDS.iter().any(|end| path.to_lowercase().ends_with(end));
    if is_written(call) {
        let path = path_of(call.arguments.first()?.1, constants)?;
        return Some(Written { is_model: is_model_name(&path), path });
    }
    let whole = format!("{}.{}", call.receiver, call.function);
    let (_, index, names, is_model) = WRITING.iter().find(|(name, ..)| {
        whole.ends_with(name) && {
            // `X.to_csv`, `model.save`, `torch.save`: a whole name, or one after a dot.
            let before = whole.len() - name.len();
            before == 0 || whole[..before].ends_with(['.', '_']) && name.contains('.') || whole[..before].ends_with('.')
        }
    })?;
    let path = path_of(call.argument(*index, names)?, constants).filter(|path| !path.is_empty())?;
    let is_array = is_array_name(&path);
    Some(Written { is_model: *is_model && !is_array, path })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::*;

    fn facts(cells: &Value) -> Facts {
        Facts::of(&Document::read(&json!({ "nbformat": 4, "cells": cells }).to_string()).unwrap())
    }

    fn of_code(code: &str) -> Facts {
        facts(&json!([{ "cell_type": "code", "source": code }]))
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
            ("DATA = Path('data')\npd.read_csv(DATA / 'a.csv')", &["data/a.csv"]),
            ("download('x'); reload('y')", &[]),
            ("print 'two'\nopen('a')", &["a"]),
        ] {
            assert_eq!(of_code(code).loads, loads, "{code}");
        }
    }

    #[test]
    fn written_paths_are_models_or_data() {
        for (code, expected) in [
            ("torch.save(model.state_dict(), 'm.pt')", "m.pt model"),
            ("OUT = 'out'\njoblib.dump(m, f'{OUT}/m.joblib')", "out/m.joblib model"),
            ("model.save_pretrained('out/model')", "out/model model"),
            ("my_model.save('m.keras')", "m.keras model"),
            ("df.to_csv('p.csv', index=False)", "p.csv data"),
            ("plt.savefig('a.png')", "a.png data"),
            ("with open('m.pkl', 'wb') as f:\n    pickle.dump(m, f)", "m.pkl model"),
            ("np.save('x.npy', a)", "x.npy data"),
            ("df.to_json()", ""),
        ] {
            let shown = of_code(code).writes.into_iter();
            let shown =
                shown.map(|written| format!("{} {}", written.path, if written.is_model { "model" } else { "data" }));
            assert_eq!(shown.collect::<Vec<_>>().join(", "), expected, "{code}");
        }
    }

    #[test]
    fn time_does_not_explode_with_the_number_of_loads() {
        const CALLS: usize = 100_000;
        let start = Instant::now();
        let code: String = (0..CALLS).map(|number| format!("open('{number}')")).collect::<Vec<_>>().join("\n");
        assert_eq!(of_code(&code).loads.len(), CALLS);
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }

    #[test]
    fn parameters_are_in_the_cell_with_their_tag() {
        let code = "epochs = 3\nrate: float = 2e-5  # slow\n# note\napi_key = 'abc'\nn = f()\nif x == 1:\n    y = 2\n";
        let cell = |tags: Value| json!([{ "cell_type": "code", "metadata": { "tags": tags }, "source": code }]);
        let found = facts(&cell(json!(["parameters"])));
        let texts: Vec<_> = found.parameters.iter().map(|parameter| &*parameter.text).collect();
        assert_eq!(texts, ["epochs = 3", "rate = 2e-5", "api_key", "n = f()"]);
        assert_eq!(Value::Object(found.literals()), json!({ "epochs": 3, "rate": 2e-5 }));
        assert_eq!(facts(&cell(json!(["injected-parameters"]))).parameters, []);
    }

    #[test]
    fn imported_modules_are_listed() {
        let found =
            of_code("!pip install -q einops==0.7\nimport os, numpy as np\nfrom sklearn.svm import SVC\nimport numpy");
        assert_eq!(found.modules, ["numpy", "sklearn"]);
        assert_eq!(found.installs, ["einops==0.7"]);
    }

    proptest::proptest! {
        #[test]
        fn no_code_is_too_strange(code in r##"([a-c=:.,()\[\]'"# é%!/]|open\(|torch.save\(|\n){0,40}"##) {
            of_code(&code);
        }
    }
}
