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
    /// The highest number of names in a key of `anywhere`.
    anywhere_names: usize,
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
                self.anywhere_names = self.anywhere_names.max(suffix.matches('/').count());
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

    /// Returns the last rule whose pattern matches `path` or a folder above it. `above` is that of the folder that
    /// contains `path`; `matches` decides whether a rule that is not in a table matches `path` itself.
    pub(super) fn last_match(
        &self,
        above: Option<usize>,
        path: &str,
        matches: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let known = self.in_tables(path).max(above);
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
    pub(super) fn ends(path: &str) -> impl Iterator<Item = &str> {
        path.match_indices('/').map(|(end, _)| &path[..end]).chain([path])
    }

    /// The last rule in the tables that matches `path` itself, or everything in the folder that contains it.
    fn in_tables(&self, path: &str) -> Option<usize> {
        let below = path.rsplit_once('/').and_then(|(folder, _)| self.below.get(folder));
        let starts = path.rmatch_indices('/').map(|(at, _)| at + 1).chain([0]);
        let anywhere = starts.take(self.anywhere_names).filter_map(|start| self.anywhere.get(&path[start..]));
        anywhere.chain(below).chain(self.exact.get(path)).max().copied()
    }
}
