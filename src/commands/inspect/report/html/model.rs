//! The model, by the headers of its weights and by the Kitfile.

use super::super::facts::{metrics, parameters_of};
use super::blocks::{Kind, Section, details, facts_list, none, path_name, table};
use crate::commands::inspect::modelkit::short_count;
use crate::output::counted;
use crate::output::page::{Html, Share, element, share_bar};
use kit_core::ops::{Report, ReportedPart, WeightFile};
use kit_core::progress::human;
use kit_core::tensors::{Summary, TypeCount};

/// The number of rows that are shown without a request.
const ROWS: usize = 8;
/// The most parameters of the Kitfile that are listed.
const PARAMETERS: usize = 200;

pub(super) fn section(report: &Report) -> Option<Section> {
    let kitfile = &report.inspected.modelkit.config.kitfile;
    let parameters = parameters_of(kitfile, &metrics(report));
    if kitfile.model.is_none() && report.models.is_empty() {
        return None;
    }
    let mut section = Section::new("model", "Model");
    let largest = report.largest_model().map(|model| &model.summary);
    if let Some(facts) = facts_list(of_kitfile(report).into_iter().chain(largest.into_iter().flat_map(of_weights))) {
        section = section.add(facts);
    }
    if let Some(summary) = largest {
        section = section.add(share_bar("Bytes by number type", &types(summary)));
    }
    let files: Vec<&WeightFile> = report.models.iter().flat_map(|model| &model.files).collect();
    section = section.add_under("Files of weights", weights(&files));
    Some(section.add_under("Parameters in the Kitfile", of_parameters(&parameters)))
}

fn of_kitfile(report: &Report) -> Vec<(&'static str, Option<String>)> {
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    let Some(model) = &report.inspected.modelkit.config.kitfile.model else { return Vec::new() };
    vec![
        ("Name", given(&model.name)),
        ("Version", given(&model.version)),
        ("Framework", given(&model.framework)),
        ("Task", report.task.clone()),
        ("Taken from", taken_from(report)),
    ]
}

/// The ModelKit that the model is taken from.
fn taken_from(report: &Report) -> Option<String> {
    let is_elsewhere = |part: &&ReportedPart| part.section == Some("model") && part.media_type.is_none();
    report.parts.iter().find(is_elsewhere).map(|part| part.path.clone())
}

fn of_weights(summary: &Summary) -> Vec<(&'static str, Option<String>)> {
    let it = &summary.hyperparameters;
    let tokens = |count: u64| counted(count, "token");
    let heads = it.heads.map(|heads| match it.key_value_heads.filter(|shared| *shared != heads) {
        Some(shared) => format!("{heads}, {shared} of keys and values"),
        None => heads.to_string(),
    });
    vec![
        ("Architecture", it.architecture.clone()),
        ("Parameters", Some(short_count(summary.parameters))),
        ("Tensors", Some(summary.tensors.to_string())),
        ("Quantization", it.quantization.as_ref().map(ToString::to_string)),
        ("Context length", it.context_length.map(tokens)),
        ("Vocabulary", it.vocabulary.map(tokens)),
        ("Layers", it.layers.map(|layers| layers.to_string())),
        ("Heads", heads),
        ("Memory, estimated", Some(human(summary.memory.total()))),
    ]
}

fn types(summary: &Summary) -> Vec<Share> {
    let share = |(colour, count): (usize, &TypeCount)| {
        let words = format!("{} in {}", human(count.size), counted(count.tensors, "tensor"));
        Share { name: count.name.to_owned(), words, size: count.size, colour }
    };
    summary.types.iter().enumerate().map(share).collect()
}

fn weights(files: &[&WeightFile]) -> Option<Html> {
    let columns = [("File", Kind::Text), ("Format", Kind::Text), ("Tensors", Kind::Number), ("Size", Kind::Number)];
    let row = |file: &&WeightFile| {
        let tensors = file.header.as_ref().ok().map(|header| header.tensors.len().to_string());
        [
            path_name(file.path.as_str()),
            Html::text(file.format.name()),
            tensors.map_or_else(none, |tensors| Html::text(&tensors)),
            file.size.map_or_else(none, |size| Html::text(&human(size))),
        ]
    };
    let table = (!files.is_empty()).then(|| table("Files of weights", columns, files.iter().map(row)))?;
    Some(details(&counted(files.len(), "file"), files.len() <= ROWS, table))
}

fn of_parameters(parameters: &[(String, String)]) -> Option<Html> {
    let row = |(name, value): &(String, String)| [path_name(name), element("code").text(value).into()];
    let rows = parameters.iter().take(PARAMETERS).map(row);
    let columns = [("Parameter", Kind::Text), ("Value", Kind::Text)];
    let table = (!parameters.is_empty()).then(|| table("Parameters in the Kitfile", columns, rows))?;
    Some(details(&counted(parameters.len(), "parameter"), parameters.len() <= ROWS, table))
}
