//! The imports of a statement.

use super::statement::Statement;

/// One imported module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::notebook) struct Import {
    /// The whole name of the module; empty for a relative import.
    pub(in crate::notebook) module: String,
    /// The names that the import defines.
    pub(in crate::notebook) names: Vec<String>,
    /// True for `from module import *`.
    pub(in crate::notebook) is_star: bool,
}

impl Import {
    /// The first part of the name of the module.
    pub(in crate::notebook) fn top(&self) -> &str {
        self.module.split('.').next().unwrap_or_default()
    }
}

/// Returns the modules that a statement imports, also within its blocks.
pub(in crate::notebook) fn imports(statement: &Statement) -> Vec<Import> {
    let mut imports = Vec::new();
    let (mut pending, mut depth) = (String::new(), 0_usize);
    for line in statement.masked.lines() {
        depth += line.matches('(').count();
        depth = depth.saturating_sub(line.matches(')').count());
        pending.push_str(line.trim_end().trim_end_matches('\\'));
        pending.push(' ');
        if depth > 0 || line.trim_end().ends_with('\\') {
            continue;
        }
        let code = std::mem::take(&mut pending);
        code.split(';').for_each(|code| of_line(code.trim(), &mut imports));
    }
    imports
}

fn of_line(code: &str, imports: &mut Vec<Import>) {
    let code = code.strip_prefix("try:").unwrap_or(code).trim();
    if let Some(modules) = code.strip_prefix("import ") {
        for module in modules.split(',') {
            let mut words = module.split_whitespace();
            let Some(module) = words.next().filter(|module| is_module(module)) else { continue };
            let alias = words.nth(1).unwrap_or_else(|| module.split('.').next().unwrap_or_default());
            imports.push(Import { module: module.to_owned(), names: vec![alias.to_owned()], is_star: false });
        }
        return;
    }
    let Some((module, names)) = code.strip_prefix("from ").and_then(|rest| rest.split_once(" import")) else { return };
    let module = module.trim();
    let (is_relative, is_star) = (module.starts_with('.'), names.trim() == "*");
    if !is_relative && !is_module(module) {
        return;
    }
    let names = names.trim().trim_start_matches('(').trim_end_matches(')').split(',');
    let names = names.filter_map(|name| name.split_whitespace().last()).filter(|name| is_module(name));
    let module = if is_relative { String::new() } else { module.to_owned() };
    imports.push(Import { module, names: names.map(str::to_owned).collect(), is_star });
}

fn is_module(name: &str) -> bool {
    let is_sign = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '.');
    name.starts_with(|sign: char| sign.is_alphabetic() || sign == '_') && name.chars().all(is_sign)
}

#[cfg(test)]
mod tests {
    use super::super::statement::statements;
    use super::*;

    #[test]
    fn imports_are_read() {
        for (code, expected) in [
            ("import a, b.c as d", "a:a b.c:d"),
            ("from a.b import (c,\n  d as e,\n)", "a.b:c,e"),
            ("from a import *", "a:*"),
            ("from . import x", ":x"),
            ("try:\n    import a\nexcept ImportError:\n    import b as a\n", "a:a b:a"),
            ("def f():\n    import torch; x = 1\n", "torch:torch"),
            ("important = 1", ""),
        ] {
            let found: Vec<_> = statements(code).iter().flat_map(imports).collect();
            let shown = found.iter().map(|import| {
                let names = if import.is_star { "*".to_owned() } else { import.names.join(",") };
                format!("{}:{names}", import.module)
            });
            assert_eq!(shown.collect::<Vec<_>>().join(" "), expected, "{code}");
        }
    }
}
