//! The rules on the way down a tree: what is known about a folder is known about everything in it, so that only the
//! pattern and the last name of a path are compared.

use std::path::Path;

use super::left_out::{has_name_of_tool, is_left_by_tool};
use super::rules::IgnoreRules;
use crate::relative_path::RelativePath;
use crate::sys::is_temporary_name;

/// The rules that apply to a path, which those that apply to its entries follow from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    /// The last rule that matches the path or a folder above it.
    last: Option<usize>,
    /// True if the path is, or is below, a temporary file or folder of this program.
    is_temporary: bool,
    /// True if the path is, or is below, something that a tool has left and no `!` line includes.
    pub(crate) is_left_out: bool,
}

/// The rules for the files of one layer, from the context folder down.
#[derive(Debug)]
pub(crate) struct Descent<'a> {
    rules: &'a IgnoreRules,
    layer: &'a RelativePath,
    /// False for a layer whose own path has the name of a file of a tool.
    leaves_out: bool,
    root: &'a Path,
}

impl<'a> Descent<'a> {
    /// Returns the rules for the layer at `layer` of the context folder `root`.
    pub(crate) fn new(rules: &'a IgnoreRules, layer: &'a RelativePath, root: &'a Path) -> Self {
        Self { rules, layer, leaves_out: !layer.components().any(has_name_of_tool), root }
    }

    /// Returns the standing of `path`, which is in the folder with the standing `above`. A path at or above that of the
    /// layer is not left out.
    pub(crate) fn enter(&self, above: &Standing, path: &RelativePath) -> Standing {
        let name = path.file_name().unwrap_or_default();
        let is_below = self.leaves_out && path != self.layer && path.starts_with(self.layer);
        let is_left = || is_left_by_tool(name, &path.join_to(self.root));
        let may_be_left_out = is_below && (above.is_left_out || is_left());
        Standing {
            last: self.rules.last_match(above.last, path.as_str()),
            is_temporary: above.is_temporary || is_temporary_name(name),
            is_left_out: may_be_left_out && !self.rules.keeps(path.as_str()),
        }
    }

    /// Returns true if a path with this standing is ignored or left out.
    pub(crate) fn is_ignored(&self, standing: &Standing) -> bool {
        standing.is_left_out || standing.is_temporary || self.rules.ignores(standing.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_path_is_ignored_on_the_way_down_as_it_is_by_itself(
            lines in proptest::collection::vec(
                "!?(\\*\\*/|/)?([ab*?]|__pycache__|b\\.swp)(/[ab*?]|/__pycache__|/\\*\\*){0,3}",
                0..6,
            ),
            layer in "\\.|[ab]|a/b|__pycache__",
            path in "[ab](/[ab]|/__pycache__|/b\\.swp|/\\.kit-write-a){0,4}",
        ) {
            let rules = IgnoreRules::parse(&lines.join("\n")).unwrap();
            let (layer, path): (RelativePath, RelativePath) = (layer.parse().unwrap(), path.parse().unwrap());
            let root = Path::new("/nonexistent");
            let leaves_out =
                |path: &RelativePath| path.starts_with(&layer) && rules.leaves_out(&layer, path, Some(root));
            let descent = Descent::new(&rules, &layer, root);
            let mut standing = Standing::default();
            for path in path.ancestors().chain([path.clone()]) {
                standing = descent.enter(&standing, &path);
                proptest::prop_assert_eq!(standing.is_left_out, leaves_out(&path), "{}", &path);
                let expected = leaves_out(&path) || rules.is_ignored(&path);
                proptest::prop_assert_eq!(descent.is_ignored(&standing), expected, "{}", &path);
            }
        }
    }
}
