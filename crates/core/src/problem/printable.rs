//! Untrusted text in sentences: characters and words that a terminal or a log would obey are made visible.

use std::borrow::Cow;

/// Returns true for characters that have no shape of their own but change the text around them: controls, line
/// separators, bidirectional and zero-width characters, and tags (Unicode 16, categories Cc, Cf, Zl and Zp).
pub fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The words that begin a command in the log of a CI system: Azure Pipelines, and the old form of GitHub Actions. They
/// count anywhere in a line.
const LOG_COMMANDS: [&str; 2] = ["##[", "##vso["];

/// Escapes everything in untrusted `text` that a terminal or the log of a CI system would obey, so that it stays on
/// one line and is shown as it is.
///
/// The present command form of GitHub Actions, `::name::`, counts only at the beginning of a line.
pub fn printable(text: &str) -> Cow<'_, str> {
    let begins_command = text.trim_start().starts_with("::");
    let has_command = LOG_COMMANDS.iter().any(|command| text.contains(command));
    if !begins_command && !has_command && !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_hidden(letter) { clean.extend(letter.escape_default()) } else { clean.push(letter) }
    }
    for command in LOG_COMMANDS {
        clean = clean.replace(command, &format!("\\u{{23}}{}", &command[1..]));
    }
    if begins_command { Cow::Owned(clean.replacen("::", "\\u{3a}:", 1)) } else { Cow::Owned(clean) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_obeyed() {
        for (text, expected) in [
            ("plain – ü😀 数据 a::b", "plain – ü😀 数据 a::b"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("a\rb\tc\u{9b}\u{7f}", "a\\rb\\tc\\u{9b}\\u{7f}"),
            ("x\n::error::forged", "x\\n::error::forged"),
            ("::error::forged", "\\u{3a}:error::forged"),
            ("  ::error::forged", "  \\u{3a}:error::forged"),
            ("\n::error::forged", "\\n\\u{3a}:error::forged"),
            ("a ##[error]b", "a \\u{23}#[error]b"),
            ("##vso[task.setvariable variable=x]y", "\\u{23}#vso[task.setvariable variable=x]y"),
            ("###[x]", "#\\u{23}#[x]"),
            ("a\u{202e}b\u{2066}c\u{200b}d\u{2028}e\u{feff}", "a\\u{202e}b\\u{2066}c\\u{200b}d\\u{2028}e\\u{feff}"),
        ] {
            assert_eq!(printable(text), expected);
            assert_eq!(printable(expected), expected, "escaping again changes nothing");
        }
    }
}
