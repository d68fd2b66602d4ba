//! The head of a model card of Hugging Face: metadata as YAML ("Model Cards", hub documentation).

use serde_json::{Map, Value, json};

use super::facts::{license_of, metric_name, metrics};
use kit_core::ops::{EdgeKind, Report};
use kit_core::yaml::value_to_yaml;

/// Renders the head, with the lines around it.
pub(super) fn front_matter(report: &Report) -> String {
    let mut card = Map::new();
    license(report, &mut card);
    let kitfile = &report.inspected.modelkit.config.kitfile;
    let framework = kitfile.model.as_ref().map_or("", |model| &model.framework);
    if !framework.is_empty() {
        card.insert("library_name".to_owned(), framework.to_lowercase().into());
    }
    card.extend(report.task.iter().map(|task| ("pipeline_tag".to_owned(), task.as_str().into())));
    insert_list(&mut card, "base_model", base_models(report));
    insert_list(&mut card, "datasets", datasets(report));
    insert_list(&mut card, "metrics", metric_types(report));
    insert_list(&mut card, "tags", tags(report));
    card.extend(model_index(report).map(|index| ("model-index".to_owned(), index)));
    format!("---\n{}---\n", value_to_yaml(&Value::Object(card)))
}

fn insert_list(card: &mut Map<String, Value>, name: &str, values: Vec<String>) {
    if !values.is_empty() {
        card.insert(name.to_owned(), values.into());
    }
}

/// The hub has lower-case identifiers for single licences, and `other` with a name for everything else.
fn license(report: &Report, card: &mut Map<String, Value>) {
    let text = license_of(&report.inspected.modelkit.config.kitfile);
    let stated = report.licenses.iter().find(|part| part["text"].as_str() == Some(text));
    let expression = stated.and_then(|part| part["expression"].as_str());
    match expression.filter(|expression| !expression.contains(' ')) {
        _ if text.is_empty() => {}
        Some(identifier) => drop(card.insert("license".to_owned(), identifier.to_lowercase().into())),
        None => {
            card.insert("license".to_owned(), "other".into());
            card.insert("license_name".to_owned(), text.into());
        }
    }
}

/// The part of an address that is an identifier on the hub. References to registries are not.
fn hub_id(name: &str) -> Option<String> {
    let id = ["https://huggingface.co/datasets/", "https://huggingface.co/", "hf://datasets/", "hf://"]
        .into_iter()
        .find_map(|prefix| name.strip_prefix(prefix));
    let id = id?.split(['@', '?', '#']).next().unwrap_or_default();
    let mut parts = id.split('/');
    let id = [parts.next()?, parts.next()?].join("/");
    let is_id = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    is_id(&id).then_some(id)
}

fn sources(report: &Report, is_wanted: fn(EdgeKind) -> bool) -> Vec<String> {
    let edges = report.lineage.edges.iter().filter(|edge| is_wanted(edge.kind));
    let mut ids: Vec<_> = edges.filter_map(|edge| hub_id(&report.lineage.nodes.get(edge.to)?.name)).collect();
    ids.sort();
    ids.dedup();
    ids
}

fn base_models(report: &Report) -> Vec<String> {
    sources(report, |kind| matches!(kind, EdgeKind::BaseModel | EdgeKind::Parent))
}

fn datasets(report: &Report) -> Vec<String> {
    sources(report, |kind| kind == EdgeKind::Dataset)
}

/// The names of parts of the data, which are not those of metrics.
const SPLITS: [&str; 8] = ["train", "training", "validation", "valid", "val", "dev", "test", "eval"];

/// The types of the metrics: `accuracy` of `metrics.test.accuracy` and of `accuracy.test`.
fn metric_types(report: &Report) -> Vec<String> {
    let mut types: Vec<_> = metrics(report).keys().map(|path| metric_type(path)).collect();
    types.sort();
    types.dedup();
    types
}

fn metric_type(path: &str) -> String {
    let is_split = |name: &&str| SPLITS.contains(&name.to_lowercase().as_str());
    path.rsplit('.').find(|name| !is_split(name)).unwrap_or(path).to_lowercase()
}

fn tags(report: &Report) -> Vec<String> {
    let formats = report.models.iter().flat_map(|model| &model.files).map(|file| file.format.name().to_lowercase());
    let mut tags: Vec<_> = formats.chain(["modelkit".to_owned()]).collect();
    tags.sort();
    tags.dedup();
    tags
}

/// The results. The hub requires a task and a dataset, so that there are none if one of them is not known.
fn model_index(report: &Report) -> Option<Value> {
    let (task, metrics) = (report.task.as_ref()?, metrics(report));
    let kitfile = &report.inspected.modelkit.config.kitfile;
    let evaluated = report.evaluations.iter().filter_map(|evaluation| evaluation.configuration.first());
    let named =
        kitfile.datasets.iter().map(|dataset| if dataset.name.is_empty() { &dataset.path } else { &dataset.name });
    let dataset = evaluated.chain(named).next()?;
    if metrics.is_empty() {
        return None;
    }
    let metric = |(path, value): (&String, &f64)| {
        let (kind, name) = (metric_type(path), metric_name(path));
        json!({ "type": kind, "name": name, "value": value })
    };
    Some(json!([{
        "name": if kitfile.package.name.is_empty() { &report.name } else { &kitfile.package.name },
        "results": [{
            "task": { "type": task },
            "dataset": { "name": dataset, "type": dataset },
            "metrics": metrics.iter().map(metric).collect::<Value>(),
        }],
    }]))
}

#[cfg(test)]
mod tests {
    use super::{hub_id, metric_type};

    #[test]
    fn the_type_of_a_metric_is_not_the_name_of_a_part_of_the_data() {
        for (path, expected) in [
            ("metrics.test.accuracy", "accuracy"),
            ("accuracy.validation", "accuracy"),
            ("Accuracy", "accuracy"),
            ("test", "test"),
        ] {
            assert_eq!(metric_type(path), expected, "{path}");
        }
    }

    #[test]
    fn only_addresses_of_the_hub_are_identifiers() {
        for (name, expected) in [
            ("https://huggingface.co/org/model", Some("org/model")),
            ("https://huggingface.co/datasets/org/data@main", Some("org/data")),
            ("hf://org/model/file.bin", Some("org/model")),
            ("registry.example/team/model:v1", None),
            ("https://huggingface.co/org/mo\"del", None),
            ("https://huggingface.co/org", None),
        ] {
            assert_eq!(hub_id(name).as_deref(), expected, "{name}");
        }
    }
}
