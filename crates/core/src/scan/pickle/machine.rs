//! The stack and the memo of an unpickler that knows no values but names.

use std::collections::HashMap;

use super::halt::Halt;
use super::names::{LATIN_1, Name, Names, Number};
use crate::limits;

/// The maximum number of entries of the memo above the limit of the table. Only hand-made pickles have any.
const FAR_ENTRIES: usize = 1000;

/// A value on the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// A mark.
    Mark,
    /// A value that is not a text.
    Unknown,
    /// A text that cannot be a name, or is too long.
    Text,
    /// A text that may be a name and is kept, by its number.
    Name(Number),
    /// A text that may be a name, and may be forgotten, by its number.
    RecentName(Number),
    /// A text that may be a name, and was forgotten.
    ForgottenName,
    /// The class of the wrapper that `joblib` writes before the bytes of an array.
    WrapperClass,
    /// Such a wrapper.
    Wrapper,
    /// The function of torch that loads its argument as a file.
    Loader,
    /// Bytes, or text whose characters are bytes, that were scanned as a file.
    Scanned,
    /// A tuple of these.
    ScannedArgument,
    /// The function that turns text into bytes.
    Encoder,
    /// Its arguments: text that was scanned, and the encoding whose characters are bytes.
    EncoderArguments,
}

/// The stack, the memo and the texts of a pickle.
#[derive(Default)]
pub(super) struct Machine {
    stack: Vec<Value>,
    memo: Memo,
    names: Names,
    /// True if the loader of torch was used for anything but a call with bytes that were scanned.
    has_lost_loader: bool,
}

impl Machine {
    pub(super) fn push(&mut self, value: Value) -> Result<(), Halt> {
        self.stack.push(value);
        self.check_size()
    }

    /// Fails if there are too many values.
    fn check_size(&self) -> Result<(), Halt> {
        let values = self.stack.len() + self.memo.near.len();
        if values > limits::PICKLE_MEMO { Err(Halt::Limit("values in a pickle")) } else { Ok(()) }
    }

    /// Pushes a text.
    pub(super) fn push_text(&mut self, text: &str) -> Result<(), Halt> {
        let value = self.names.value(text);
        self.push(value)
    }

    pub(super) fn pop(&mut self) -> Result<Value, Halt> {
        let value = self.pop_any()?;
        self.has_lost_loader |= value == Value::Loader;
        Ok(value)
    }

    fn pop_any(&mut self) -> Result<Value, Halt> {
        self.stack.pop().ok_or_else(|| Halt::broken("the stack is empty"))
    }

    /// Replaces a value and its arguments by the result of a call.
    pub(super) fn call(&mut self) -> Result<(), Halt> {
        let arguments = self.pop()?;
        match (self.pop_any()?, arguments) {
            (Value::Loader, Value::ScannedArgument) => self.push(Value::Unknown),
            (Value::Encoder, Value::EncoderArguments) => self.push(Value::Scanned),
            (called, _) => {
                self.has_lost_loader |= called == Value::Loader;
                self.push(result_of(called))
            }
        }
    }

    /// Replaces `count` values by a tuple.
    pub(super) fn tuple(&mut self, count: usize) -> Result<(), Halt> {
        let start = self.stack.len().checked_sub(count).ok_or_else(|| Halt::broken("the stack is empty"))?;
        let tuple = self.tuple_of(&self.stack[start..]);
        self.pop_many(count)?;
        self.push(tuple)
    }

    /// Replaces the last mark and everything above by a tuple.
    pub(super) fn tuple_to_mark(&mut self) -> Result<(), Halt> {
        let mark = self.stack.iter().rposition(|value| *value == Value::Mark).map_or(0, |mark| mark + 1);
        let tuple = self.tuple_of(&self.stack[mark..]);
        self.pop_to_mark()?;
        self.push(tuple)
    }

    fn tuple_of(&self, values: &[Value]) -> Value {
        match values {
            [Value::Scanned] => Value::ScannedArgument,
            [Value::Scanned, encoding] if self.name(*encoding) == Name::Text(LATIN_1) => Value::EncoderArguments,
            _ => Value::Unknown,
        }
    }

    /// Returns true, once, if the loader of torch was used for anything but a call with bytes that were scanned.
    pub(super) fn take_lost_loader(&mut self) -> bool {
        std::mem::take(&mut self.has_lost_loader)
    }

    /// Pops `count` values, and returns the lowest.
    pub(super) fn pop_many(&mut self, count: usize) -> Result<Value, Halt> {
        (0..count).try_fold(Value::Unknown, |_, _| self.pop())
    }

    /// Pops everything above the last mark and the mark, and returns the lowest value above it.
    pub(super) fn pop_to_mark(&mut self) -> Result<Value, Halt> {
        let mark = self.stack.iter().rposition(|value| *value == Value::Mark);
        let mark = mark.ok_or_else(|| Halt::broken("there is no mark on the stack"))?;
        let lowest = self.stack.get(mark + 1).copied();
        self.has_lost_loader |= self.stack[mark..].contains(&Value::Loader);
        self.stack.truncate(mark);
        Ok(lowest.unwrap_or(Value::Unknown))
    }

    pub(super) fn top(&self) -> Result<Value, Halt> {
        self.stack.last().copied().ok_or_else(|| Halt::broken("the stack is empty"))
    }

    /// Stores the topmost value under the next number.
    pub(super) fn memoize(&mut self) -> Result<(), Halt> {
        self.put(self.memo.count)
    }

    /// Stores the topmost value under a number.
    pub(super) fn put(&mut self, index: u64) -> Result<(), Halt> {
        self.memo.put(index, self.top()?)?;
        self.check_size()
    }

    /// Pushes the value of a number.
    pub(super) fn get(&mut self, index: u64) -> Result<(), Halt> {
        let value = self.memo.get(index).ok_or_else(|| Halt::broken("the memo has no such entry"))?;
        self.push(value)
    }

    /// Returns the name that a value is.
    pub(super) fn name(&self, value: Value) -> Name<'_> {
        self.names.name(value)
    }

    /// Takes the names of the member and the module of an import from the stack.
    pub(super) fn pop_import(&mut self) -> Result<(Name<'_>, Name<'_>), Halt> {
        let (name, module) = (self.pop()?, self.pop()?);
        self.names.note_used(module);
        self.names.note_used(name);
        Ok((self.names.name(module), self.names.name(name)))
    }
}

/// Returns the result of a call.
pub(super) fn result_of(called: Value) -> Value {
    if called == Value::WrapperClass { Value::Wrapper } else { Value::Unknown }
}

#[derive(Default)]
struct Memo {
    /// The values by number. A number without a value has a mark, which cannot be stored.
    near: Vec<Value>,
    far: HashMap<u64, Value>,
    /// The number of values.
    count: u64,
}

impl Memo {
    fn put(&mut self, index: u64, value: Value) -> Result<(), Halt> {
        let value = if value == Value::Mark { Value::Unknown } else { value };
        let before = match usize::try_from(index) {
            Ok(near) if near < limits::PICKLE_MEMO => {
                if self.near.len() <= near {
                    self.near.resize(near + 1, Value::Mark);
                }
                std::mem::replace(&mut self.near[near], value)
            }
            _ => self.far.insert(index, value).unwrap_or(Value::Mark),
        };
        self.count += u64::from(before == Value::Mark);
        if self.far.len() > FAR_ENTRIES { Err(Halt::Limit("entries in the memo of a pickle")) } else { Ok(()) }
    }

    fn get(&self, index: u64) -> Option<Value> {
        let near = usize::try_from(index).ok().and_then(|index| self.near.get(index));
        near.or_else(|| self.far.get(&index)).copied().filter(|value| *value != Value::Mark)
    }
}
