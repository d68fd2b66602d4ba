//! What is in files that differ: looking into each as its kind allows.

use super::listing::Files;
use super::text::{self, TextDiff};
use super::{DiffOptions, FileDiff, TensorsDiff, tensors};
use crate::ops::{Error, workers};

/// What differs in a file. Nothing is known of one that is of no kind that can be looked into, or that is large and far away.
#[derive(Debug, Clone, Default)]
pub struct ContentDiff {
    /// Of a file of weights that both sides have, if its headers can be read.
    pub tensors: Option<TensorsDiff>,
    /// Of a small text.
    pub text: Option<TextDiff>,
}

/// Looks into the files `found` to differ.
pub(super) fn compare(
    found: &[FileDiff],
    (before, after): (&Files, &Files),
    options: &DiffOptions,
) -> Result<Vec<ContentDiff>, Error> {
    let texts = text::read(found, (before, after), options)?;
    let deadline = text::deadline();
    workers::run(options.jobs, found, |diff| {
        let tensors = match (before.get(&diff.path), after.get(&diff.path)) {
            (Some(before), Some(after)) => tensors::compare(diff, before, after)?,
            _ => None,
        };
        let text = texts.pair(diff).and_then(|pair| text::compare(pair, deadline, options));
        Ok(ContentDiff { tensors, text })
    })
}
