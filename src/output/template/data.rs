//! Values while a template is rendered: fields, truth, equality and order as in Go.

use std::cmp::Ordering;
use std::rc::Rc;

use serde_json::{Map, Number, Value};

/// A value of the data, or one that the template made.
#[derive(Debug, Clone)]
pub(super) enum Data<'a> {
    /// The value of a field that does not exist, and `nil`.
    Missing,
    Given(&'a Value),
    Made(Rc<Value>),
}

impl Data<'_> {
    pub(super) fn made(value: impl Into<Value>) -> Self {
        Self::Made(Rc::new(value.into()))
    }

    pub(super) fn value(&self) -> Option<&Value> {
        match self {
            Self::Missing => None,
            Self::Given(value) => Some(value),
            Self::Made(value) => Some(value),
        }
    }

    /// The part that `select` finds in the value.
    pub(super) fn part(&self, select: impl for<'v> FnOnce(&'v Value) -> Option<&'v Value>) -> Self {
        match self {
            Self::Missing => Self::Missing,
            Self::Given(value) => select(value).map_or(Self::Missing, Self::Given),
            Self::Made(value) => select(value).map_or(Self::Missing, |part| Self::made(part.clone())),
        }
    }

    /// Returns false for zero, the empty string, list and map, null, and a missing value.
    pub(super) fn is_true(&self) -> bool {
        match self.value() {
            None | Some(Value::Null) => false,
            Some(Value::Bool(value)) => *value,
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Array(items)) => !items.is_empty(),
            Some(Value::Object(fields)) => !fields.is_empty(),
        }
    }

    /// The name of the type in messages.
    pub(super) fn kind(&self) -> &'static str {
        match self.value() {
            None => "a missing value",
            Some(Value::Null) => "null",
            Some(Value::Bool(_)) => "a boolean",
            Some(Value::Number(_)) => "a number",
            Some(Value::String(_)) => "a string",
            Some(Value::Array(_)) => "a list",
            Some(Value::Object(_)) => "a map",
        }
    }
}

/// Finds a field by its JSON name, or by that name with a capital.
pub(super) fn field<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    fields.get(name).or_else(|| {
        let mut letters = name.chars();
        let first = letters.next().filter(|first| first.is_uppercase())?;
        fields.get(&first.to_lowercase().chain(letters).collect::<String>())
    })
}

/// The fields in the order of their names, as Go prints and iterates over a map.
pub(super) fn sorted(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    sorted
}

/// The value of an integer; none for a number with a fraction or an exponent.
pub(super) fn integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// Compares values of any types; null and a missing value are both `nil`.
pub(super) fn are_equal(left: &Data<'_>, right: &Data<'_>) -> bool {
    match (left.value().unwrap_or(&Value::Null), right.value().unwrap_or(&Value::Null)) {
        (Value::Number(left), Value::Number(right)) => order_of_numbers(left, right) == Some(Ordering::Equal),
        (left, right) => left == right,
    }
}

/// The order of two numbers or two strings.
pub(super) fn order(left: &Data<'_>, right: &Data<'_>) -> Option<Ordering> {
    match (left.value()?, right.value()?) {
        (Value::Number(left), Value::Number(right)) => order_of_numbers(left, right),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn order_of_numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}
