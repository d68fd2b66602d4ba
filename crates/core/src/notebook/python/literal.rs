//! Literals of Python: numbers, strings, booleans, `None`, and lists of them.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Number, Value};

use super::statement::Statement;

/// An assignment to a name, perhaps with an annotation.
static ASSIGNMENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^([^\W\d]\w*)\s*(?::[^=]+)?=\s*([^=].*)$").expect("the pattern is valid"));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[+-]?(?:\d[\d_]*)?(?:\.(?:\d[\d_]*)?)?(?:[eE][+-]?\d[\d_]*)?$").expect("the pattern is valid")
});

/// Returns the name and the value if the statement assigns a literal to one name.
pub(in crate::notebook) fn assigned_literal(statement: &Statement) -> Option<(String, Value)> {
    let code = without_comments(statement);
    let code = code.trim().replace('\n', " ");
    let parts = ASSIGNMENT.captures(&code)?;
    Some((parts[1].to_owned(), literal(&parts[2])?))
}

/// The text of a statement without its comments, which are blank in the masked text, in which strings keep their marks.
fn without_comments(statement: &Statement) -> String {
    let lines = statement.text.lines().zip(statement.masked.lines());
    let code = lines.map(|(line, masked)| line.get(..masked.trim_end().len()).unwrap_or(line));
    code.collect::<Vec<_>>().join("\n")
}

/// Returns the value of a literal; `None` for any other expression.
pub(in crate::notebook) fn literal(text: &str) -> Option<Value> {
    let text = text.trim();
    match text {
        "None" => return Some(Value::Null),
        "True" => return Some(Value::Bool(true)),
        "False" => return Some(Value::Bool(false)),
        _ => {}
    }
    if text.starts_with(|sign: char| sign.is_ascii_digit() || "+-.".contains(sign)) {
        return number(text);
    }
    if let Some(inside) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return list(inside);
    }
    if let Some(inside) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        return if inside.contains(',') { list(inside) } else { literal(inside) };
    }
    string(text).map(Value::String)
}

fn number(text: &str) -> Option<Value> {
    if !NUMBER.is_match(text) || !text.contains(|sign: char| sign.is_ascii_digit()) {
        return None;
    }
    let plain = text.replace('_', "");
    if let Ok(number) = plain.parse::<i64>() {
        return Some(Value::from(number));
    }
    let is_integer = !plain.contains(['.', 'e', 'E']);
    let number = plain.parse::<f64>().ok().filter(|number| number.is_finite() && !is_integer)?;
    Number::from_f64(number).map(Value::Number)
}

fn list(inside: &str) -> Option<Value> {
    let (mut items, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let mut quote = None;
    let mut is_escaped = false;
    for (at, sign) in inside.char_indices() {
        match (quote, sign) {
            _ if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(open), sign) if open == sign => quote = None,
            (None, '"' | '\'') => quote = Some(sign),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth = depth.checked_sub(1)?,
            (None, ',') if depth == 0 => {
                items.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&inside[start..]);
    if items.last().is_some_and(|item| item.trim().is_empty()) {
        items.pop();
    }
    // A literal of many levels is not a parameter, and each level takes space on the stack.
    if inside.matches(['[', '(']).count() > 64 {
        return None;
    }
    items.into_iter().map(literal).collect::<Option<Vec<_>>>().map(Value::Array)
}

/// Returns the value of a string; `None` for an f-string, bytes, or anything but one string.
pub(super) fn string(text: &str) -> Option<String> {
    let (is_raw, text) = match text.strip_prefix(['r', 'R']) {
        Some(text) => (true, text),
        None => (false, text.strip_prefix(['u', 'U']).unwrap_or(text)),
    };
    let marks = ["\"\"\"", "'''", "\"", "'"];
    let mark = marks.into_iter().find(|mark| text.starts_with(mark))?;
    let inside = text.get(mark.len()..text.len().checked_sub(mark.len())?)?;
    if !text.ends_with(mark) || text.len() < 2 * mark.len() {
        return None;
    }
    let (mut value, mut signs) = (String::new(), inside.chars());
    while let Some(sign) = signs.next() {
        match sign {
            '\\' if is_raw => {
                value.push('\\');
                value.extend(signs.next());
            }
            '\\' => match signs.next()? {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                '\n' => {}
                sign @ ('\\' | '\'' | '"') => value.push(sign),
                _ => return None,
            },
            sign if mark.len() == 1 && mark.starts_with(sign) => return None,
            sign => value.push(sign),
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::statement::statements;
    use super::*;

    #[test]
    fn literals_have_values() {
        for (text, expected) in [
            ("3", Some(json!(3))),
            ("-1_000", Some(json!(-1000))),
            ("2e-5", Some(json!(2e-5))),
            (".5", Some(json!(0.5))),
            ("None", Some(json!(null))),
            ("True", Some(json!(true))),
            ("'a\\'b'", Some(json!("a'b"))),
            ("r'a\\b'", Some(json!("a\\b"))),
            ("[1, 'a, b', [2,],]", Some(json!([1, "a, b", [2]]))),
            ("(1, 2)", Some(json!([1, 2]))),
            ("'a' + 'b'", None),
            ("f'{a}'", None),
            ("1 + 2", None),
            ("0x10", None),
            ("x", None),
            ("{'a': 1}", None),
            ("-", None),
        ] {
            assert_eq!(literal(text), expected, "{text}");
        }
    }

    #[test]
    fn assignments_of_literals_are_read() {
        let found = |code: &str| statements(code).iter().filter_map(assigned_literal).collect::<Vec<_>>();
        assert_eq!(found("# n\nrate: float = 2e-5  # slow\n"), [("rate".to_owned(), json!(2e-5))]);
        assert_eq!(found("a = '#x'\nb = f()\nc == 1\nd = [1,  # one\n 2]\n").len(), 2);
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_strange(text in r#"[\[\]()'"\\,a1.e+é_-]{0,30}"#) {
            literal(&text);
        }
    }
}
