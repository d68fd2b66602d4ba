//! The level of an import.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::tables::{ALLOWED, ANY_DTYPE, MODULES, MOVED, NAMES, Names, RENAMED};
use crate::scan::finding::Level;
use crate::scan::report::Rules;

type Table = HashMap<&'static str, HashSet<&'static str>>;

static HIGH_MODULES: LazyLock<HashSet<&str>> = LazyLock::new(|| MODULES.iter().copied().collect());
static HIGH_NAMES: LazyLock<Table> = LazyLock::new(|| table(NAMES));
static ALLOWED_NAMES: LazyLock<Table> = LazyLock::new(|| table(ALLOWED));

/// An import of a pickle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Global<'a> {
    module: &'a str,
    name: &'a str,
}

impl<'a> Global<'a> {
    pub(super) fn new(module: &'a str, name: &'a str) -> Self {
        if let Some((_, module, name)) = MOVED.iter().find(|(old, _, _)| module == "__builtin__" && *old == name) {
            return Self { module, name };
        }
        let renamed = RENAMED.iter().find(|(old, _)| *old == module).map(|(_, new)| *new);
        Self { module: renamed.unwrap_or(module), name }
    }

    /// Returns the level, or none if the import is allowed.
    pub(super) fn level(self, rules: &Rules) -> Option<Level> {
        if self.is_high() {
            Some(Level::High)
        } else if self.is_in(&ALLOWED_NAMES) || self.is_allowed_by(rules) {
            None
        } else {
            Some(Level::Medium)
        }
    }

    pub(super) fn is_high(self) -> bool {
        let first = self.name.split('.').next().unwrap_or_default();
        let is_high_name = HIGH_NAMES.get(self.module).is_some_and(|names| names.contains(first));
        // `torch` with the name `hub.load` is `torch.hub.load`.
        is_high_name || is_high_module(self.module) || (self.is_dotted() && is_high_module(&self.path()))
    }

    /// Returns true if it is the wrapper that `joblib` writes before the bytes of an array.
    pub(super) fn is_array_wrapper(self) -> bool {
        self.module == "joblib.numpy_pickle" && self.name == "NumpyArrayWrapper"
    }

    /// Returns true if it is the function of torch that loads its argument as a file.
    pub(super) fn is_loader(self) -> bool {
        self.path() == "torch.storage._load_from_bytes"
    }

    /// Returns true if it is the function with which protocols before 3 write bytes as text.
    pub(super) fn is_encoder(self) -> bool {
        self.module == "_codecs" && self.name == "encode"
    }

    /// The module and the name, with a dot between them.
    pub(super) fn path(self) -> String {
        format!("{}.{}", self.module, self.name)
    }

    fn is_dotted(self) -> bool {
        self.name.contains('.')
    }

    /// Returns false for a name that leads out of its module: through an attribute, or to what Python keeps there, such
    /// as `__builtins__`.
    fn is_plain(self) -> bool {
        let is_special = self.name.starts_with("__") && self.name.ends_with("__");
        !self.is_dotted() && !is_special
    }

    fn is_named_like_a_dtype(self) -> bool {
        self.name.ends_with("DType") && self.name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    fn is_in(self, table: &Table) -> bool {
        let has = |names: &HashSet<&str>| {
            names.contains(self.name) || (names.contains(ANY_DTYPE) && self.is_named_like_a_dtype())
        };
        table.get(self.module).is_some_and(has)
    }

    fn is_allowed_by(self, rules: &Rules) -> bool {
        let path = self.path();
        rules.allowed_globals.iter().any(|allowed| match allowed.strip_suffix(".*") {
            Some(module) => {
                let is_below = |rest: &str| rest.is_empty() || rest.starts_with('.');
                self.is_plain() && self.module.strip_prefix(module).is_some_and(is_below)
            }
            None => *allowed == path,
        })
    }
}

/// Returns true if the module or one above it is in the table of modules that run code.
pub(in crate::scan) fn is_high_module(module: &str) -> bool {
    let dots = memchr::memchr_iter(b'.', module.as_bytes());
    dots.chain([module.len()]).any(|end| HIGH_MODULES.contains(&module[..end]))
}

fn table(rows: &[Names]) -> Table {
    rows.iter().map(|(module, names)| (*module, names.iter().copied().collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_depends_on_the_module_and_the_name() {
        let rules = Rules { allowed_globals: ["sklearn.*", "mine.Model", "os.*"].map(str::to_owned).into() };
        for (module, name, level) in [
            ("os", "system", Some(Level::High)),
            ("os.path", "join", Some(Level::High)),
            ("osprey", "system", Some(Level::Medium)),
            ("__builtin__", "eval", Some(Level::High)),
            ("__builtin__", "reduce", Some(Level::High)),
            ("__builtin__", "xrange", None),
            ("builtins", "eval.__call__", Some(Level::High)),
            ("builtins", "set", None),
            ("thread", "start_new_thread", Some(Level::High)),
            ("torch", "hub.load", Some(Level::High)),
            ("torch", "FloatStorage", None),
            ("torch", "FloatTensor", Some(Level::Medium)),
            ("numpy.dtypes", "Float64DType", None),
            ("numpy.dtypes", "Float64DType.__init__", Some(Level::Medium)),
            ("numpy.dtypes", "__builtins__", Some(Level::Medium)),
            ("numpy.dtypes", "_add_dtype_helper", Some(Level::Medium)),
            ("numpy.dtypes", "sys", Some(Level::Medium)),
            ("numpy.dtypes", "_mineDType", Some(Level::Medium)),
            ("numpy.dtypes", "StringDType", None),
            ("sklearn", "__builtins__", Some(Level::Medium)),
            ("sklearn", "utils.os.system", Some(Level::Medium)),
            ("sklearn.metrics", "_reconstruct", None),
            ("pathlib", "Path.unlink", Some(Level::Medium)),
            ("copy_reg", "_reconstructor", None),
            ("sklearn.tree._tree", "Tree", None),
            ("sklearn", "show_versions", None),
            ("sklearn_extra", "Tree", Some(Level::Medium)),
            ("mine", "Model", None),
            ("mine", "Model.load", Some(Level::Medium)),
        ] {
            assert_eq!(Global::new(module, name).level(&rules), level, "{module} {name}");
        }
    }

    #[test]
    fn no_name_is_both_high_and_allowed() {
        for (module, names) in ALLOWED {
            assert!(names.iter().all(|name| !Global::new(module, name).is_high()), "{module}");
        }
    }
}
