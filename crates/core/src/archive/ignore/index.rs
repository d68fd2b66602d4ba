//! An index of the rules of a `.kitignore`, so that a path need not be compared with each of many patterns.

use std::collections::{HashMap, HashSet};

use super::pattern::Pattern;

/// The rules of a `.kitignore` by the form of their patterns; each rule is represented by its number.
#[derive(Debug, Default)]
pub(super) struct RuleIndex {
    /// The last rule with a path.
    exact: HashMap<String, usize>,
    /// The last rule for everything below a folder, `data/**`.
    below: HashMap<String, usize>,
    /// The last rule for a name in any folder, `**/x` or `**/x/y`.
    anywhere: HashMap<String, usize>,
    /// The rules with other patterns, in their order.
    others: Vec<usize>,
    /// The paths that the `!` lines begin with, up to the first wildcard.
    kept: HashSet<String>,
    /// The folders above the paths in `kept`.
    above_kept: HashSet<String>,
}

impl RuleIndex {
    /// Adds the rule `number`, which comes after all others.
    pub(super) fn add(&mut self, number: usize, pattern: &Pattern) {
        match pattern {
            Pattern::Exact(path) => drop(self.exact.insert(path.clone(), number)),
            Pattern::Prefix(prefix) if prefix.ends_with('/') => {
                self.below.insert(prefix[..prefix.len() - 1].to_owned(), number);
            }
            Pattern::Suffix(suffix) if suffix.starts_with('/') => {
                self.anywhere.insert(suffix[1..].to_owned(), number);
            }
            _ => self.others.push(number),
        }
    }

    /// Adds a `!` line that begins with the names `fixed`.
    pub(super) fn add_kept(&mut self, fixed: &[String]) {
        for end in 0..fixed.len() {
            self.above_kept.insert(fixed[..end].join("/"));
        }
        self.kept.insert(fixed.join("/"));
    }

    /// The number of rules that are not in a table.
    pub(super) fn wildcards(&self) -> usize {
        self.others.len()
    }

    /// Returns the last rule whose pattern matches `path` or a folder above it; `matches` decides about a rule that is
    /// not in a table.
    pub(super) fn last_match(&self, path: &str, matches: impl Fn(usize) -> bool) -> Option<usize> {
        let known = Self::ends(path).filter_map(|part| self.in_tables(part, part.len() < path.len())).max();
        let later = self.others.iter().rev().take_while(|number| known.is_none_or(|known| **number > known));
        later.copied().find(|number| matches(*number)).or(known)
    }

    /// Returns true if a `!` line might include something below the folder `path`.
    pub(super) fn may_keep_below(&self, path: &str) -> bool {
        match path {
            "" | "." => !self.kept.is_empty(),
            path => {
                self.above_kept.contains(path)
                    || self.kept.contains("")
                    || Self::ends(path).any(|part| self.kept.contains(part))
            }
        }
    }

    /// The folders above `path`, and `path` itself.
    fn ends(path: &str) -> impl Iterator<Item = &str> {
        path.match_indices('/').map(|(end, _)| &path[..end]).chain([path])
    }

    /// The last rule in the tables that matches `part` itself; or also what is below it, if it is a folder.
    fn in_tables(&self, part: &str, is_above: bool) -> Option<usize> {
        let below = self.below.get(part).filter(|_| is_above);
        let starts = [0].into_iter().chain(part.match_indices('/').map(|(at, _)| at + 1));
        let names = starts.take(if self.anywhere.is_empty() { 0 } else { usize::MAX });
        let anywhere = names.filter_map(|start| self.anywhere.get(&part[start..]));
        anywhere.chain(below).chain(self.exact.get(part)).max().copied()
    }
}
