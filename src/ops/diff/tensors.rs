//! Which tensors differ between two versions of a file of weights.

use std::collections::BTreeMap;

use super::listing::{File, FileContent};
use super::{FileChange, FileDiff};
use crate::ops::Error;
use crate::tensors::{Format, Header, Tensor};

/// What differs between the tensors of two files.
#[derive(Debug, Clone)]
pub struct TensorsDiff {
    /// How many names of tensors there are in both together.
    pub total: usize,
    /// Those that differ, by name.
    pub changes: Vec<TensorDiff>,
    /// Whether the bytes of tensors were compared. Without that, those with equal types and shapes may differ all the same.
    pub is_compared: bool,
}

/// A tensor that is not the same in both.
#[derive(Debug, Clone)]
pub struct TensorDiff {
    /// Its name.
    pub name: String,
    /// What happened to it.
    pub change: TensorChange,
    /// The tensor in the first.
    pub before: Option<Tensor>,
    /// The tensor in the second.
    pub after: Option<Tensor>,
}

/// What happened to a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TensorChange {
    /// Only the second has it.
    Added,
    /// Only the first has it.
    Removed,
    /// Its numbers are of another type.
    Retyped,
    /// It has other dimensions.
    Reshaped,
    /// Its bytes are others.
    Changed,
}

/// Compares the tensors of the file that `diff` is about, if there are any. Their bytes are read if both files may be read.
pub(super) fn compare(diff: &FileDiff, before: &File, after: &File) -> Result<Option<TensorsDiff>, Error> {
    let format = diff.path.file_name().and_then(Format::of);
    let is_meant = matches!(diff.change, FileChange::Changed | FileChange::NotCompared);
    let Some(format) = format.filter(|_| is_meant) else { return Ok(None) };
    let failed = |error| Error::reading(&format!("the header of `{}`", diff.path), error);
    let (Some(before_content), Some(after_content)) = (before.content(), after.content()) else { return Ok(None) };
    let headers = (before_content.header(format).map_err(failed)?, after_content.header(format).map_err(failed)?);
    let (Some(one), Some(other)) = headers else { return Ok(None) };
    let is_compared = before.can_be_read() && after.can_be_read();
    let mut pairs = pair(one, other);
    let total = pairs.len();
    let mut changes = Vec::new();
    for (name, (before_tensor, after_tensor)) in &mut pairs {
        let pair = (before_tensor.take(), after_tensor.take());
        let mut change = change(&pair);
        if let (None, true, (Some(one), Some(other))) = (change, is_compared, &pair) {
            let digest = |file: &FileContent, tensor: &Tensor| {
                let read = file.digest_of(tensor.offset, tensor.size);
                read.map_err(|error| Error::reading(&format!("the tensor `{name}` of `{}`", diff.path), error))
            };
            change = (digest(&before_content, one)? != digest(&after_content, other)?).then_some(TensorChange::Changed);
        }
        changes.extend(change.map(|change| TensorDiff { name: name.clone(), change, before: pair.0, after: pair.1 }));
    }
    Ok(Some(TensorsDiff { total, changes, is_compared }))
}

type Pair = (Option<Tensor>, Option<Tensor>);

fn pair(one: Header, other: Header) -> BTreeMap<String, Pair> {
    let mut pairs: BTreeMap<String, Pair> = BTreeMap::new();
    for tensor in one.tensors {
        let name = tensor.name.clone();
        pairs.entry(name).or_default().0 = Some(tensor);
    }
    for tensor in other.tensors {
        let name = tensor.name.clone();
        pairs.entry(name).or_default().1 = Some(tensor);
    }
    pairs
}

/// What the headers alone tell.
fn change(pair: &Pair) -> Option<TensorChange> {
    match pair {
        (None, _) => Some(TensorChange::Added),
        (_, None) => Some(TensorChange::Removed),
        (Some(one), Some(other)) if one.element_type != other.element_type => Some(TensorChange::Retyped),
        (Some(one), Some(other)) if one.shape != other.shape => Some(TensorChange::Reshaped),
        _ => None,
    }
}
