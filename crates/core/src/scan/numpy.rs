//! NumPy arrays: the header, and the pickle of arrays of objects.

use std::io;

use super::finding::Level;
use super::member::Member;
use super::pickle::scan_pickles;
use super::python_literal::{Literal, parse};
use super::scanner::{Outcome, Scan};
use super::window::Window;
use crate::limits;

/// The first bytes of every file.
const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The keys of the header.
const KEYS: [&str; 3] = ["descr", "fortran_order", "shape"];

/// Scans an array. One whose header is not valid may have other formats.
pub(super) fn recognise(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<Outcome> {
    if !member.head()?.starts_with(MAGIC) {
        return Ok(Outcome::Open);
    }
    let Some((text, start)) = header(member)? else {
        scan.findings.add(Level::Medium, "numpy-broken", "the header is missing or too long", None);
        return Ok(Outcome::Open);
    };
    let Some(element) = parse(&text).as_ref().and_then(element).cloned() else {
        let detail = "the header is not a dictionary of an element type, an order and a shape";
        scan.findings.add(Level::Medium, "numpy-broken", detail, None);
        return Ok(Outcome::Open);
    };
    if has_objects(&element) {
        scan.findings.add(Level::Medium, "numpy-object", "the array consists of objects", None);
        let size = member.size.saturating_sub(start);
        let mut rest = Window::new(member.reader, start, size, scan.budget.clone());
        scan_pickles(&mut rest, size, member.name, scan)?;
    }
    Ok(Outcome::Whole)
}

/// Returns the text of the header, and the offset of the elements.
fn header(member: &mut Member<'_>) -> io::Result<Option<(String, u64)>> {
    let (start, length) = match *member.head()? {
        [_, _, _, _, _, _, 1, _, low, high, ..] => (10, u64::from(u16::from_le_bytes([low, high]))),
        [_, _, _, _, _, _, 2 | 3, _, a, b, c, d, ..] => (12, u64::from(u32::from_le_bytes([a, b, c, d]))),
        _ => return Ok(None),
    };
    if length > limits::NUMPY_HEADER_BYTES {
        return Ok(None);
    }
    let bytes = member.bytes(start, length)?;
    // Versions before 3 use latin-1, of which names of fields may have other characters.
    let is_whole = bytes.len() as u64 == length;
    Ok(is_whole.then(|| (String::from_utf8_lossy(&bytes).into_owned(), start + length)))
}

/// Returns the type of the elements in a valid header.
fn element(header: &Literal) -> Option<&Literal> {
    let Literal::Dictionary(entries) = header else { return None };
    let value = |key: &str| {
        let mut values = entries.iter().filter(|(name, _)| matches!(name, Literal::Text(name) if name == key));
        // Python keeps the last value of a key.
        values.next_back().map(|(_, value)| value)
    };
    let [element, order, shape] = KEYS.map(value);
    let is_known = entries.iter().all(|(key, _)| matches!(key, Literal::Text(key) if KEYS.contains(&&**key)));
    let is_size = |size: &Literal| matches!(size, Literal::Number);
    let is_shape = matches!(shape?, Literal::List(sizes) if sizes.iter().all(is_size));
    element.filter(|_| is_known && is_shape && matches!(order, Some(Literal::Boolean)))
}

/// Returns true if a type has an object: `O`, or a list of fields with one.
fn has_objects(element: &Literal) -> bool {
    match element {
        Literal::Text(text) => text.contains('O') || text.contains("object"),
        // A field has a name, a type and perhaps a shape.
        Literal::List(parts) => parts.iter().any(|part| match part {
            Literal::List(field) => {
                field.iter().skip(1).any(has_objects) || field.first().is_some_and(is_list_with_objects)
            }
            part => has_objects(part),
        }),
        Literal::Dictionary(entries) => entries.iter().any(|(_, value)| has_objects(value)),
        Literal::Number | Literal::Boolean => false,
    }
}

/// Returns true for the type of a type with a shape. The name of a field is not one.
fn is_list_with_objects(part: &Literal) -> bool {
    matches!(part, Literal::List(_)) && has_objects(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_in_types_with_fields() {
        for (text, expected) in [
            ("'|O'", true),
            ("'<f4'", false),
            ("'i4,O8'", true),
            ("[('O', '<f4'), ('b', '<i8', (2,))]", false),
            ("[('a', '<f4'), ('b', '|O')]", true),
            ("[('a', [('b', 'O')])]", true),
            ("([('a', 'O')], (2,))", true),
        ] {
            assert_eq!(has_objects(&parse(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn a_header_has_exactly_three_keys() {
        for (text, is_valid) in [
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }  \n", true),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", true),
            ("{'descr': '<f4', 'fortran_order': False}", false),
            ("{'descr': '<f4', 'fortran_order': 0, 'shape': ()}", false),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (), 'x': 1}", false),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': ('a',)}", false),
        ] {
            assert_eq!(parse(text).as_ref().and_then(element).is_some(), is_valid, "{text}");
        }
    }
}
