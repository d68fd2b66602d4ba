//! Compares the tensors of two versions of a file of weights.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::atomic::{self, AtomicBool};

use super::compare::DiffOptions;
use super::files::{FileChange, FileDiff};
use super::listing::{File, FileContent};
use super::numbers::{self, NumbersDiff, Outcome};
use crate::oci::ContentError;
use crate::ops::error::Error;
use crate::ops::workers;
use crate::tensors::{Format, Header, Tensor};

/// The differences between the tensors of two files.
#[derive(Debug, Clone)]
pub struct TensorsDiff {
    /// The number of different tensor names in both files together.
    pub total: usize,
    /// The tensors that differ, sorted by name.
    pub changes: Vec<TensorDiff>,
    /// True if the bytes of tensors were compared. Otherwise, tensors with equal types and shapes may still differ.
    pub is_compared: bool,
    /// The size of the larger file if statistics were requested, but it is larger than may be read for them.
    pub unread_bytes: Option<u64>,
}

/// A tensor that differs between two files. It is kept small, because all tensors of a model may differ.
#[derive(Debug, Clone)]
pub struct TensorDiff {
    /// The kind of change.
    pub change: TensorChange,
    sides: Sides,
    /// The differences between its numbers, if they were requested and can be computed.
    pub numbers: Option<Box<NumbersDiff>>,
}

/// The tensor in the files that have it.
#[derive(Debug, Clone)]
enum Sides {
    Before(Tensor),
    After(Tensor),
    Both(Box<(Tensor, Tensor)>),
    /// Tensors that are equal in all but their offsets: the one in the second file, and the offset of the other.
    Alike(Tensor, u64),
}

impl Sides {
    fn new(before: Option<Tensor>, after: Option<Tensor>) -> Option<Self> {
        Some(match (before, after) {
            (None, None) => return None,
            (Some(before), None) => Self::Before(before),
            (None, Some(after)) => Self::After(after),
            (Some(before), Some(after)) if is_alike(&before, &after) => Self::Alike(after, before.offset),
            (Some(before), Some(after)) => Self::Both(Box::new((before, after))),
        })
    }
}

/// Returns true if two tensors of the same name are equal in all but their offsets.
fn is_alike(one: &Tensor, other: &Tensor) -> bool {
    (one.element_type, &one.shape, one.size) == (other.element_type, &other.shape, other.size)
}

impl TensorDiff {
    /// The name of the tensor.
    pub fn name(&self) -> &str {
        match &self.sides {
            Sides::Before(tensor) | Sides::After(tensor) | Sides::Alike(tensor, _) => &tensor.name,
            Sides::Both(both) => &both.1.name,
        }
    }

    /// The tensor in the first file.
    pub fn before(&self) -> Option<Cow<'_, Tensor>> {
        match &self.sides {
            Sides::Before(tensor) => Some(Cow::Borrowed(tensor)),
            Sides::After(_) => None,
            Sides::Both(both) => Some(Cow::Borrowed(&both.0)),
            Sides::Alike(after, offset) => Some(Cow::Owned(Tensor { offset: *offset, ..after.clone() })),
        }
    }

    /// The tensor in the second file.
    pub fn after(&self) -> Option<&Tensor> {
        match &self.sides {
            Sides::Before(_) => None,
            Sides::After(tensor) | Sides::Alike(tensor, _) => Some(tensor),
            Sides::Both(both) => Some(&both.1),
        }
    }
}

/// The kind of change of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TensorChange {
    /// Only the second has it.
    Added,
    /// Only the first has it.
    Removed,
    /// The type of its numbers differs.
    Retyped,
    /// Its dimensions differ.
    Reshaped,
    /// Its bytes differ.
    Changed,
}

/// Compares the tensors of the file in `diff`, if it has any. Their bytes are read if both files may be read.
pub(super) fn compare(
    diff: &FileDiff,
    before: &File,
    after: &File,
    options: &DiffOptions,
) -> Result<Option<TensorsDiff>, Error> {
    let format = diff.path.file_name().and_then(Format::of);
    let is_meant = matches!(diff.change, FileChange::Changed | FileChange::NotCompared);
    let Some(format) = format.filter(|_| is_meant) else { return Ok(None) };
    let failed = |error| Error::reading(&format!("the header of `{}`", diff.path), error);
    let (Some(before_content), Some(after_content)) = (before.content(), after.content()) else { return Ok(None) };
    let headers = (before_content.header(format).map_err(failed)?, after_content.header(format).map_err(failed)?);
    let (Some(one), Some(other)) = headers else { return Ok(None) };
    let can_be_read = before.can_be_read() && after.can_be_read();
    let digests = (before_content.piece_digests(), after_content.piece_digests());
    let (mut one, mut other) = (by_name(one), by_name(other));
    let pairs = pair(&one, &other);
    let (mut changes, is_unknown) = (Vec::new(), AtomicBool::new(false));
    // Most tensors are equal. Of those that are not needed any more, nothing is kept.
    for pairs in pairs.chunks(BATCH) {
        let outcomes = workers::run(options.jobs, pairs, |pair| match (change(tensors(pair, &one, &other)), pair) {
            (None, (Some(first), Some(second))) => {
                let (Some(one), Some(other)) = (&one[*first], &other[*second]) else { return Ok(None) };
                let known = digests.0.get(&(one.offset, one.size)).zip(digests.1.get(&(other.offset, other.size)));
                let is_changed = known.map(|(one, other)| one != other);
                if is_changed.is_none() && !can_be_read {
                    is_unknown.store(true, atomic::Ordering::Relaxed);
                }
                if !can_be_read || is_changed.is_some_and(|is_changed| !(is_changed && options.with_statistics)) {
                    return Ok(is_changed.unwrap_or_default().then_some((TensorChange::Changed, None)));
                }
                let outcome = compare_bytes((&before_content, one), (&after_content, other), options);
                outcome.map_err(|error| Error::reading(&format!("the tensor `{}` of `{}`", one.name, diff.path), error))
            }
            (change, _) => Ok(change.map(|change| (change, None))),
        })?;
        let differing = pairs.iter().zip(outcomes).filter_map(|(pair, outcome)| Some((pair, outcome?)));
        changes.extend(differing.filter_map(|((first, second), (change, numbers))| {
            let before = first.and_then(|first| one[first].take());
            let sides = Sides::new(before, second.and_then(|second| other[second].take()))?;
            Some(TensorDiff { change, sides, numbers: numbers.map(Box::new) })
        }));
    }
    let is_compared = !is_unknown.into_inner();
    let is_affected = !is_compared || changes.iter().any(|tensor| tensor.change == TensorChange::Changed);
    let is_unread = options.with_statistics && !can_be_read && is_affected;
    let unread_bytes = is_unread.then(|| before.state.size.max(after.state.size));
    Ok(Some(TensorsDiff { total: pairs.len(), changes, is_compared, unread_bytes }))
}

/// Compares the bytes of tensors of the same type and shape, and their numbers if that is requested.
fn compare_bytes(
    (before, one): (&FileContent, &Tensor),
    (after, other): (&FileContent, &Tensor),
    options: &DiffOptions,
) -> Result<Option<(TensorChange, Option<NumbersDiff>)>, ContentError> {
    let numbers = options.with_statistics.then(|| numbers::numbers_of(one.element_type)).flatten();
    let (before, after) = (before.open(one.offset, one.size)?, after.open(other.offset, other.size)?);
    Ok(match numbers::compare(before, after, one.size, numbers)? {
        Outcome::Same => None,
        Outcome::Differs(numbers) => Some((TensorChange::Changed, numbers)),
    })
}

/// The number of tensors that are compared before the results are collected.
const BATCH: usize = 4096;

/// The tensors of a file sorted by name; `None` for those that were taken.
type Tensors = Vec<Option<Tensor>>;

/// The positions of the tensors with one name in both files.
type Pair = (Option<usize>, Option<usize>);

fn by_name(header: Header) -> Tensors {
    let mut tensors = header.tensors;
    tensors.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    tensors.into_iter().map(Some).collect()
}

/// Pairs the tensors by name.
fn pair(one: &Tensors, other: &Tensors) -> Vec<Pair> {
    let mut pairs = Vec::with_capacity(one.len().max(other.len()));
    let (mut first, mut second) = (0, 0);
    loop {
        let order = match (name(one, first), name(other, second)) {
            (None, None) => return pairs,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.cmp(other),
        };
        pairs.push((order.is_le().then_some(first), order.is_ge().then_some(second)));
        (first, second) = (first + usize::from(order.is_le()), second + usize::from(order.is_ge()));
    }
}

fn name(tensors: &Tensors, position: usize) -> Option<&str> {
    tensors.get(position)?.as_ref().map(|tensor| &*tensor.name)
}

fn tensors<'t>(
    (first, second): &Pair,
    one: &'t Tensors,
    other: &'t Tensors,
) -> (Option<&'t Tensor>, Option<&'t Tensor>) {
    (first.and_then(|first| one[first].as_ref()), second.and_then(|second| other[second].as_ref()))
}

/// Returns the change that is visible in the headers alone.
fn change(pair: (Option<&Tensor>, Option<&Tensor>)) -> Option<TensorChange> {
    match pair {
        (None, _) => Some(TensorChange::Added),
        (_, None) => Some(TensorChange::Removed),
        (Some(one), Some(other)) if one.element_type != other.element_type => Some(TensorChange::Retyped),
        (Some(one), Some(other)) if one.shape != other.shape => Some(TensorChange::Reshaped),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(size: u64, offset: u64) -> Tensor {
        Tensor { name: "t".into(), element_type: "U8", shape: [size].into(), offset, size }
    }

    fn check(before: Option<Tensor>, after: Option<Tensor>, is_alike: bool) {
        let sides = Sides::new(before.clone(), after.clone()).unwrap();
        assert_eq!(matches!(sides, Sides::Alike(..)), is_alike);
        let diff = TensorDiff { change: TensorChange::Changed, sides, numbers: None };
        assert_eq!((diff.before().map(Cow::into_owned), diff.after().cloned()), (before, after));
    }

    #[test]
    fn both_tensors_are_returned_as_they_were() {
        check(Some(tensor(4, 8)), None, false);
        check(None, Some(tensor(4, 8)), false);
        check(Some(tensor(4, 8)), Some(tensor(4, 16)), true);
        check(Some(tensor(4, 8)), Some(tensor(5, 8)), false);
    }

    #[test]
    fn a_changed_tensor_takes_little_memory() {
        assert!(size_of::<TensorDiff>() <= 96, "{}", size_of::<TensorDiff>());
    }
}
