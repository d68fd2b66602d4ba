//! Lines of notebooks that only `IPython` understands: magics (`%`), shell commands (`!`), help (`?`).

use std::sync::LazyLock;

use regex::Regex;

use super::lexer::Lexer;

/// The code of a cell as plain Python.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::notebook) struct Plain {
    /// The code; lines that only `IPython` understands are comments.
    pub(in crate::notebook) code: String,
    /// The packages that the cell installs, as they are written: `torch==2.3.0`.
    pub(in crate::notebook) installs: Vec<String>,
    /// True if the code is complete Python as far as can be seen; otherwise all of `code` is a comment.
    pub(in crate::notebook) is_python: bool,
}

/// The magics of a whole cell whose rest is Python.
const PYTHON_MAGICS: [&str; 9] =
    ["time", "timeit", "capture", "prun", "memit", "python", "python3", "matplotlib", "wandb"];

/// An assignment of the result of a magic or a shell command.
static ASSIGNED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(\s*)([A-Za-z_]\w*)\s*=\s*([!%].*)$").expect("the pattern is valid"));
/// A command that `IPython` accepts without a sign before it.
static AUTOMAGIC: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?:(?:pip|conda)\s+(?:install|uninstall|list|show)\b.*|",
        r"(?:ls|cd|cat|mkdir|cp|mv|rm)\s+[-~./\w*][-~./\w* ]*)$"
    ))
    .expect("the pattern is valid")
});
/// The installation of packages.
static INSTALL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[!%]*\s*(?:(?:python3?|\{?sys\.executable\}?)\s+-m\s+|uv\s+)?(?:pip3?|conda|mamba)\s+install\s+(.*)$")
        .expect("the pattern is valid")
});
/// Code that is not Python 3, or that only `IPython` runs: `print "x"`, and `await` outside of a function.
static FOREIGN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^\s*(?:print\s+["'\w]|exec\s+["'])|^(?:[^#\s].*[\s=(\[,])?(?:await|async\s+(?:for|with))\s"#)
        .expect("the pattern is valid")
});

/// Returns the code of a cell as plain Python.
pub(in crate::notebook) fn plain(source: &str) -> Plain {
    let source = dedented(source);
    let mut plain = Plain::default();
    let first = source.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if let Some(magic) = first.strip_prefix("%%") {
        let name = magic.split_whitespace().next().unwrap_or_default();
        if !PYTHON_MAGICS.contains(&name) {
            return Plain { code: commented(&source), ..plain };
        }
    }
    let (mut lexer, mut is_magic_continued) = (Lexer::default(), false);
    for line in source.split_inclusive('\n') {
        let text = line.trim_end_matches(['\n', '\r']);
        if is_magic_continued || (!lexer.is_inside() && is_magic(text)) {
            let indent = text.len() - text.trim_start().len();
            if is_magic_continued {
                plain.code.extend(["# ", text.trim(), "\n"]);
            } else {
                plain.code.push_str(&replaced(text, indent, &mut plain.installs));
            }
            is_magic_continued = text.ends_with('\\');
            continue;
        }
        plain.is_python |= lexer.is_inside() || !text.trim().is_empty();
        let is_start = !lexer.is_inside();
        let masked = lexer.mask(line);
        if is_start && FOREIGN.is_match(masked.trim_end()) && !masked.trim_start().starts_with("async def") {
            return Plain { code: commented(&source), is_python: false, ..plain };
        }
        plain.code.push_str(text);
        plain.code.push('\n');
    }
    if lexer.is_broken || lexer.is_inside() {
        return Plain { code: commented(&source), is_python: false, ..plain };
    }
    plain.is_python = true;
    plain
}

/// Removes the indentation of the first line from all lines, as `IPython` does.
fn dedented(source: &str) -> String {
    let first = source.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let indent = &first[..first.len() - first.trim_start().len()];
    if indent.is_empty() {
        return source.to_owned();
    }
    source.split_inclusive('\n').map(|line| line.strip_prefix(indent).unwrap_or(line)).collect()
}

fn commented(source: &str) -> String {
    source.lines().map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect()
}

fn is_magic(line: &str) -> bool {
    let text = line.trim();
    let is_help = text.ends_with('?') && !text.contains(['#', '"', '\'']);
    text.starts_with(['%', '!', '?']) || is_help || AUTOMAGIC.is_match(text) || ASSIGNED.is_match(line)
}

/// The Python for a line that is not Python. Its indentation has `indent` bytes.
fn replaced(line: &str, indent: usize, installs: &mut Vec<String>) -> String {
    let (indent, text) = (&line[..indent], line.trim());
    if let Some(parts) = ASSIGNED.captures(line) {
        return format!("{indent}{} = None  # {}\n", &parts[2], parts[3].trim_end());
    }
    if let Some(parts) = INSTALL.captures(text) {
        installs.extend(packages(&parts[1]));
    }
    if let Some(timed) = text.strip_prefix("%time ") {
        return format!("{indent}{}\n", timed.trim());
    }
    // A block that has only this line would be empty.
    if indent.is_empty() { format!("# {text}\n") } else { format!("{indent}pass  # {text}\n") }
}

/// The packages in the arguments of `pip install`.
fn packages(arguments: &str) -> Vec<String> {
    let mut packages = Vec::new();
    let mut words = arguments.split(['#', ';', '&', '|', '>']).next().unwrap_or_default().split_whitespace();
    // `>=` was split off together with the rest; a lower bound is not a version.
    while let Some(word) = words.next() {
        let word = word.trim_matches(['"', '\'']);
        if matches!(word, "-r" | "-c" | "-e" | "-i" | "-f" | "--index-url" | "--extra-index-url" | "--find-links") {
            words.next();
        } else if word.starts_with(|sign: char| sign.is_ascii_alphanumeric()) && !word.contains(['/', '{', '$', '\\']) {
            packages.push(word.to_owned());
        }
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magics_become_comments() {
        for (source, expected) in [
            ("%matplotlib inline\nx = 1", "# %matplotlib inline\nx = 1\n"),
            ("if a:\n    !ls\n", "if a:\n    pass  # !ls\n"),
            ("files = !ls *.csv", "files = None  # !ls *.csv\n"),
            ("%time y = f(x)", "y = f(x)\n"),
            ("%%time\nfit()", "# %%time\nfit()\n"),
            ("%%bash\necho 'x", "# %%bash\n# echo 'x\n"),
            ("df?\ndf.head??", "# df?\n# df.head??\n"),
            ("x = (5\n% 3)", "x = (5\n% 3)\n"),
            ("s = '''\n!ls\n'''", "s = '''\n!ls\n'''\n"),
            ("!a \\\n  b\nc", "# !a \\\n# b\nc\n"),
            ("    x = 1\n    y = 2", "x = 1\ny = 2\n"),
            ("pip install a", "# pip install a\n"),
            ("ls = 3\ncd", "ls = 3\ncd\n"),
            ("print 'x'", "# print 'x'\n"),
            ("r = await f()", "# r = await f()\n"),
            ("async def f():\n    await g()\n", "async def f():\n    await g()\n"),
            ("x = (", "# x = (\n"),
        ] {
            assert_eq!(plain(source).code, expected, "{source}");
        }
    }

    #[test]
    fn installed_packages_are_read() {
        let installs = |source| plain(source).installs.join(" ");
        assert_eq!(installs("!pip install -q torch==2.3.0 'pandas' -r x.txt"), "torch==2.3.0 pandas");
        assert_eq!(installs("%pip install a[b]==1 --index-url https://x # y"), "a[b]==1");
        assert_eq!(installs("!{sys.executable} -m pip install a && ls"), "a");
        assert_eq!(installs("!apt install x"), "");
    }
}
