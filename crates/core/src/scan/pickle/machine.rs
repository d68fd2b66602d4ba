//! The stack and the memo of an unpickler that knows no values but names.

use std::collections::HashMap;

use super::halt::Halt;
use crate::limits;

/// The maximum length of a text that may be a name, in bytes.
pub(super) const NAME_BYTES: usize = 256;

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
    /// A text that may be a name, by its number.
    Name(u32),
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

/// The name of the encoding whose characters are bytes, as Python writes it.
const LATIN_1: &str = "latin1";

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
        if self.stack.len() == limits::PICKLE_MEMO {
            return Err(Halt::Limit("values on the stack of a pickle"));
        }
        self.stack.push(value);
        Ok(())
    }

    /// Pushes a text.
    pub(super) fn push_text(&mut self, text: &str) -> Result<(), Halt> {
        let value = if is_name(text) { Value::Name(self.names.number(text)?) } else { Value::Text };
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
            [Value::Scanned, encoding] if self.name(*encoding) == Some(LATIN_1) => Value::EncoderArguments,
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
        self.memo.put(self.memo.count, self.top()?)
    }

    /// Stores the topmost value under a number.
    pub(super) fn put(&mut self, index: u64) -> Result<(), Halt> {
        self.memo.put(index, self.top()?)
    }

    /// Pushes the value of a number.
    pub(super) fn get(&mut self, index: u64) -> Result<(), Halt> {
        let value = self.memo.get(index).ok_or_else(|| Halt::broken("the memo has no such entry"))?;
        self.push(value)
    }

    /// Returns the text of a value, if it is a name.
    pub(super) fn name(&self, value: Value) -> Option<&str> {
        match value {
            Value::Name(number) => self.names.texts.get(number as usize).map(|text| &**text),
            _ => None,
        }
    }
}

/// Returns the result of a call.
pub(super) fn result_of(called: Value) -> Value {
    if called == Value::WrapperClass { Value::Wrapper } else { Value::Unknown }
}

/// Returns true if Python may import a module or a member of this name.
pub(super) fn is_name(text: &str) -> bool {
    (1..=NAME_BYTES).contains(&text.len()) && !text.contains(|c: char| c.is_whitespace() || c.is_control())
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

/// The texts that may be names, each once.
#[derive(Default)]
struct Names {
    texts: Vec<std::rc::Rc<str>>,
    numbers: HashMap<std::rc::Rc<str>, u32>,
    bytes: u64,
}

impl Names {
    fn number(&mut self, text: &str) -> Result<u32, Halt> {
        if let Some(number) = self.numbers.get(text) {
            return Ok(*number);
        }
        self.bytes += text.len() as u64;
        let number = u32::try_from(self.texts.len()).ok().filter(|_| self.bytes <= limits::PICKLE_NAMES_BYTES);
        let number = number.ok_or(Halt::Limit("different texts in a pickle"))?;
        let text: std::rc::Rc<str> = text.into();
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        Ok(number)
    }
}
