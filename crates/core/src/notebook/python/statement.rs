//! The statements of a cell.

use super::lexer::Lexer;

/// A statement at the top level of a cell, with the comments before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::notebook) struct Statement {
    /// The lines, each with its line feed.
    pub(in crate::notebook) text: String,
    /// The same lines with spaces in place of comments and the content of strings.
    pub(in crate::notebook) masked: String,
    /// For each line, true if it begins within a string.
    pub(in crate::notebook) in_string: Vec<bool>,
    pub(in crate::notebook) kind: StatementKind,
}

/// The kind of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::notebook) enum StatementKind {
    /// An import, without anything else on its line.
    Import,
    /// A function or a class.
    Definition,
    /// Only comments.
    Comment,
    /// Anything else.
    Other,
}

/// The words that continue a compound statement without indentation.
const CONTINUED: [&str; 4] = ["else", "elif", "except", "finally"];

/// Splits plain Python into its statements.
pub(in crate::notebook) fn statements(code: &str) -> Vec<Statement> {
    let (mut statements, mut lexer) = (Vec::<Statement>::new(), Lexer::default());
    // Comments, decorators and empty lines, which belong to the statement after them, or to the block around them.
    let mut waiting = Lines::default();
    for line in code.split_inclusive('\n') {
        let (is_inside, in_string) = (lexer.is_inside(), lexer.is_in_string());
        let masked = lexer.mask(line);
        let word = masked.split(|sign: char| !sign.is_alphanumeric()).next().unwrap_or_default();
        let is_indented = masked.starts_with([' ', '\t']) && !masked.trim().is_empty();
        let joins_last = is_indented || CONTINUED.contains(&word);
        if is_inside || joins_last {
            // A line within a decorator belongs to it.
            if waiting.is_decorated && !joins_last || statements.is_empty() || is_inside && waiting.is_decorated {
                waiting.push(line, &masked, in_string);
                continue;
            }
            if let Some(last) = statements.last_mut() {
                last.take(&mut waiting);
                last.push(line, &masked, in_string);
            }
        } else if masked.trim().is_empty() || masked.starts_with('@') {
            waiting.is_decorated |= masked.starts_with('@');
            waiting.push(line, &masked, in_string);
        } else {
            let mut statement = Statement::new(kind(&masked));
            statement.take(&mut waiting);
            statement.push(line, &masked, in_string);
            statements.push(statement);
        }
    }
    if !waiting.text.trim().is_empty() {
        let mut statement = Statement::new(StatementKind::Comment);
        statement.take(&mut waiting);
        statements.push(statement);
    }
    for statement in &mut statements {
        if statement.kind == StatementKind::Import && statement.masked.contains(';') {
            statement.kind = StatementKind::Other;
        }
    }
    statements
}

#[derive(Default)]
struct Lines {
    text: String,
    masked: String,
    in_string: Vec<bool>,
    is_decorated: bool,
}

impl Lines {
    fn push(&mut self, line: &str, masked: &str, in_string: bool) {
        self.text.push_str(line);
        self.masked.push_str(masked);
        self.in_string.push(in_string);
    }
}

impl Statement {
    fn new(kind: StatementKind) -> Self {
        Self { text: String::new(), masked: String::new(), in_string: Vec::new(), kind }
    }

    fn take(&mut self, lines: &mut Lines) {
        let Lines { text, masked, in_string, .. } = std::mem::take(lines);
        self.text.push_str(&text);
        self.masked.push_str(&masked);
        self.in_string.extend(in_string);
    }

    fn push(&mut self, line: &str, masked: &str, in_string: bool) {
        self.text.push_str(line);
        self.masked.push_str(masked);
        self.in_string.push(in_string);
    }

    /// The lines with `indent` before each that is not empty and does not begin within a string.
    pub(in crate::notebook) fn indented(&self, indent: &str) -> String {
        let lines = self.text.split_inclusive('\n').zip(&self.in_string);
        let line = |(line, in_string): (&str, &bool)| {
            if *in_string || line.trim().is_empty() { line.to_owned() } else { format!("{indent}{line}") }
        };
        lines.map(line).collect()
    }
}

fn kind(masked: &str) -> StatementKind {
    let starts = |words: &[&str]| words.iter().any(|word| masked.starts_with(word));
    match () {
        () if starts(&["import ", "from "]) => StatementKind::Import,
        () if starts(&["def ", "class ", "async def "]) => StatementKind::Definition,
        () => StatementKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_have_their_blocks_comments_and_decorators() {
        let code = "import a\n# note\n@d(\n  1)\n@e\ndef f():\n    x\n# inner\n    y\nif z:\n    1\nelse:\n    2\n\
                    s = '''\nfrom\n'''\n# end\n";
        let found: Vec<_> = statements(code).into_iter().map(|found| (found.kind, found.text)).collect();
        let expected = [
            (StatementKind::Import, "import a\n"),
            (StatementKind::Definition, "# note\n@d(\n  1)\n@e\ndef f():\n    x\n# inner\n    y\n"),
            (StatementKind::Other, "if z:\n    1\nelse:\n    2\n"),
            (StatementKind::Other, "s = '''\nfrom\n'''\n"),
            (StatementKind::Comment, "# end\n"),
        ];
        assert_eq!(found, expected.map(|(kind, text)| (kind, text.to_owned())));
        let strings = statements("s = '''\nfrom\n'''\n");
        assert_eq!(strings[0].indented("  "), "  s = '''\nfrom\n'''\n");
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_lost(code in r#"([ ]{0,2}(@a|x = '''|'''|def f\(\):|# c|else:|\(|\)|)\n){0,12}"#) {
            let text: String = statements(&code).into_iter().map(|statement| statement.text).collect();
            let lines = |text: &str| text.lines().filter(|line| !line.trim().is_empty()).count();
            proptest::prop_assert_eq!(lines(&text), lines(&code));
        }
    }
}
