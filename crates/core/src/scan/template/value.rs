//! The values of a template that are known, and what filters and methods make of them.

/// The number of characters and elements of a value that is followed.
pub(super) const LONGEST: usize = 4096;

/// A value that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(usize),
    List(Vec<Value>),
}

impl Value {
    /// The number of bytes, with some for the value itself.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len() + 1,
            Self::Number(_) => 1,
            Self::List(list) => list.iter().fold(1, |sum, value| sum.saturating_add(value.bytes())),
        }
    }
}

pub(super) fn length(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.chars().count(),
        Value::List(list) => list.len(),
        Value::Number(_) => 0,
    }
}

pub(super) fn element(value: &Value, index: usize) -> Option<Value> {
    match value {
        Value::Text(text) => text.chars().nth(index).map(|letter| Value::Text(letter.to_string())),
        Value::List(list) => list.get(index).cloned(),
        Value::Number(_) => None,
    }
}

pub(super) fn list_of(value: Value) -> Vec<Value> {
    if let Value::List(list) = value { list } else { vec![value] }
}

/// The result of a filter or a method of a string or a list.
pub(super) fn applied(name: &str, value: Value, arguments: &[Value]) -> Option<Value> {
    let argument = |at: usize| match arguments.get(at) {
        Some(Value::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let text = match (name, value) {
        ("first", value) => return element(&value, 0),
        ("last", value) => return element(&value, length(&value).checked_sub(1)?),
        ("list", Value::Text(text)) => return Some(Value::List(letters(&text))),
        ("reverse", Value::List(list)) => return Some(Value::List(list.into_iter().rev().collect())),
        ("join", Value::List(list)) => joined(&list, argument(0).unwrap_or_default()),
        // The method: the separator is the value.
        ("join", Value::Text(separator)) => match arguments {
            [Value::List(list)] => joined(list, &separator),
            _ => joined(&letters(&separator), argument(0).unwrap_or_default()),
        },
        ("format", Value::Text(text)) => filled(&text, &["%s", "%c", "{}"], arguments),
        ("replace", Value::Text(text)) => {
            let (from, to) = (argument(0)?, argument(1)?);
            if text.matches(from).count().saturating_mul(to.len()) > LONGEST {
                return None;
            }
            text.replace(from, to)
        }
        ("reverse", Value::Text(text)) => text.chars().rev().collect(),
        ("lower" | "casefold", Value::Text(text)) => text.to_lowercase(),
        ("upper", Value::Text(text)) => text.to_uppercase(),
        ("trim" | "strip", Value::Text(text)) => text.trim().to_owned(),
        ("string" | "safe" | "e" | "escape", Value::Text(text)) => text,
        _ => return None,
    };
    (text.len() <= LONGEST).then_some(Value::Text(text))
}

fn letters(text: &str) -> Vec<Value> {
    text.chars().map(|letter| Value::Text(letter.into())).collect()
}

/// Joins the texts in a list, up to a length that no value has.
fn joined(list: &[Value], separator: &str) -> String {
    let mut joined = String::new();
    let texts = list.iter().filter_map(|item| if let Value::Text(text) = item { Some(text) } else { None });
    for (at, text) in texts.enumerate() {
        if at > 0 {
            joined.push_str(separator);
        }
        joined.push_str(text);
        if joined.len() > LONGEST {
            break;
        }
    }
    joined
}

/// Replaces the `places` in a text by values, in their order.
pub(super) fn filled(text: &str, places: &[&str], values: &[Value]) -> String {
    let (mut filled, mut rest) = (String::new(), text);
    for value in values {
        let Some((at, place)) = places.iter().filter_map(|place| Some((rest.find(place)?, place))).min() else { break };
        filled.push_str(&rest[..at]);
        rest = &rest[at + place.len()..];
        match value {
            Value::Text(text) => filled.push_str(text),
            Value::Number(number) => filled.extend(u32::try_from(*number).ok().and_then(char::from_u32)),
            Value::List(_) => {}
        }
        if filled.len() > LONGEST {
            break;
        }
    }
    filled + rest
}
