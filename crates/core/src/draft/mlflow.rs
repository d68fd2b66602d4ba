//! The files that MLflow writes for a run and a model: `meta.yaml`, metrics and parameters (the file store of MLflow 2,
//! `mlflow/store/tracking/file_store.py`), and `MLmodel` (mlflow.org/docs, "MLflow Models", "Storage Format").

use std::rc::Rc;

use serde_json::{Number, Value};

use crate::problem::{Invalid, Mark, Problem, Source};
use crate::yaml::{Content, Node, Reader, Resolved, compose, resolve, without_mark};

/// The content of the `meta.yaml` of a run. Missing fields are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MlflowRun {
    /// The identifier of the run; empty for an experiment.
    pub id: String,
    /// The name of the run.
    pub name: String,
    /// The user who started the run.
    pub user: String,
}

impl MlflowRun {
    /// Reads a `meta.yaml`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let fields = fields(text, "meta.yaml")?;
        let text = |name| text_of(&fields, name);
        // Before MLflow 1.0 it was called `run_uuid`.
        let id = Some(text("run_id")).filter(|id| !id.is_empty()).unwrap_or_else(|| text("run_uuid"));
        Ok(Self { id, name: text("run_name"), user: text("user_id") })
    }
}

/// The content of the `MLmodel` of a model. Missing fields are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MlflowModel {
    /// The identifier of the run that logged the model.
    pub run_id: String,
    /// The first flavor other than `python_function`, which any model has.
    pub framework: String,
}

impl MlflowModel {
    /// Reads an `MLmodel`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let fields = fields(text, "MLmodel")?;
        let flavors = find(&fields, "flavors").map(|node| match &node.content {
            Content::Mapping(flavors) => flavors.iter().filter_map(|(name, _)| Some(&*name.scalar()?.text)).collect(),
            _ => Vec::new(),
        });
        let flavors = flavors.unwrap_or_default();
        let framework = flavors.iter().find(|name| **name != "python_function").or(flavors.first());
        Ok(Self {
            run_id: text_of(&fields, "run_id"),
            framework: framework.map(ToString::to_string).unwrap_or_default(),
        })
    }
}

/// The value of a parameter: a number if its text can be parsed as one. MLflow stores all parameters as text.
pub fn mlflow_value(text: &str) -> Value {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    match number.and_then(|_| text.parse::<Number>().ok()) {
        Some(number) => Value::Number(number),
        None => Value::String(text.to_owned()),
    }
}

/// The last value of a metric, whose lines are `TIMESTAMP VALUE [STEP]`: the value with the highest step, then the
/// latest time, then the largest value. `None` if there is none.
///
/// Lines that are not such lines are left out, as after a crash while MLflow was writing; the second value is the number
/// of the first of them, from 1.
pub fn last_metric(text: &str) -> (Option<Value>, Option<usize>) {
    let (mut last, mut invalid) = (None, None);
    for (index, line) in text.lines().enumerate() {
        let Some(point) = point(line) else {
            invalid.get_or_insert(index + 1);
            continue;
        };
        if last.is_none_or(|last| is_later(point, last)) {
            last = Some(point);
        }
    }
    (last.map(|(.., value)| mlflow_value(value)), invalid)
}

/// Step, time, and the value as a number and as its text.
type Point<'a> = (i64, i64, f64, &'a str);

fn point(line: &str) -> Option<Point<'_>> {
    let mut words = line.split_ascii_whitespace();
    let (time, value, step) = (words.next()?, words.next()?, words.next().unwrap_or("0"));
    Some((step.parse().ok()?, time.parse().ok()?, value.parse().ok()?, value))
}

fn is_later(new: Point<'_>, old: Point<'_>) -> bool {
    (new.0, new.1).cmp(&(old.0, old.1)).then(new.2.total_cmp(&old.2)).is_gt()
}

type Field = (Rc<Node>, String, Rc<Node>);

fn fields(text: &str, file: &str) -> Result<Vec<Field>, Invalid> {
    let text = without_mark(text);
    let invalid = |mark: Mark, message: String| {
        let position = Some(Source::new(text).position(mark));
        Invalid::new(file, vec![Problem { position, ..Problem::of("", message) }])
    };
    let root = compose(text).map_err(|error| invalid(error.mark, error.message))?;
    let Some(Content::Mapping(pairs)) = root.as_deref().map(|node| &node.content) else {
        return Err(Invalid::new(file, vec![Problem::of("", "the document must be a mapping of fields".to_owned())]));
    };
    let mut reader = Reader::default();
    let fields = reader.pairs(pairs);
    match reader.problems.into_iter().next() {
        Some((mark, message)) => Err(invalid(mark, message)),
        None => Ok(fields),
    }
}

fn find<'a>(fields: &'a [Field], name: &str) -> Option<&'a Node> {
    fields.iter().find(|(_, key, _)| key == name).map(|(.., value)| &**value)
}

/// The source text of the value: an identifier of digits and one `e` is not a number.
fn text_of(fields: &[Field], name: &str) -> String {
    let scalar = find(fields, name).and_then(Node::scalar);
    scalar.filter(|scalar| resolve(scalar) != Ok(Resolved::Null)).map(|scalar| scalar.text.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_of_a_run_is_read() {
        let run = |id: &str, name: &str, user: &str| MlflowRun { id: id.into(), name: name.into(), user: user.into() };
        for (text, expected) in [
            (
                "artifact_uri: file:///x\nrun_id: 5e1\nrun_name: wistful-ant-659\nrun_uuid: 5e1\nstatus: 3\n\
                                 tags: []\nuser_id: ada\n",
                run("5e1", "wistful-ant-659", "ada"),
            ),
            ("run_uuid: abc\nname: ''\nuser_id: null\n", run("abc", "", "")),
            ("experiment_id: '0'\nname: Default\n", MlflowRun::default()),
        ] {
            assert_eq!(MlflowRun::parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_model_has_its_first_specific_flavor() {
        for (text, framework, run_id) in [
            (
                "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n  sklearn: {}\nrun_id: '0'\n",
                "sklearn",
                "0",
            ),
            ("flavors: {python_function: {}}\n", "python_function", ""),
            ("flavors: []\n", "", ""),
            ("run_id: abc", "", "abc"),
        ] {
            let expected = MlflowModel { framework: framework.into(), run_id: run_id.into() };
            assert_eq!(MlflowModel::parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn broken_texts_are_reported_with_their_position() {
        for (text, expected) in [
            ("flavors: [", "MLmodel is not valid\n  MLmodel:1:10: "),
            ("a: 1\na: 2\n", "MLmodel is not valid\n  MLmodel:2:1: the key `a` appears twice"),
            ("", "MLmodel is not valid\n  MLmodel: the document must be a mapping of fields"),
            ("text", "MLmodel is not valid\n  MLmodel: the document must be a mapping of fields"),
        ] {
            let error = MlflowModel::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn numbers_keep_their_value_and_texts_stay_texts() {
        for (text, json) in [
            ("0.01", "0.01"),
            ("1e-05", "1e-05"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("-3", "-3"),
            ("007", "\"007\""),
            ("1e999", "\"1e999\""),
            ("nan", "\"nan\""),
            ("True", "\"True\""),
            ("adam", "\"adam\""),
            ("", "\"\""),
        ] {
            assert_eq!(mlflow_value(text).to_string(), json, "{text}");
        }
    }

    #[test]
    fn the_last_value_of_a_metric_is_that_of_the_last_step() {
        for (text, expected) in [
            ("1 0.5 0\n2 0.9 2\n3 0.7 1\n", (Some("0.9"), None)),
            ("2 0.5\n1 0.9\n", (Some("0.5"), None)),
            ("1 0.5 0\n1 0.75 0\n1 0.25 0", (Some("0.75"), None)),
            ("1 nan 1\n", (Some("\"nan\""), None)),
            ("1 0.5 0 training a1b2\n", (Some("0.5"), None)),
            ("", (None, None)),
            ("1 0.5 0\n1 high 1\n2 0.7 1\n3", (Some("0.7"), Some(2))),
            ("1\n", (None, Some(1))),
            ("\n", (None, Some(1))),
        ] {
            let (last, invalid) = last_metric(text);
            assert_eq!((last.map(|value| value.to_string()).as_deref(), invalid), expected, "{text}");
        }
    }
}
