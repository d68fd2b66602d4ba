//! The JSON output of `kit diff`.

use serde_json::{Value, json};

use super::patch;
use kit_core::ops::{
    Compared, Concern, Difference, FieldDiff, FileChange, FileDiff, FileState, LayerRow, NumbersDiff, ParentDiff,
    TableDiff, TensorChange, TensorDiff, TensorsDiff,
};

/// Renders all differences.
pub(super) fn render(names: (&str, &str), difference: &Difference) -> Value {
    json!({
        "identical": difference.is_none(),
        "concerns": difference.concerns().into_iter().map(Concern::word).collect::<Value>(),
        "first": side(names.0, &difference.first),
        "second": side(names.1, &difference.second),
        "kitfile": difference.fields.as_ref().map(|fields| fields.iter().map(field).collect::<Value>()),
        "parents": difference.parents.iter().map(parent).collect::<Value>(),
        "files": difference.files.iter().map(file).collect::<Value>(),
        "sharedLayers": layers(&difference.shared),
        "uniqueToFirst": layers(&difference.only_first),
        "uniqueToSecond": layers(&difference.only_second),
    })
}

fn side(name: &str, side: &Compared) -> Value {
    let manifest = side.inspected.as_ref().map(|inspected| &inspected.modelkit.manifest);
    json!({
        "reference": name,
        "digest": side.manifest,
        "config": manifest.map(|manifest| manifest.config.digest),
        "annotations": manifest.map(|manifest| &manifest.annotations),
    })
}

fn layers(rows: &[LayerRow]) -> Value {
    let row = |row: &LayerRow| {
        let LayerRow { media_type, path, digest, size } = row;
        json!({ "mediaType": media_type, "path": path, "digest": digest, "size": size })
    };
    rows.iter().map(row).collect()
}

fn field(field: &FieldDiff) -> Value {
    json!({ "path": field.path, "concern": field.concern().word(), "before": field.before, "after": field.after })
}

fn parent(parent: &ParentDiff) -> Value {
    json!({ "reference": parent.reference, "before": parent.before, "after": parent.after })
}

/// A file that differs.
pub(crate) fn file(file: &FileDiff) -> Value {
    let state = |state: &FileState| {
        let mode = format!("{:04o}", state.mode);
        json!({ "mode": mode, "size": state.size, "digest": state.digest })
    };
    let from = if let FileChange::Moved(from) = &file.change { Some(from.as_str()) } else { None };
    json!({
        "path": file.path.as_str(),
        "concern": file.concern.word(),
        "change": file.change.word(),
        "from": from,
        "before": file.before.as_ref().map(state),
        "after": file.after.as_ref().map(state),
        "tensors": file.content.tensors.as_ref().map(tensors),
        "table": file.content.table.as_ref().map(table),
        "text": file.content.text.as_ref().map(|text| {
            json!({ "added": text.added, "removed": text.removed, "patch": patch::raw(file) })
        }),
    })
}

fn table(table: &TableDiff) -> Value {
    json!({
        "columnsAdded": table.columns_added,
        "columnsRemoved": table.columns_removed,
        "rowsBefore": table.rows_before,
        "rowsAfter": table.rows_after,
        "rowsAdded": table.rows.map(|rows| rows.added),
        "rowsRemoved": table.rows.map(|rows| rows.removed),
    })
}

fn tensors(tensors: &TensorsDiff) -> Value {
    let changes: Value = tensors.changes.iter().map(tensor).collect();
    json!({ "total": tensors.total, "contentCompared": tensors.is_compared, "changes": changes })
}

fn tensor(tensor: &TensorDiff) -> Value {
    let word = match tensor.change {
        TensorChange::Added => "added",
        TensorChange::Removed => "removed",
        TensorChange::Retyped => "retyped",
        TensorChange::Reshaped => "reshaped",
        TensorChange::Changed => "changed",
    };
    let numbers = tensor.numbers.as_ref().map(numbers);
    json!({
        "name": tensor.name, "change": word, "before": tensor.before, "after": tensor.after, "statistics": numbers,
    })
}

fn numbers(numbers: &NumbersDiff) -> Value {
    let NumbersDiff { largest, relative, without_difference } = numbers;
    json!({ "largestDifference": largest, "relativeDifference": relative, "withoutDifference": without_difference })
}
