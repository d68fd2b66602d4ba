//! The structure of masked code: logical lines, and parts between signs outside of brackets.

/// The text without what is in the brackets after a name.
pub(super) fn without_subscripts(text: &str) -> String {
    let (mut result, mut depth, mut before) = (String::new(), 0_usize, ' ');
    for sign in text.chars() {
        match sign {
            '[' | '(' if depth > 0 || before.is_alphanumeric() || matches!(before, '_' | ']' | ')') => depth += 1,
            ']' | ')' if depth > 0 => depth -= 1,
            sign if depth == 0 => result.push(sign),
            _ => {}
        }
        before = sign;
    }
    result
}

/// The parts of an assignment `a = b = value`, of which the last one is the value.
pub(super) fn assignment_sides(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let (mut sides, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, sign) in bytes.iter().enumerate() {
        match sign {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'=' if depth == 0 => {
                let before = at.checked_sub(1).map_or(b' ', |before| bytes[before]);
                let before_that = at.checked_sub(2).map_or(b' ', |before| bytes[before]);
                let is_shift = matches!((before_that, before), (b'<', b'<') | (b'>', b'>'));
                let is_compared = matches!(before, b'=' | b'!' | b':') || matches!(before, b'<' | b'>') && !is_shift;
                if !is_compared && bytes.get(at + 1) != Some(&b'=') {
                    sides.push(&text[start..at]);
                    start = at + 1;
                }
            }
            _ => {}
        }
    }
    sides.push(&text[start..]);
    sides
}

/// Splits masked code at a sign outside of brackets.
pub(super) fn parts(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut depth, mut start, mut parts) = (0_usize, 0, Vec::new());
    for (at, sign) in text.char_indices() {
        match sign {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            sign if sign == separator && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + sign.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter()
}

/// The logical lines of masked code; those without code are left out. Line feeds within one become spaces.
pub(super) fn logical_lines(masked: &str) -> Vec<String> {
    let (mut lines, mut depth, mut current) = (Vec::new(), 0_usize, String::new());
    let mut quotes = 0_usize;
    for line in masked.split_inclusive('\n') {
        for sign in line.chars() {
            match sign {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        quotes += line.matches("\"\"\"").count() + line.matches("'''").count();
        let text = line.trim_end();
        let is_joined = text.ends_with('\\');
        current.push_str(text.trim_end_matches('\\'));
        if depth > 0 || is_joined || quotes % 2 == 1 {
            current.push(' ');
        } else if !current.trim().is_empty() {
            lines.push(std::mem::take(&mut current));
        } else {
            current.clear();
        }
    }
    if !current.trim().is_empty() {
        lines.push(current);
    }
    lines
}
