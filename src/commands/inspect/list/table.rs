//! The table of `kit list`: that of `KitOps` for scripts, and one that fits on a terminal.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::output::age;
use crate::output::table::{self, Fit};
use kit_core::digest::Digest;
use kit_core::ops::Listed;
use kit_core::progress::human;

const NONE: &str = "<none>";

pub(crate) fn or_none(text: &str) -> String {
    if text.trim().is_empty() { NONE.to_owned() } else { text.to_owned() }
}

/// Renders the table of `KitOps`, on whose columns scripts rely: a row for each tag.
pub(super) fn render(rows: &[Listed]) -> String {
    let cells: Vec<_> = rows
        .iter()
        .flat_map(|row| tags(row).iter().map(move |tag| (row, tag)))
        .map(|(row, tag)| {
            let [repository, tag, author, name, size] = cells(row, tag);
            [repository, tag, author, name, size, row.digest.to_string()]
        })
        .collect();
    table::render(["REPOSITORY", "TAG", "MAINTAINER", "NAME", "SIZE", "DIGEST"], &cells)
}

/// The properties of the table on a terminal.
pub(super) struct Terminal {
    /// The width; `None` if nothing is cut.
    pub(super) columns: Option<usize>,
    /// The times at which ModelKits were packed, as far as they are known.
    pub(super) times: HashMap<Digest, Timestamp>,
    /// The current time.
    pub(super) now: Timestamp,
    /// The digests of recalled versions.
    pub(super) recalled: HashSet<Digest>,
    /// The name of the repository with its registry, if all rows are from one.
    pub(super) repository: Option<String>,
}

impl Terminal {
    /// Renders the table: names that other commands accept, sorted by name and tag, with ages.
    pub(super) fn render(&self, mut rows: Vec<Listed>) -> String {
        if let Some(repository) = &self.repository {
            for row in &mut rows {
                row.repository = Some(repository.clone());
            }
        }
        let mut tagged: Vec<_> = rows.iter().flat_map(|row| tags(row).iter().map(move |tag| (row, tag))).collect();
        // Those without a name come last.
        tagged.sort_by_cached_key(|(row, tag)| (row.repository.is_none(), row.repository.clone(), natural(tag)));
        let cells: Vec<_> = tagged.into_iter().map(|(row, tag)| self.row(row, tag)).collect();
        let headings = ["REPOSITORY", "TAG", "RECALLED", "MAINTAINER", "NAME", "SIZE", "PACKED", "DIGEST"];
        let columns = self.columns.unwrap_or(usize::MAX);
        let fit = Fit { columns, optional: &["MAINTAINER", "NAME", "PACKED"], cut: &[], last: &["REPOSITORY", "TAG"] };
        table::fit(headings, &cells, fit)
    }

    fn row(&self, row: &Listed, tag: &str) -> [String; 8] {
        let [repository, tag, author, name, size] = cells(row, tag);
        let age = self.times.get(&row.digest).map(|time| age(*time, self.now)).unwrap_or_default();
        let digest = if self.columns.is_some() { row.digest.hex()[..12].to_owned() } else { row.digest.to_string() };
        let recalled = if self.recalled.contains(&row.digest) { "yes" } else { "" }.to_owned();
        [repository, tag, recalled, author, name, size, age, digest]
    }
}

/// The tags of a row, or an empty one if it has none.
fn tags(row: &Listed) -> &[String] {
    static UNTAGGED: [String; 1] = [String::new()];
    if row.tags.is_empty() { &UNTAGGED } else { &row.tags }
}

/// The cells that both tables have.
fn cells(row: &Listed, tag: &str) -> [String; 5] {
    [
        or_none(row.repository.as_deref().unwrap_or_default()),
        or_none(tag),
        single_spaced(&or_none(&row.author)),
        single_spaced(&name(row)),
        human(row.size),
    ]
}

fn name(row: &Listed) -> String {
    row.modelkits.map_or_else(|| or_none(&row.name), |count| format!("<index of {count}>"))
}

/// Scripts split a row where two blanks meet, so a cell does not contain two.
fn single_spaced(cell: &str) -> String {
    cell.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A key that sorts `v2` before `v10`: runs of digits have their length in front.
fn natural(tag: &str) -> Vec<(usize, String)> {
    let runs = tag.as_bytes().chunk_by(|one, other| one.is_ascii_digit() == other.is_ascii_digit());
    let key = |run: &[u8]| {
        let text = String::from_utf8_lossy(run);
        let digits = if run[0].is_ascii_digit() { text.trim_start_matches('0').len() } else { 0 };
        (digits, text.into_owned())
    };
    runs.map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_sorted_by_their_numbers() {
        let mut tags = ["v10", "latest", "v2", "1.10", "1.9", "v1"];
        tags.sort_by_cached_key(|tag| natural(tag));
        assert_eq!(tags, ["latest", "v1", "v2", "v10", "1.9", "1.10"]);
    }
}
