//! The texts of a pickle that may be names of modules and of their members.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::LazyLock;

use super::machine::Value;
use super::tables::{ALLOWED, MODULES, MOVED, NAMES, RENAMED};
use crate::limits;

/// The maximum length of a text that may be a name, in bytes.
pub(super) const NAME_BYTES: usize = 256;

/// The name of the encoding whose characters are bytes, as Python writes it.
pub(super) const LATIN_1: &str = "latin1";

/// The number of texts that are remembered after they were read: an import uses the last two, or texts that another
/// import used.
const RECENT: usize = 4096;

/// The number of texts that are kept. The imports of a pickle have a few dozen.
const MOST_KEPT: usize = 65_536;

/// The first parts of all names in the tables, and of the rest of each module that is in a table as a whole. A text
/// with another first part is in none of them.
static TABULATED: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let modules = MODULES.iter().flat_map(|module| module.split('.'));
    let rows = NAMES.iter().chain(ALLOWED).flat_map(|(module, names)| [module].into_iter().chain(*names));
    let old = RENAMED.iter().flat_map(|(old, new)| [old, new]);
    let moved = MOVED.iter().flat_map(|(old, module, new)| [old, module, new]);
    modules.chain(rows.chain(old).chain(moved).copied().chain([LATIN_1]).map(first_part)).collect()
});

fn first_part(name: &str) -> &str {
    name.split_once('.').map_or(name, |(first, _)| first)
}

/// Returns true if Python may import a module or a member of this name.
pub(super) fn is_name(text: &str) -> bool {
    let is_graphic = |text: &str| !text.contains(|c: char| c.is_whitespace() || c.is_control());
    (1..=NAME_BYTES).contains(&text.len()) && (text.bytes().all(|byte| byte.is_ascii_graphic()) || is_graphic(text))
}

/// The number of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number([u8; 3]);

impl Number {
    fn new(number: usize) -> Option<Self> {
        let bytes = u32::try_from(number).ok()?.to_le_bytes();
        (bytes[3] == 0).then_some(Self([bytes[0], bytes[1], bytes[2]]))
    }

    fn get(self) -> usize {
        let Self([low, middle, high]) = self;
        usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16
    }
}

/// A value as the name of a module or of a member.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name<'a> {
    /// The name.
    Text(&'a str),
    /// A name that was forgotten. It is in none of the tables.
    Forgotten,
    /// The value is not a name, or a name in the tables that could not be kept.
    Unknown,
}

/// The texts that may be names. Those in the tables and those that imports use are kept, and others only for a while:
/// the data of a pickle may consist of millions of words.
#[derive(Default)]
pub(super) struct Names {
    kept: Vec<Rc<str>>,
    numbers: HashMap<Rc<str>, Number>,
    bytes: u64,
    /// The last texts that are not in the tables, by their numbers modulo [`RECENT`].
    recent: Vec<String>,
    /// The number of texts that are not in the tables.
    count: usize,
    /// The kept texts among them, by their numbers.
    used: HashMap<usize, Number>,
}

impl Names {
    /// Returns the value of a text.
    pub(super) fn value(&mut self, text: &str) -> Value {
        if !is_name(text) {
            Value::Text
        } else if TABULATED.contains(first_part(text)) {
            self.keep(text).map_or(Value::Text, Value::Name)
        } else {
            self.remember(text)
        }
    }

    fn remember(&mut self, text: &str) -> Value {
        let Some(number) = Number::new(self.count) else { return Value::ForgottenName };
        let place = self.count % RECENT;
        match self.recent.get_mut(place) {
            Some(oldest) => {
                oldest.clear();
                oldest.push_str(text);
            }
            None => self.recent.push(text.to_owned()),
        }
        self.count += 1;
        Value::RecentName(number)
    }

    fn keep(&mut self, text: &str) -> Option<Number> {
        if let Some(number) = self.numbers.get(text) {
            return Some(*number);
        }
        let bytes = self.bytes + text.len() as u64;
        if bytes > limits::PICKLE_NAMES_BYTES || self.kept.len() == MOST_KEPT {
            return None;
        }
        let number = Number::new(self.kept.len())?;
        let text: Rc<str> = text.into();
        self.bytes = bytes;
        self.kept.push(text.clone());
        self.numbers.insert(text, number);
        Some(number)
    }

    /// Keeps the text of a value that an import uses: it may use it again.
    pub(super) fn note_used(&mut self, value: Value) {
        if let Value::RecentName(number) = value
            && !self.used.contains_key(&number.get())
            && let Some(text) = self.recent_text(number).map(str::to_owned)
            && let Some(kept) = self.keep(&text)
        {
            self.used.insert(number.get(), kept);
        }
    }

    /// Returns the name that a value is.
    pub(super) fn name(&self, value: Value) -> Name<'_> {
        match value {
            Value::Name(number) => self.kept_text(number).map_or(Name::Unknown, Name::Text),
            Value::RecentName(number) => {
                let text = self.used.get(&number.get()).and_then(|kept| self.kept_text(*kept));
                text.or_else(|| self.recent_text(number)).map_or(Name::Forgotten, Name::Text)
            }
            Value::ForgottenName => Name::Forgotten,
            _ => Name::Unknown,
        }
    }

    fn kept_text(&self, number: Number) -> Option<&str> {
        self.kept.get(number.get()).map(|text| &**text)
    }

    fn recent_text(&self, number: Number) -> Option<&str> {
        let is_recent = self.count - number.get() <= RECENT;
        self.recent.get(number.get() % RECENT).filter(|_| is_recent).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_tables_and_those_that_were_used_are_kept() {
        let mut names = Names::default();
        let tabulated = ["os", "torch._utils", "hub.load", "latin1", "copy_reg", "intern", "sklearn"];
        let values = tabulated.map(|text| names.value(text));
        let (used, forgotten) = (names.value("mine"), names.value("other"));
        names.note_used(used);
        for number in 0..2 * RECENT {
            names.value(&format!("word{number}"));
        }
        let found = values.map(|value| names.name(value));
        assert_eq!(found[..6], tabulated.map(Name::Text)[..6]);
        assert_eq!(found[6], Name::Forgotten);
        assert_eq!((names.name(used), names.name(forgotten)), (Name::Text("mine"), Name::Forgotten));
        assert_eq!((names.value("a b"), names.name(Value::Unknown)), (Value::Text, Name::Unknown));
        assert!(names.recent.len() == RECENT && names.kept.len() == 7);
    }

    #[test]
    fn a_name_of_the_tables_that_cannot_be_kept_is_not_a_name() {
        let mut names = Names::default();
        let values: Vec<_> = (0..=MOST_KEPT).map(|number| names.value(&format!("os.a{number}"))).collect();
        assert_eq!(values.iter().filter(|value| **value == Value::Text).count(), 1);
        // Others are forgotten as usual.
        assert!(matches!(names.value("other"), Value::RecentName(_)));
    }

    #[test]
    fn a_value_is_small() {
        // A pickle may have millions of them.
        assert_eq!(size_of::<Value>(), 4);
    }
}
