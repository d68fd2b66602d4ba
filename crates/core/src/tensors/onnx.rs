//! The files beside an ONNX model that contain its weights: external data, as named by the model
//! (onnx.ai/onnx/repo-docs/ExternalData.html).

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use crate::limits;

/// The messages of `onnx.proto` that contain tensors, directly or inside another message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Sparse,
    Function,
    Tensor,
    Entry,
}

/// `(message, field number, message in that field)` (onnx/onnx.proto, IR version 10).
const FIELDS: [(Message, u64, Message); 17] = [
    (Message::Model, 7, Message::Graph),
    (Message::Model, 25, Message::Function),
    (Message::Graph, 1, Message::Node),
    (Message::Graph, 5, Message::Tensor),
    (Message::Graph, 15, Message::Sparse),
    (Message::Node, 5, Message::Attribute),
    (Message::Attribute, 5, Message::Tensor),
    (Message::Attribute, 6, Message::Graph),
    (Message::Attribute, 10, Message::Tensor),
    (Message::Attribute, 11, Message::Graph),
    (Message::Attribute, 22, Message::Sparse),
    (Message::Attribute, 23, Message::Sparse),
    (Message::Sparse, 1, Message::Tensor),
    (Message::Sparse, 2, Message::Tensor),
    (Message::Function, 7, Message::Node),
    (Message::Function, 11, Message::Attribute),
    (Message::Tensor, 13, Message::Entry),
];

/// Returns the locations of external data in the ONNX model in `reader`, which has `size` bytes. They are relative to
/// the folder of the model, and are not checked.
///
/// Weights inside the model are skipped, not read. A file that is not a Protocol Buffers message is an error of the
/// kind `InvalidData`.
pub fn onnx_external_files(reader: &mut (impl Read + Seek), size: u64) -> io::Result<BTreeSet<String>> {
    let mut wire = Wire { reader, position: 0 };
    let mut files = BTreeSet::new();
    // The open messages, each with its end.
    let mut open = vec![(Message::Model, size)];
    while let Some(&(message, end)) = open.last() {
        if wire.position == end {
            open.pop();
            continue;
        }
        let Some((field, length)) = wire.field(end)? else { continue };
        let inner = FIELDS.iter().find(|(outer, number, _)| (*outer, *number) == (message, field));
        match inner.map(|(.., inner)| *inner) {
            Some(Message::Entry) => files.extend(location(&wire.bytes(length)?)?),
            Some(inner) if open.len() < limits::ONNX_DEPTH => open.push((inner, wire.position + length)),
            Some(_) => return Err(invalid()),
            None => wire.skip(length)?,
        }
        if files.len() > limits::ONNX_EXTERNAL_FILES {
            return Err(invalid());
        }
    }
    Ok(files)
}

/// Returns the value of a `StringStringEntryProto` with the key `location`.
fn location(entry: &[u8]) -> io::Result<Option<String>> {
    let mut wire = Wire { reader: &mut io::Cursor::new(entry), position: 0 };
    let (mut key, mut value) = (Vec::new(), Vec::new());
    while wire.position < entry.len() as u64 {
        match wire.field(entry.len() as u64)? {
            Some((1, length)) => key = wire.bytes(length)?,
            Some((2, length)) => value = wire.bytes(length)?,
            Some((_, length)) => wire.skip(length)?,
            None => {}
        }
    }
    Ok((key == b"location").then(|| String::from_utf8(value).ok()).flatten())
}

/// A reader of the encoding of Protocol Buffers (protobuf.dev/programming-guides/encoding).
struct Wire<'a, R> {
    reader: &'a mut R,
    position: u64,
}

impl<R: Read + Seek> Wire<'_, R> {
    /// Reads the tag of a field inside a message that ends at `end`. Returns its number and the length of its content,
    /// or skips it and returns `None` if it is a number.
    fn field(&mut self, end: u64) -> io::Result<Option<(u64, u64)>> {
        let tag = self.varint()?;
        let length = match tag & 7 {
            0 => {
                self.varint()?;
                None
            }
            1 => Some(8),
            2 => Some(self.varint()?),
            5 => Some(4),
            _ => return Err(invalid()),
        };
        if self.position.checked_add(length.unwrap_or_default()).is_none_or(|after| after > end) {
            return Err(invalid());
        }
        match length {
            Some(length) if tag & 7 == 2 => Ok(Some((tag >> 3, length))),
            length => self.skip(length.unwrap_or_default()).map(|()| None),
        }
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.reader.read_exact(&mut byte).map_err(truncated)?;
            self.position += 1;
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return Ok(value);
            }
        }
        Err(invalid())
    }

    /// Reads a short text.
    fn bytes(&mut self, length: u64) -> io::Result<Vec<u8>> {
        if length > limits::ONNX_ENTRY_BYTES {
            return Err(invalid());
        }
        let mut bytes = Vec::new();
        self.reader.by_ref().take(length).read_to_end(&mut bytes)?;
        self.position += length;
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(invalid()) }
    }

    fn skip(&mut self, length: u64) -> io::Result<()> {
        self.position += length;
        self.reader.seek(SeekFrom::Start(self.position)).map(drop).map_err(truncated)
    }
}

/// The file ended inside a message, so it is not valid.
fn truncated(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::UnexpectedEof { invalid() } else { error }
}

fn invalid() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "not a valid ONNX model")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of fewer than 16 KiB.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let (low, high) = (content.len() & 0x7f, content.len() >> 7);
        let length = [u8::try_from(low).unwrap() | 0x80, u8::try_from(high).unwrap()];
        [&[number << 3 | 2], &length[..], content].concat()
    }

    fn files(model: &[u8]) -> io::Result<Vec<String>> {
        onnx_external_files(&mut io::Cursor::new(model), model.len() as u64).map(|files| files.into_iter().collect())
    }

    fn tensor(file: &str) -> Vec<u8> {
        let entry = [field(1, b"location"), field(2, file.as_bytes())].concat();
        let other = [field(1, b"offset"), field(2, b"4096")].concat();
        [field(8, b"w"), field(9, &[0xff; 9]), field(13, &other), field(13, &entry)].concat()
    }

    #[test]
    fn external_files_of_the_graph_and_of_inner_graphs_are_found() {
        let node = field(5, &field(6, &field(5, &tensor("inner/b"))));
        let graph = [field(5, &tensor("a.data")), field(5, &tensor("a.data")), field(1, &node)].concat();
        // An integer, a 64-bit and a 32-bit number come before the graph.
        let numbers = [8, 0x80, 1, 17, 1, 2, 3, 4, 5, 6, 7, 8, 21, 1, 2, 3, 4];
        let model = [&numbers[..], &field(7, &graph)].concat();
        assert_eq!(files(&model).unwrap(), ["a.data", "inner/b"]);
        assert_eq!(files(&[]).unwrap(), [""; 0]);
    }

    #[test]
    fn damaged_models_are_refused() {
        let whole = field(7, &field(5, &tensor("a")));
        for bytes in [&whole[..whole.len() - 1], b"\x3a\x7f", b"\x3b\x00", b"\xff", &[0xff; 11]] {
            assert_eq!(files(bytes).unwrap_err().kind(), ErrorKind::InvalidData, "{bytes:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_files_or_an_error(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            drop(files(&bytes));
            drop(files(&[&field(7, &field(5, &tensor("a")))[..], &bytes].concat()));
        }
    }
}
