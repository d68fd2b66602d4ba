//! The functions that a template can call: those of Go's templates without `call`, and `json`, `join`, `upper` and
//! `lower` with the arguments they have in docker's templates.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};

use serde_json::Value;

use super::data::{self, Data, integer};
use super::text::Text;
use super::{escape, print, printf};
use kit_core::problem::{closest, quoted};

/// A function, by the index of its entry in [`TABLE`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Function(usize);

/// Why a call failed.
pub(super) enum Failure {
    /// The text that it makes is too large.
    TooLarge,
    Message(String),
}

impl From<fmt::Error> for Failure {
    fn from(_: fmt::Error) -> Self {
        Self::TooLarge
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Message(message)
    }
}

/// The value that a function made.
pub(super) enum Made<'a> {
    /// The text that it wrote into its output.
    Text,
    Value(Data<'a>),
}

type Body = for<'a> fn(&[Data<'a>], &mut Text) -> Result<Made<'a>, Failure>;

/// The most arguments of functions that take any number.
const ANY: usize = usize::MAX;

/// Name, least and most number of arguments, body. `and` and `or` evaluate only the arguments they need, in `render`.
const TABLE: [(&str, usize, usize, Body); 22] = [
    ("and", 1, ANY, last),
    ("or", 1, ANY, last),
    ("not", 1, 1, |arguments, _| Ok(truth(!arguments[0].is_true()))),
    ("eq", 2, ANY, |arguments, _| Ok(truth(arguments[1..].iter().any(|other| data::are_equal(&arguments[0], other))))),
    ("ne", 2, 2, |arguments, _| Ok(truth(!data::are_equal(&arguments[0], &arguments[1])))),
    ("lt", 2, 2, |arguments, _| Ok(truth(order(arguments)?.is_lt()))),
    ("le", 2, 2, |arguments, _| Ok(truth(order(arguments)?.is_le()))),
    ("gt", 2, 2, |arguments, _| Ok(truth(order(arguments)?.is_gt()))),
    ("ge", 2, 2, |arguments, _| Ok(truth(order(arguments)?.is_ge()))),
    ("len", 1, 1, length),
    ("index", 1, ANY, index),
    ("slice", 1, 3, slice),
    ("print", 0, ANY, print),
    ("println", 0, ANY, println),
    ("printf", 1, ANY, printf),
    ("html", 0, ANY, |arguments, out| escaped(arguments, out, escape::html)),
    ("js", 0, ANY, |arguments, out| escaped(arguments, out, escape::js)),
    ("urlquery", 0, ANY, |arguments, out| escaped(arguments, out, escape::urlquery)),
    ("json", 1, 1, json),
    ("join", 2, 2, join),
    ("lower", 1, 1, |arguments, out| written(out.write_str(&text(&arguments[0])?.to_lowercase()))),
    ("upper", 1, 1, |arguments, out| written(out.write_str(&text(&arguments[0])?.to_uppercase()))),
];

impl Function {
    /// Finds a function, or says which one may have been meant.
    pub(super) fn find(name: &str) -> Result<Self, String> {
        if let Some(position) = TABLE.iter().position(|(known, ..)| *known == name) {
            return Ok(Self(position));
        }
        let unknown = format!("there is no function {}", quoted(name));
        Err(match closest(name, &TABLE.map(|(known, ..)| known)) {
            Some(near) => format!("{unknown}; did you mean `{near}`?"),
            None => unknown,
        })
    }

    pub(super) fn name(self) -> &'static str {
        TABLE[self.0].0
    }

    /// Calls the function; texts that it makes count towards the limit of `out`.
    pub(super) fn call<'a>(self, arguments: &[Data<'a>], out: &mut Text) -> Result<Data<'a>, Failure> {
        let (name, least, most, body) = TABLE[self.0];
        if arguments.len() < least || arguments.len() > most {
            return Err(Failure::Message(wrong_count(name, least, most, arguments.len())));
        }
        let mut scratch = out.scratch();
        let made = body(arguments, &mut scratch)?;
        let text = out.settle(scratch);
        Ok(match made {
            Made::Text => Data::made(text),
            Made::Value(value) => value,
        })
    }
}

fn wrong_count(name: &str, least: usize, most: usize, given: usize) -> String {
    let wanted = match (least, most) {
        (1, 1) => "1 argument".to_owned(),
        (1, ANY) => "at least 1 argument".to_owned(),
        (least, ANY) => format!("at least {least} arguments"),
        (least, most) if least == most => format!("{least} arguments"),
        (least, most) => format!("{least} to {most} arguments"),
    };
    format!("`{name}` takes {wanted}, not {given}")
}

fn truth<'a>(value: bool) -> Made<'a> {
    Made::Value(Data::made(value))
}

fn written<'a>(result: fmt::Result) -> Result<Made<'a>, Failure> {
    result?;
    Ok(Made::Text)
}

#[allow(clippy::unnecessary_wraps, reason = "all functions of the table have this type")]
fn last<'a>(arguments: &[Data<'a>], _: &mut Text) -> Result<Made<'a>, Failure> {
    Ok(Made::Value(arguments.last().cloned().unwrap_or(Data::Missing)))
}

fn order(arguments: &[Data<'_>]) -> Result<Ordering, Failure> {
    let (left, right) = (&arguments[0], &arguments[1]);
    data::order(left, right)
        .ok_or_else(|| Failure::Message(format!("{} and {} cannot be ordered", left.kind(), right.kind())))
}

fn length<'a>(arguments: &[Data<'a>], _: &mut Text) -> Result<Made<'a>, Failure> {
    let length = match arguments[0].value() {
        Some(Value::Null) => 0,
        Some(Value::String(text)) => text.len(),
        Some(Value::Array(items)) => items.len(),
        Some(Value::Object(fields)) => fields.len(),
        _ => return Err(format!("{} has no length", arguments[0].kind()).into()),
    };
    Ok(Made::Value(Data::made(length)))
}

fn index<'a>(arguments: &[Data<'a>], _: &mut Text) -> Result<Made<'a>, Failure> {
    let mut item = arguments[0].clone();
    for key in &arguments[1..] {
        item = self::item(&item, key)?;
    }
    Ok(Made::Value(item))
}

/// The item of a list or the byte of a string at a position, or the field of a map.
fn item<'a>(of: &Data<'a>, key: &Data<'_>) -> Result<Data<'a>, Failure> {
    match (of.value(), key.value()) {
        (Some(Value::Object(_)), Some(Value::String(name))) => {
            Ok(of.part(|value| data::field(value.as_object()?, name)))
        }
        (Some(Value::Array(items)), _) => {
            let position = position(key, items.len(), items.len())?;
            Ok(of.part(|value| value.get(position)))
        }
        (Some(Value::String(text)), _) => {
            let position = position(key, text.len(), text.len())?;
            Ok(Data::made(text.as_bytes()[position]))
        }
        (Some(Value::Null), _) => position(key, 0, 0).map(|_| Data::Missing),
        _ => Err(format!("{} cannot be indexed by {}", of.kind(), key.kind()).into()),
    }
}

/// Checks a position below `limit` in something of `length` items.
fn position(key: &Data<'_>, length: usize, limit: usize) -> Result<usize, Failure> {
    let number = match key.value() {
        Some(Value::Number(number)) => integer(number),
        _ => None,
    };
    let number = number.ok_or_else(|| format!("the position must be an integer, not {}", key.kind()))?;
    match usize::try_from(number) {
        Ok(position) if position < limit => Ok(position),
        _ => Err(format!("position {number} is out of range; the length is {length}").into()),
    }
}

/// The bytes of a string or the items of a list from a position to another.
fn slice<'a>(arguments: &[Data<'a>], out: &mut Text) -> Result<Made<'a>, Failure> {
    let of = &arguments[0];
    let length = match of.value() {
        Some(Value::String(text)) => text.len(),
        Some(Value::Array(items)) => items.len(),
        Some(Value::Null) => 0,
        _ => return Err(format!("{} cannot be sliced", of.kind()).into()),
    };
    let bound = |key: Option<&Data<'_>>, default| key.map_or(Ok(default), |key| position(key, length, length + 1));
    let (start, end) = (bound(arguments.get(1), 0)?, bound(arguments.get(2), length)?);
    if start > end {
        return Err(format!("the start {start} is after the end {end}").into());
    }
    match of.value() {
        Some(Value::String(text)) => match text.get(start..end) {
            Some(part) => written(out.write_str(part)),
            None => Err("the slice cuts a character in two".to_owned().into()),
        },
        Some(Value::Array(items)) => {
            let part = Value::from(&items[start..end]);
            out.spend(part.to_string().len())?;
            Ok(Made::Value(Data::made(part)))
        }
        _ => Ok(Made::Value(of.clone())),
    }
}

fn print<'a>(arguments: &[Data<'a>], out: &mut Text) -> Result<Made<'a>, Failure> {
    let mut was_string = true;
    for argument in arguments {
        let is_string = matches!(argument.value(), Some(Value::String(_)));
        out.write_str(if is_string || was_string { "" } else { " " })?;
        print::argument(out, argument)?;
        was_string = is_string;
    }
    Ok(Made::Text)
}

fn println<'a>(arguments: &[Data<'a>], out: &mut Text) -> Result<Made<'a>, Failure> {
    for (position, argument) in arguments.iter().enumerate() {
        out.write_str(if position > 0 { " " } else { "" })?;
        print::argument(out, argument)?;
    }
    written(out.write_str("\n"))
}

fn printf<'a>(arguments: &[Data<'a>], out: &mut Text) -> Result<Made<'a>, Failure> {
    written(printf::printf(out, text(&arguments[0])?, &arguments[1..]))
}

fn escaped<'a>(
    arguments: &[Data<'a>],
    out: &mut Text,
    escape: fn(&mut Text, &str) -> fmt::Result,
) -> Result<Made<'a>, Failure> {
    let no_value = Value::from(print::NO_VALUE);
    let arguments: Vec<_> =
        arguments.iter().map(|argument| argument.value().map_or(Data::Given(&no_value), Data::Given)).collect();
    let mut scratch = out.scratch();
    print(&arguments, &mut scratch)?;
    let text = out.settle(scratch);
    written(escape(out, &text))
}

fn json<'a>(arguments: &[Data<'a>], out: &mut Text) -> Result<Made<'a>, Failure> {
    written(write!(out, "{}", arguments[0].value().unwrap_or(&Value::Null)))
}

/// The items of a list with a separator between them: `join .tags ", "`.
fn join<'a>(arguments: &[Data<'a>], out: &mut Text) -> Result<Made<'a>, Failure> {
    let items = match arguments[0].value() {
        Some(Value::Array(items)) => &items[..],
        Some(Value::Null) => &[],
        _ => return Err(format!("`join` needs a list and a separator, not {}", arguments[0].kind()).into()),
    };
    let separator = text(&arguments[1])?;
    for (position, item) in items.iter().enumerate() {
        out.write_str(if position > 0 { separator } else { "" })?;
        print::value(out, item)?;
    }
    Ok(Made::Text)
}

fn text<'v>(data: &'v Data<'_>) -> Result<&'v str, Failure> {
    match data.value() {
        Some(Value::String(text)) => Ok(text),
        _ => Err(format!("expected a string, not {}", data.kind()).into()),
    }
}
