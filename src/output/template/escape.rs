//! The escaping functions of Go's templates: `html`, `js`, `urlquery`.

use std::fmt::{Result, Write};

pub(super) fn html(out: &mut impl Write, text: &str) -> Result {
    for letter in text.chars() {
        match letter {
            '\0' => out.write_char(char::REPLACEMENT_CHARACTER)?,
            '"' => out.write_str("&#34;")?,
            '\'' => out.write_str("&#39;")?,
            '&' => out.write_str("&amp;")?,
            '<' => out.write_str("&lt;")?,
            '>' => out.write_str("&gt;")?,
            _ => out.write_char(letter)?,
        }
    }
    Ok(())
}

pub(super) fn js(out: &mut impl Write, text: &str) -> Result {
    for letter in text.chars() {
        match letter {
            '\\' | '\'' | '"' => write!(out, "\\{letter}")?,
            '<' | '>' | '&' | '=' => write!(out, "\\u{:04X}", u32::from(letter))?,
            _ if letter.is_control() => write!(out, "\\u{:04X}", u32::from(letter))?,
            _ => out.write_char(letter)?,
        }
    }
    Ok(())
}

pub(super) fn urlquery(out: &mut impl Write, text: &str) -> Result {
    for byte in text.bytes() {
        match byte {
            b' ' => out.write_char('+')?,
            b'-' | b'_' | b'.' | b'~' => out.write_char(char::from(byte))?,
            _ if byte.is_ascii_alphanumeric() => out.write_char(char::from(byte))?,
            _ => write!(out, "%{byte:02X}")?,
        }
    }
    Ok(())
}
