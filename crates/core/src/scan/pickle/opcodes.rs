//! The opcodes of protocols 0 to 5, with the forms of their arguments and their effects on the stack as in Python's
//! `pickletools`.

/// The argument and the effect of an opcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    /// Skips so many bytes: a protocol or a length of a frame, which unpicklers ignore.
    Ignore(u64),
    /// Skips so many bytes and pushes a value that is not a literal.
    Push(u64),
    /// Skips a line and pushes a value that is not a literal.
    PushLine,
    /// Skips a number after its length, which has so many bytes, and pushes it.
    PushNumber(u64),
    /// Pushes bytes after their length, which has so many bytes.
    Bytes(u64),
    /// Pushes text after its length, which has so many bytes.
    Text(u64),
    /// Pushes a quoted line with the escapes of Python 2.
    QuotedText,
    /// Pushes a line with `\u` escapes.
    UnicodeText,
    /// Pushes the import of two lines.
    Global,
    /// Calls the import of two lines with everything above the mark.
    Instance,
    /// Replaces two values by the import that they name.
    StackGlobal,
    /// Pushes an import by its number, which has so many bytes.
    Extension(u64),
    /// Stores the topmost value under the next number.
    Memoize,
    /// Stores the topmost value under a number.
    Put(Index),
    /// Pushes the value of a number.
    Get(Index),
    /// Replaces so many values by one.
    Replace(usize),
    /// Replaces so many values by a tuple.
    Tuple(usize),
    /// Replaces the mark and everything above by a tuple.
    TupleToMark,
    /// Replaces so many values, of which the lowest is called, by the result.
    Call(usize),
    /// Replaces the mark and everything above, of which the lowest is called, by the result.
    CallAboveMark,
    /// Removes so many values, which become part of the one below.
    Into(usize),
    /// Removes the state of the object below.
    Build,
    /// Replaces the mark and everything above by one value.
    Collect,
    /// Removes the mark and everything above, which become part of the value below.
    Extend,
    /// Pushes a mark.
    Mark,
    /// Removes the topmost value.
    Pop,
    /// Removes the mark and everything above.
    PopMark,
    /// Pushes the topmost value once more.
    Duplicate,
    /// Ends the pickle.
    Stop,
}

/// The form of a number in the memo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Index {
    /// Decimal digits in a line.
    Line,
    /// So many bytes, the lowest first.
    Bytes(u64),
}

/// Returns the opcode of a byte, if there is one.
pub(super) fn opcode(code: u8) -> Option<Opcode> {
    Some(match code {
        0x80 => Opcode::Ignore(1),
        0x95 => Opcode::Ignore(8),
        b'N' | b')' | b']' | b'}' | 0x88 | 0x89 | 0x8f | 0x97 => Opcode::Push(0),
        b'K' => Opcode::Push(1),
        b'M' => Opcode::Push(2),
        b'J' => Opcode::Push(4),
        b'G' => Opcode::Push(8),
        b'I' | b'F' | b'L' | b'P' => Opcode::PushLine,
        0x8a => Opcode::PushNumber(1),
        0x8b => Opcode::PushNumber(4),
        b'C' => Opcode::Bytes(1),
        b'B' => Opcode::Bytes(4),
        0x8e | 0x96 => Opcode::Bytes(8),
        b'U' | 0x8c => Opcode::Text(1),
        b'T' | b'X' => Opcode::Text(4),
        0x8d => Opcode::Text(8),
        b'S' => Opcode::QuotedText,
        b'V' => Opcode::UnicodeText,
        b'c' => Opcode::Global,
        b'i' => Opcode::Instance,
        0x93 => Opcode::StackGlobal,
        0x82 => Opcode::Extension(1),
        0x83 => Opcode::Extension(2),
        0x84 => Opcode::Extension(4),
        0x94 => Opcode::Memoize,
        b'p' => Opcode::Put(Index::Line),
        b'q' => Opcode::Put(Index::Bytes(1)),
        b'r' => Opcode::Put(Index::Bytes(4)),
        b'g' => Opcode::Get(Index::Line),
        b'h' => Opcode::Get(Index::Bytes(1)),
        b'j' => Opcode::Get(Index::Bytes(4)),
        b'Q' | 0x98 => Opcode::Replace(1),
        0x85..=0x87 => Opcode::Tuple(usize::from(code - 0x84)),
        b't' => Opcode::TupleToMark,
        b'R' | 0x81 => Opcode::Call(2),
        0x92 => Opcode::Call(3),
        b'o' => Opcode::CallAboveMark,
        b'a' => Opcode::Into(1),
        b's' => Opcode::Into(2),
        b'b' => Opcode::Build,
        b'l' | b'd' | 0x91 => Opcode::Collect,
        b'e' | b'u' | 0x90 => Opcode::Extend,
        b'(' => Opcode::Mark,
        b'0' => Opcode::Pop,
        b'1' => Opcode::PopMark,
        b'2' => Opcode::Duplicate,
        b'.' => Opcode::Stop,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_68_opcodes() {
        assert_eq!((0..=255).filter(|code| opcode(*code).is_some()).count(), 68);
    }
}
