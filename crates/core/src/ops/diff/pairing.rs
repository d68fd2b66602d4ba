//! Lists the files of both sides, and drops those that are equal while they are listed.
//!
//! Two versions of a large layer usually have the same files except for a few, so that memory use depends on the number
//! of changes, and on the number of files in one layer.

use std::collections::BTreeMap;

use super::listing::{File, Files, list};
use super::side::{Content, SideLayer};
use crate::archive::PathPatterns;
use crate::compression::Compression;
use crate::limits;
use crate::modelkit::ContentsTable;
use crate::ops::error::Error;
use crate::ops::files::{Held, Unverified};
use crate::ops::workers;
use crate::relative_path::RelativePath;

/// Layers with the same path on both sides, whose files can only be in these layers.
type Pair<'l> = (Option<&'l SideLayer<'l>>, Option<&'l SideLayer<'l>>);

/// Lists the files in the layers of both sides, `jobs` layers at once, except for files that are known to be equal
/// or that `paths` does not select.
pub(super) fn list_both<'l>(
    (layers, others): (&'l [SideLayer<'l>], &'l [SideLayer<'l>]),
    paths: &PathPatterns,
    jobs: usize,
    unverified: &Unverified,
) -> Result<(Files<'l>, Files<'l>), Error> {
    let held = Held::new(limits::COMPARED_FILES);
    let (pairs, [rest, other_rest]) = pair(layers, others);
    let all = |layer: &&'l SideLayer<'l>| list(layer, &mut |path, _| paths.take(path), &held, unverified);
    let mut before: Files = workers::run(jobs, &rest, all)?.into_iter().flatten().collect();
    let mut after: Files = workers::run(jobs, &other_rest, all)?.into_iter().flatten().collect();
    let (large, small): (Vec<_>, Vec<_>) = pairs.into_iter().partition(is_large);
    for (pairs, jobs) in [(small, jobs), (large, 1)] {
        for (files, others) in workers::run(jobs, &pairs, |pair| list_pair(*pair, paths, &held, unverified))? {
            append(&mut before, files);
            append(&mut after, others);
        }
    }
    Ok((before, after))
}

/// Adds `more`, which is not copied if it is all.
fn append<'l>(files: &mut Files<'l>, mut more: Files<'l>) {
    if files.is_empty() {
        std::mem::swap(files, &mut more);
    }
    files.extend(more);
}

/// Pairs the layers by path. The rest are those that may have files in common with another layer of their side, where
/// the later layer counts.
fn pair<'l>(layers: &'l [SideLayer<'l>], others: &'l [SideLayer<'l>]) -> (Vec<Pair<'l>>, [Vec<&'l SideLayer<'l>>; 2]) {
    let mut by_path: BTreeMap<&RelativePath, [Vec<&SideLayer>; 2]> = BTreeMap::new();
    for (side, layers) in [layers, others].into_iter().enumerate() {
        for layer in layers {
            by_path.entry(layer.path).or_default()[side].push(layer);
        }
    }
    // A path sorts directly before the paths below it.
    let paths: Vec<_> = by_path.keys().copied().collect();
    let mut overlapping = vec![false; paths.len()];
    let mut above = 0;
    for (index, path) in paths.iter().enumerate().skip(1) {
        if path.starts_with(paths[above]) {
            (overlapping[above], overlapping[index]) = (true, true);
        } else {
            above = index;
        }
    }
    let mut is_alone = overlapping.into_iter().map(|overlaps| !overlaps);
    let (mut pairs, mut rest) = (Vec::new(), Vec::new());
    for (path, [layers, others]) in by_path {
        let is_alone = is_alone.next().unwrap_or_default();
        match (&layers[..], &others[..]) {
            ([] | [_], [] | [_]) if is_alone => pairs.push((layers.first().copied(), others.first().copied())),
            _ => rest.push(path),
        }
    }
    let rest_of = |layers: &'l [SideLayer<'l>]| {
        layers.iter().filter(|layer| rest.binary_search(&layer.path).is_ok()).collect::<Vec<_>>()
    };
    let rests = [rest_of(layers), rest_of(others)];
    (pairs, rests)
}

/// Returns true if a layer may have so many files that no other should be listed at the same time.
fn is_large((one, other): &Pair) -> bool {
    const TABLE_BYTES: u64 = 256 * 1024;
    const LAYER_BYTES: u64 = 32 * 1024 * 1024;
    [one, other].into_iter().flatten().any(|layer| match &layer.content {
        Content::Listed(_) => false,
        Content::Blob(blob) => match ContentsTable::of(&blob.layer.descriptor) {
            Some(table) => table.descriptor.size > TABLE_BYTES,
            None => blob.layer.compression != Compression::None || blob.layer.descriptor.size > LAYER_BYTES,
        },
    })
}

fn list_pair<'l>(
    (one, other): Pair<'l>,
    paths: &PathPatterns,
    held: &Held,
    unverified: &Unverified,
) -> Result<(Files<'l>, Files<'l>), Error> {
    let all = |layer| list(layer, &mut |path, _| paths.take(path), held, unverified);
    let mut before: Files = one.map_or_else(|| Ok(Vec::new()), all)?.into_iter().collect();
    let Some(other) = other else { return Ok((before, Files::new())) };
    let after = list(
        other,
        &mut |path, file| {
            let is_equal = before.get(path).is_some_and(|before| are_equal(before, file));
            if is_equal {
                before.remove(path);
                held.remove(path);
            }
            paths.take(path) && !is_equal
        },
        held,
        unverified,
    )?;
    Ok((before, after.into_iter().collect()))
}

/// Returns true if nothing about the files differs that is reported.
fn are_equal(one: &File, other: &File) -> bool {
    one.state.digest.is_some() && one.state == other.state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::kitfile::Section;

    /// Pairs layers with these paths and compares the paths of the pairs, and of the rests.
    fn check(one: &[&str], other: &[&str], expected: &str) {
        let parse = |paths: &[&str]| paths.iter().map(|path| path.parse().unwrap()).collect::<Vec<RelativePath>>();
        let (one, other) = (parse(one), parse(other));
        let layer =
            |path| SideLayer { section: Section::Code, path, digest: Digest::of(b""), content: Content::Listed(&[]) };
        let (layers, others): (Vec<_>, Vec<_>) = (one.iter().map(layer).collect(), other.iter().map(layer).collect());
        let (pairs, rests) = pair(&layers, &others);
        let show = |layer: Option<&SideLayer>| layer.map_or("-".to_owned(), |layer| layer.path.to_string());
        let pairs = pairs.into_iter().map(|(one, other)| format!("{}={}", show(one), show(other)));
        let rests = rests.map(|rest| rest.into_iter().map(|layer| show(Some(layer))).collect::<Vec<_>>().join(" "));
        assert_eq!(format!("{} | {}", pairs.collect::<Vec<_>>().join(" "), rests.join(" | ")), expected);
    }

    #[test]
    fn layers_that_share_files_with_others_are_not_paired() {
        check(&["a", "b"], &["b", "c"], "a=- b=b -=c |  | ");
        check(&["a", "b"], &["a/x", "b"], "b=b | a | a/x");
        check(&["a", "a/x/y", "a/z", "ab"], &["a", "ab"], "ab=ab | a a/x/y a/z | a");
        check(&["a", "a"], &["a"], " | a a | a");
        check(&["."], &["a"], " | . | a");
    }
}
