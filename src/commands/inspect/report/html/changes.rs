//! The changes since an earlier version: Kitfile, files, tensors and tables.

use serde_json::Value;

use super::blocks::{Kind, Section, code, details, none, path_name, table, with_note};
use crate::commands::inspect::diff::{count_files, describe_file, field_value};
use crate::output::page::{Html, element};
use kit_core::ops::{Concern, FieldDiff, FileDiff, Report, TensorChange, TensorDiff, TensorsDiff};
use kit_core::tensors::Tensor;

/// The most rows of each table.
const FIELDS: usize = 100;
const FILES: usize = 100;
const TENSORS: usize = 100;
/// The number of tensors that are shown without a request.
const SHORT: usize = 8;
/// The longest value of a field.
const VALUE_LETTERS: usize = 120;

pub(super) fn section(report: &Report) -> Option<Section> {
    let changes = report.changes.as_ref()?;
    let difference = &changes.difference;
    let section = Section::new("changes", "Changes");
    if difference.is_none() || difference.is_empty() {
        return Some(section.lead(&format!("No differences from {}.", changes.since)));
    }
    let concerns: Vec<_> = difference.concerns().into_iter().map(Concern::word).collect();
    let lead = format!("Since {}, in: {}.", changes.since, concerns.join(", "));
    let mut section =
        section.lead(&lead).add_under("Kitfile", fields(difference.fields.as_deref().unwrap_or_default()));
    section = section.add_under("Files", files(&difference.files));
    for file in &difference.files {
        if let Some(tensors) = file.content.tensors.as_deref().filter(|tensors| !tensors.changes.is_empty()) {
            section = section.add_under(&format!("Tensors of {}", file.path), Some(of_tensors(tensors)));
        }
    }
    Some(section)
}

fn fields(fields: &[FieldDiff]) -> Option<Html> {
    let columns = [("Field", Kind::Text), ("Before", Kind::Text), ("Now", Kind::Text)];
    let row = |field: &FieldDiff| [path_name(&field.path), side(field.before.as_ref()), side(field.after.as_ref())];
    (!fields.is_empty()).then(|| table("Fields of the Kitfile", columns, fields.iter().take(FIELDS).map(row)))
}

fn side(value: Option<&Value>) -> Html {
    let Some(value) = value else { return none() };
    let text = field_value(value);
    let short: String = text.chars().take(VALUE_LETTERS).collect();
    if short.len() < text.len() { code(&format!("{short}…")) } else { code(&short) }
}

fn files(files: &[FileDiff]) -> Option<Html> {
    let columns = [("File", Kind::Text), ("Change", Kind::Text), ("Details", Kind::Text)];
    let row = |file: &FileDiff| {
        let path = path_name(file.path.as_str());
        let change = element("span").with("class", format_args!("change {}", file.change.word()));
        let change = change.text(file.change.word());
        [with_note(path, file.concern.word()), change.into(), Html::text(&describe_file(file).join(", "))]
    };
    let table = (!files.is_empty()).then(|| table("Files that differ", columns, files.iter().take(FILES).map(row)))?;
    let counts = count_files(files);
    let is_long = files.len() > FILES;
    let count = if is_long { format!("{counts}; the first {FILES} are listed, see `kit diff`") } else { counts };
    Some([element("p").class("more").text(&count).into(), table].into_iter().collect())
}

fn of_tensors(tensors: &TensorsDiff) -> Html {
    let columns = [("Tensor", Kind::Text), ("Change", Kind::Text), ("Before", Kind::Extra), ("Now", Kind::Extra)];
    let row = |tensor: &TensorDiff| {
        [
            path_name(tensor.name()),
            Html::text(tensor_word(tensor.change)),
            tensor.before().map_or_else(none, |tensor| shape(&tensor)),
            tensor.after().map_or_else(none, shape),
        ]
    };
    let table = table("Tensors that differ", columns, tensors.changes.iter().take(TENSORS).map(row));
    let count = tensors.changes.len();
    let unread = if tensors.is_compared { "" } else { "; tensors of the same shape may differ as well" };
    let listed = if count > TENSORS { format!("; the first {TENSORS} are listed") } else { String::new() };
    let summary = format!("{count} of {} tensors differ{unread}{listed}", tensors.total);
    [element("p").class("more").text(&summary).into(), details("Show the tensors", count <= SHORT, table)]
        .into_iter()
        .collect()
}

fn tensor_word(change: TensorChange) -> &'static str {
    match change {
        TensorChange::Added => "added",
        TensorChange::Removed => "removed",
        TensorChange::Retyped => "type",
        TensorChange::Reshaped => "shape",
        TensorChange::Changed => "values",
    }
}

fn shape(tensor: &Tensor) -> Html {
    let dimensions: Vec<_> = tensor.shape.iter().map(ToString::to_string).collect();
    code(&format!("{} [{}]", tensor.element_type, dimensions.join(", ")))
}
