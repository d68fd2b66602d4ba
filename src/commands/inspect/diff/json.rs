//! The JSON output of `kit diff`.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{metrics, notebook, patch};
use kit_core::ops::{
    Compared, Concern, Difference, FieldDiff, FileChange, FileDiff, FileState, LayerRow, NumbersDiff, OwnedChanges,
    ParentDiff, TableDiff, TensorChange, TensorDiff, TensorsDiff,
};
use kit_core::tensors::Tensor;

/// The differences as data. Files and tensors are converted one by one while they are serialized, because a tree of
/// JSON values would take kilobytes for each.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DiffData<'a> {
    identical: bool,
    concerns: Vec<&'static str>,
    first: Value,
    second: Value,
    kitfile: Option<Value>,
    parents: Value,
    #[serde(serialize_with = "files")]
    files: &'a [FileDiff],
    owners: Option<Value>,
    metrics: Option<Value>,
    shared_layers: Value,
    unique_to_first: Value,
    unique_to_second: Value,
}

impl<'a> DiffData<'a> {
    /// `is_whole` is false if only a selection was compared.
    pub(crate) fn new(names: (&str, &str), difference: &'a Difference, is_whole: bool) -> Self {
        Self {
            identical: if is_whole { difference.is_none() } else { difference.is_empty() },
            concerns: difference.concerns().into_iter().map(Concern::word).collect(),
            first: side(names.0, &difference.first),
            second: side(names.1, &difference.second),
            kitfile: difference.fields.as_ref().map(|fields| fields.iter().map(field).collect()),
            parents: difference.parents.iter().map(parent).collect(),
            files: &difference.files,
            owners: owners(difference),
            metrics: metrics::to_json(&difference.metrics),
            shared_layers: layers(&difference.shared),
            unique_to_first: layers(&difference.only_first),
            unique_to_second: layers(&difference.only_second),
        }
    }

    /// The number of files and tensors.
    pub(super) fn rows(&self) -> usize {
        let tensors = self.files.iter().filter_map(|file| file.content.tensors.as_ref());
        self.files.len() + tensors.map(|tensors| tensors.changes.len()).sum::<usize>()
    }
}

/// The changes by owner; `None` if neither side has owners.
fn owners(difference: &Difference) -> Option<Value> {
    let one = |owned: &OwnedChanges<'_>| {
        json!({
            "owner": owned.owner.map(ToString::to_string),
            "fields": owned.fields.iter().map(|field| &field.path).collect::<Vec<_>>(),
            "files": owned.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(),
        })
    };
    (!difference.ownership.is_empty()).then(|| difference.by_owner().iter().map(one).collect())
}

fn files<S: Serializer>(files: &[FileDiff], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(files.iter().map(FileData::new))
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

/// A file that differs, as data.
#[derive(Serialize)]
pub(crate) struct FileData<'a> {
    path: &'a str,
    concern: &'static str,
    change: &'static str,
    from: Option<&'a str>,
    before: Option<Value>,
    after: Option<Value>,
    tensors: Option<TensorsData<'a>>,
    table: Option<Value>,
    notebook: Option<Value>,
    text: Option<Value>,
}

impl<'a> FileData<'a> {
    pub(crate) fn new(file: &'a FileDiff) -> Self {
        let state = |state: &FileState| {
            let mode = format!("{:04o}", state.mode);
            json!({ "mode": mode, "size": state.size, "digest": state.digest })
        };
        Self {
            path: file.path.as_str(),
            concern: file.concern.word(),
            change: file.change.word(),
            from: if let FileChange::Moved(from) = &file.change { Some(from.as_str()) } else { None },
            before: file.before.as_ref().map(state),
            after: file.after.as_ref().map(state),
            tensors: file.content.tensors.as_deref().map(TensorsData::new),
            table: file.content.table.as_deref().map(table),
            notebook: notebook::data(file),
            text: file
                .content
                .text
                .as_ref()
                .map(|text| json!({ "added": text.added, "removed": text.removed, "patch": patch::raw(file) })),
        }
    }
}

fn table(table: &TableDiff) -> Value {
    json!({
        "columnsAdded": table.columns_added,
        "columnsRemoved": table.columns_removed,
        "columnsReordered": table.has_columns_reordered,
        "rowsBefore": table.rows_before,
        "rowsAfter": table.rows_after,
        "rowsAdded": table.rows.map(|rows| rows.added),
        "rowsRemoved": table.rows.map(|rows| rows.removed),
        "rowsReordered": table.has_rows_reordered,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TensorsData<'a> {
    total: usize,
    content_compared: bool,
    #[serde(serialize_with = "tensors")]
    changes: &'a [TensorDiff],
}

impl<'a> TensorsData<'a> {
    fn new(tensors: &'a TensorsDiff) -> Self {
        Self { total: tensors.total, content_compared: tensors.is_compared, changes: &tensors.changes }
    }
}

fn tensors<S: Serializer>(tensors: &[TensorDiff], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(tensors.iter().map(TensorData::new))
}

#[derive(Serialize)]
struct TensorData<'a> {
    name: &'a str,
    change: &'static str,
    before: Option<Cow<'a, Tensor>>,
    after: Option<&'a Tensor>,
    statistics: Option<Value>,
}

impl<'a> TensorData<'a> {
    fn new(tensor: &'a TensorDiff) -> Self {
        let change = match tensor.change {
            TensorChange::Added => "added",
            TensorChange::Removed => "removed",
            TensorChange::Retyped => "retyped",
            TensorChange::Reshaped => "reshaped",
            TensorChange::Changed => "changed",
        };
        let (before, after) = (tensor.before(), tensor.after());
        Self { name: tensor.name(), change, before, after, statistics: tensor.numbers.as_deref().map(numbers) }
    }
}

fn numbers(numbers: &NumbersDiff) -> Value {
    let NumbersDiff { largest, relative, without_difference } = numbers;
    json!({ "largestDifference": largest, "relativeDifference": relative, "withoutDifference": without_difference })
}
