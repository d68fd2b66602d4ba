//! Calls with the paths among their arguments.

use std::collections::BTreeMap;

use super::literal::string;
use super::statement::Statement;

/// The strings that names stand for.
pub(in crate::notebook) type Constants = BTreeMap<String, String>;

/// A call, with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::notebook) struct Call<'a> {
    /// The name of the function, without what is before the last dot.
    pub(in crate::notebook) function: &'a str,
    /// The expression before the last dot of the function; empty if there is none.
    pub(in crate::notebook) receiver: &'a str,
    /// The arguments, each with its name if it has one.
    pub(in crate::notebook) arguments: Vec<(Option<&'a str>, &'a str)>,
}

/// Returns the calls in a statement, in order.
pub(in crate::notebook) fn calls(statement: &Statement) -> Vec<Call<'_>> {
    let (text, masked) = (&statement.text, statement.masked.as_bytes());
    let (mut calls, mut open, mut opened) = (Vec::new(), Vec::<usize>::new(), Vec::new());
    for (at, sign) in masked.iter().enumerate() {
        match sign {
            b'(' | b'[' | b'{' => open.push(at),
            b')' | b']' | b'}' => {
                let Some(start) = open.pop() else { continue };
                if masked[start] == b'(' {
                    opened.push((start, at));
                }
            }
            _ => {}
        }
    }
    opened.sort_unstable();
    for (start, end) in opened {
        let before = &statement.masked[..start];
        let name_start = before.rfind(|sign: char| !(sign.is_alphanumeric() || matches!(sign, '_' | '.')));
        let name_start = name_start.map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let name = &text[name_start..start];
        let (receiver, function) = name.rsplit_once('.').unwrap_or(("", name));
        if !function.is_empty() {
            calls.push(Call { function, receiver, arguments: arguments(text, masked, start + 1, end) });
        }
    }
    calls
}

fn arguments<'a>(text: &'a str, masked: &[u8], start: usize, end: usize) -> Vec<(Option<&'a str>, &'a str)> {
    let (mut arguments, mut depth, mut from) = (Vec::new(), 0_usize, start);
    let mut push = |from: usize, to: usize| {
        let argument = text.get(from..to).unwrap_or_default().trim();
        if argument.is_empty() {
            return;
        }
        let name = argument.split_once('=').filter(|(name, value)| {
            let is_name = name.trim().chars().all(|sign| sign.is_alphanumeric() || sign == '_');
            is_name && !value.starts_with('=')
        });
        arguments.push(match name {
            Some((name, value)) => (Some(name.trim()), value.trim()),
            None => (None, argument),
        });
    };
    for (at, sign) in (start..).zip(&masked[start..end]) {
        match sign {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                push(from, at);
                from = at + 1;
            }
            _ => {}
        }
    }
    push(from, end);
    arguments
}

impl Call<'_> {
    /// Returns the argument called `name`, or else the one at `index` without a name.
    pub(in crate::notebook) fn argument(&self, index: usize, names: &[&str]) -> Option<&str> {
        let with_name = self.arguments.iter().find(|(name, _)| name.is_some_and(|name| names.contains(&name)));
        let placed = self.arguments.get(index).filter(|(name, _)| name.is_none());
        with_name.or(placed).map(|(_, value)| *value)
    }
}

/// The levels of an expression that are evaluated.
const DEPTH: usize = 16;

/// Returns the path that an expression stands for: a string, a name with a constant value, parts that are joined.
pub(in crate::notebook) fn path_of(expression: &str, constants: &Constants) -> Option<String> {
    evaluate(expression, constants, DEPTH)
}

fn evaluate(expression: &str, constants: &Constants, depth: usize) -> Option<String> {
    let expression = expression.trim();
    let depth = depth.checked_sub(1)?;
    if let Some(text) = string(expression) {
        return Some(text);
    }
    if let Some(value) = constants.get(expression) {
        return Some(value.clone());
    }
    if let Some(text) = expression.strip_prefix(['f', 'F']).and_then(string) {
        return formatted(&text, constants);
    }
    let parts = split(expression, '/');
    if parts.len() > 1 {
        let parts: Option<Vec<_>> = parts.into_iter().map(|part| evaluate(part, constants, depth)).collect();
        return Some(joined(&parts?));
    }
    let parts = split(expression, '+');
    if parts.len() > 1 {
        let parts: Option<Vec<_>> = parts.into_iter().map(|part| evaluate(part, constants, depth)).collect();
        return Some(parts?.concat());
    }
    let (function, inside) = expression.strip_suffix(')')?.split_once('(')?;
    match function.trim() {
        "Path" | "pathlib.Path" | "os.path.join" | "join" | "str" | "PurePath" | "os.fspath" => {
            let parts: Option<Vec<_>> =
                split(inside, ',').into_iter().map(|part| evaluate(part, constants, depth)).collect();
            Some(joined(&parts?))
        }
        _ => None,
    }
}

fn formatted(text: &str, constants: &Constants) -> Option<String> {
    let (mut result, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        result.push_str(before);
        result.push_str(constants.get(name.trim())?);
        rest = after;
    }
    result.push_str(rest);
    (!result.contains('}')).then_some(result)
}

fn joined(parts: &[String]) -> String {
    let mut path = String::new();
    for part in parts {
        if part.starts_with('/') || path.is_empty() {
            path.clone_from(part);
        } else {
            path = format!("{}/{}", path.trim_end_matches('/'), part);
        }
    }
    path
}

/// Splits an expression at a sign outside of brackets and strings.
fn split(expression: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_usize, None);
    for (at, sign) in expression.char_indices() {
        match (quote, sign) {
            (Some(open), sign) if open == sign => quote = None,
            (None, '"' | '\'') => quote = Some(sign),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, sign) if sign == separator && depth == 0 => {
                parts.push(&expression[start..at]);
                start = at + sign.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&expression[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::super::statement::statements;
    use super::*;

    #[test]
    fn calls_have_their_arguments() {
        let found = statements("torch.save(model.state_dict(), f='a,b.pt')\n");
        let found = calls(&found[0]);
        assert_eq!((found[0].receiver, found[0].function), ("torch", "save"));
        assert_eq!(found[0].arguments, [(None, "model.state_dict()"), (Some("f"), "'a,b.pt'")]);
        assert_eq!(found[1].function, "state_dict");
        assert_eq!(found[0].argument(1, &["f"]), Some("'a,b.pt'"));
    }

    #[test]
    fn paths_are_evaluated() {
        let constants = Constants::from([("D".to_owned(), "data".to_owned()), ("N".to_owned(), "a".to_owned())]);
        for (expression, expected) in [
            ("'a.csv'", Some("a.csv")),
            ("D", Some("data")),
            ("D / 'x.csv'", Some("data/x.csv")),
            ("Path(D) / N", Some("data/a")),
            ("os.path.join(D, 'x', f'{N}.csv')", Some("data/x/a.csv")),
            ("f\"{D}/{x}\"", None),
            ("D + '/b'", Some("data/b")),
            ("f(D)", None),
            ("a, b", None),
        ] {
            assert_eq!(path_of(expression, &constants).as_deref(), expected, "{expression}");
        }
    }
}
