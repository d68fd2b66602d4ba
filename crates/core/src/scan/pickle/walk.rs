//! The walk over the opcodes of one pickle.

use super::bytes::Bytes;
use super::escapes;
use super::globals::Global;
use super::halt::Halt;
use super::machine::{Machine, Value, result_of};
use super::names::{NAME_BYTES, Name, is_name};
use super::opcodes::{Index, Opcode, opcode};
use crate::limits;
use crate::scan::finding::{Level, Place};
use crate::scan::scanner::Scan;

/// The opcode of a `bytearray`.
const BYTE_ARRAY: u8 = 0x96;

/// The walk over the pickles of a file. Each has its own stack and memo.
pub(super) struct Walk<'w, 'b, 'r> {
    pub(super) bytes: &'w mut Bytes<'b>,
    pub(super) scan: &'w mut Scan<'r>,
    /// The name of the file.
    pub(super) name: &'w str,
    pub(super) machine: Machine,
    /// The opcodes that may still be read.
    opcodes: u64,
    /// The offset of the first bytes that may not be opcodes: those of an array of `joblib`.
    pub(super) raw: Option<u64>,
    /// The offsets of imports with a computed name among bytes that may not be opcodes.
    doubtful: Vec<u64>,
    /// True if the file is not known to be a pickle, so that names must look like names.
    pub(super) is_trial: bool,
    /// True if an import that is not allowed was found.
    has_imported: bool,
    /// True if something was called after the first import that is not allowed.
    pub(super) has_called: bool,
}

impl<'w, 'b, 'r> Walk<'w, 'b, 'r> {
    pub(super) fn new(bytes: &'w mut Bytes<'b>, name: &'w str, scan: &'w mut Scan<'r>) -> Self {
        let (machine, opcodes) = (Machine::default(), limits::PICKLE_OPCODES as u64);
        Self {
            bytes,
            scan,
            name,
            machine,
            opcodes,
            raw: None,
            doubtful: Vec::new(),
            is_trial: false,
            has_imported: false,
            has_called: false,
        }
    }

    /// Walks over one pickle up to its end.
    pub(super) fn pickle(&mut self) -> Result<(), Halt> {
        self.machine = Machine::default();
        self.doubtful.clear();
        while self.step()? {}
        for offset in std::mem::take(&mut self.doubtful) {
            self.computed_global(offset);
        }
        Ok(())
    }

    /// Executes one opcode, as far as it concerns names, and returns false at the end of the pickle.
    fn step(&mut self) -> Result<bool, Halt> {
        self.opcodes = self.opcodes.checked_sub(1).ok_or(Halt::Limit("opcodes of a pickle"))?;
        let offset = self.bytes.position();
        let code = self.bytes.next()?.ok_or_else(Halt::early_end)?;
        let opcode = opcode(code).ok_or_else(|| Halt::Broken(format!("0x{code:02x} is not an opcode")))?;
        match opcode {
            Opcode::Ignore(width) => self.bytes.skip(width)?,
            Opcode::Push(width) => self.push_after(width)?,
            Opcode::PushNumber(width) => {
                let length = self.bytes.number(width)?;
                self.push_after(length)?;
            }
            Opcode::PushLine => {
                self.bytes.line(0)?;
                self.machine.push(Value::Unknown)?;
            }
            Opcode::Bytes(width) => {
                let length = self.bytes.number(width)?;
                let is_scanned = self.binary(length)?;
                // What an array of bytes contains may change.
                let is_fixed = code != BYTE_ARRAY;
                self.machine.push(if is_scanned && is_fixed { Value::Scanned } else { Value::Unknown })?;
            }
            Opcode::Text(width) => {
                let length = self.bytes.number(width)?;
                self.text(length)?;
            }
            Opcode::QuotedText => self.escaped_text(escapes::quoted)?,
            Opcode::UnicodeText => self.escaped_text(escapes::raw_unicode)?,
            Opcode::Global => self.global(offset)?,
            Opcode::Instance => {
                self.machine.pop_to_mark()?;
                self.global(offset)?;
                self.call(1)?;
            }
            Opcode::StackGlobal => self.stack_global(offset)?,
            Opcode::Extension(width) => self.extension(offset, width)?,
            Opcode::Memoize => self.machine.memoize()?,
            Opcode::Put(index) => {
                let index = self.index(index)?;
                self.machine.put(index)?;
            }
            Opcode::Get(index) => {
                let index = self.index(index)?;
                self.machine.get(index)?;
            }
            Opcode::Call(count) => self.call(count)?,
            Opcode::Build => self.build()?,
            Opcode::Stop => {
                self.machine.pop()?;
                if self.machine.take_lost_loader() {
                    self.lost_loader(offset);
                }
                return Ok(false);
            }
            Opcode::CallAboveMark => {
                let called = self.machine.pop_to_mark()?;
                self.machine.push(result_of(called))?;
                self.has_called |= self.has_imported;
            }
            _ => self.rearrange(opcode)?,
        }
        if self.machine.take_lost_loader() {
            self.lost_loader(offset);
        }
        Ok(true)
    }

    /// Executes an opcode that has no argument and does not concern names.
    fn rearrange(&mut self, opcode: Opcode) -> Result<(), Halt> {
        let machine = &mut self.machine;
        match opcode {
            Opcode::Replace(count) => machine.pop_many(count).and_then(|_| machine.push(Value::Unknown)),
            Opcode::Into(count) => machine.pop_many(count).and_then(|_| machine.top().map(drop)),
            Opcode::Tuple(count) => machine.tuple(count),
            Opcode::TupleToMark => machine.tuple_to_mark(),
            Opcode::Collect => machine.pop_to_mark().and_then(|_| machine.push(Value::Unknown)),
            Opcode::Extend => machine.pop_to_mark().and_then(|_| machine.top().map(drop)),
            Opcode::Mark => machine.push(Value::Mark),
            Opcode::Pop => machine.pop().map(drop),
            Opcode::PopMark => machine.pop_to_mark().map(drop),
            Opcode::Duplicate => machine.top().and_then(|value| machine.push(value)),
            _ => Ok(()),
        }
    }

    fn push_after(&mut self, skipped: u64) -> Result<(), Halt> {
        self.bytes.skip(skipped)?;
        self.machine.push(Value::Unknown)
    }

    fn escaped_text(&mut self, unescape: fn(&[u8]) -> Option<String>) -> Result<(), Halt> {
        let offset = self.bytes.position();
        let Some(line) = self.bytes.line(usize::try_from(limits::PICKLE_TEXT_BYTES).unwrap_or(usize::MAX))? else {
            return Err(Halt::Limit("bytes in a text of a pickle"));
        };
        let text = unescape(&line).ok_or_else(|| Halt::broken("a text is not quoted or escaped as Python does"))?;
        if self.nested_characters(offset, &text) {
            return self.machine.push(Value::Scanned);
        }
        self.machine.push_text(&text)
    }

    fn index(&mut self, form: Index) -> Result<u64, Halt> {
        let wrong = || Halt::broken("a number of the memo is not a number");
        match form {
            Index::Bytes(width) => self.bytes.number(width),
            Index::Line => {
                let line = self.bytes.line(NAME_BYTES)?.ok_or_else(wrong)?;
                let digits = String::from_utf8(line).map_err(|_| wrong())?.replace('_', "");
                digits.trim().parse().map_err(|_| wrong())
            }
        }
    }

    /// Pushes the import of two lines.
    fn global(&mut self, offset: u64) -> Result<(), Halt> {
        let (module, name) = (self.name_line()?, self.name_line()?);
        if self.is_trial && !(looks_like_a_path(&module) && looks_like_a_path(&name)) {
            return Err(Halt::broken("an import is not a name"));
        }
        self.import(offset, &module, &name)
    }

    fn name_line(&mut self) -> Result<String, Halt> {
        let line = self.bytes.line(NAME_BYTES)?.ok_or_else(|| Halt::broken("the name of an import is too long"))?;
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    fn stack_global(&mut self, offset: u64) -> Result<(), Halt> {
        let text = |name: Name<'_>| match name {
            Name::Text(text) => Some(Some(text.to_owned())),
            Name::Forgotten => Some(None),
            Name::Unknown => None,
        };
        let (module, name) = self.machine.pop_import()?;
        match (text(module), text(name)) {
            (Some(Some(module)), Some(Some(name))) => return self.import(offset, &module, &name),
            (Some(module), Some(name)) => self.forgotten_global(offset, module, name),
            _ if self.raw.is_some() => self.doubtful.push(offset),
            _ => self.computed_global(offset),
        }
        self.machine.push(Value::Unknown)
    }

    /// Records an import of which a part is in none of the tables and was forgotten.
    fn forgotten_global(&mut self, offset: u64, module: Option<String>, name: Option<String>) {
        let [module, name] = [module, name].map(|part| part.unwrap_or_else(|| "?".to_owned()));
        let global = Global::new(&module, &name);
        let level = if global.is_high() { Level::High } else { Level::Medium };
        self.scan.findings.add(level, "pickle-global", &global.path(), Place::Offset(offset));
    }

    /// Records an import and pushes it.
    fn import(&mut self, offset: u64, module: &str, name: &str) -> Result<(), Halt> {
        let global = Global::new(module, name);
        if let Some(level) = global.level(self.scan.rules) {
            self.has_imported = true;
            self.scan.findings.add(level, "pickle-global", &global.path(), Place::Offset(offset));
        }
        self.machine.push(match global {
            _ if global.is_array_wrapper() => Value::WrapperClass,
            _ if global.is_loader() => Value::Loader,
            _ if global.is_encoder() => Value::Encoder,
            _ => Value::Unknown,
        })
    }

    /// Records that torch may load a file that was not scanned.
    fn lost_loader(&mut self, offset: u64) {
        let path = "torch.storage._load_from_bytes";
        self.scan.findings.add(Level::High, "pickle-global", path, Place::Offset(offset));
    }

    fn computed_global(&mut self, offset: u64) {
        let detail = "the name of the import is computed";
        self.scan.findings.add(Level::High, "pickle-computed-global", detail, Place::Offset(offset));
    }

    fn extension(&mut self, offset: u64, width: u64) -> Result<(), Halt> {
        let number = self.bytes.number(width)?;
        let detail = format!("extension {number}");
        self.scan.findings.add(Level::Medium, "pickle-extension", &detail, Place::Offset(offset));
        self.machine.push(Value::Unknown)
    }

    fn call(&mut self, count: usize) -> Result<(), Halt> {
        if count == 2 {
            self.machine.call()?;
            self.has_called |= self.has_imported;
            return Ok(());
        }
        let called = self.machine.pop_many(count)?;
        self.has_called |= self.has_imported;
        self.machine.push(result_of(called))
    }

    fn build(&mut self) -> Result<(), Halt> {
        self.machine.pop()?;
        if self.machine.top()? == Value::Wrapper {
            self.raw.get_or_insert(self.bytes.position());
        }
        Ok(())
    }
}

/// Returns true if the text consists of identifiers with dots between them.
fn looks_like_a_path(text: &str) -> bool {
    is_name(text) && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '<' | '>'))
}
