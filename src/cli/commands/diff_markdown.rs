//! What `kit diff` prints to be pasted into a pull request.

use std::fmt::Write;

use super::diff_table::{concerns, counts, describe, value};
use crate::cli::table::one_line;
use crate::ops::{Difference, FieldDiff, FileDiff};

/// Tables of fields and files below one line that tells whom they concern.
pub(super) fn render(names: (&str, &str), difference: &Difference) -> String {
    let mut text = format!("**{} → {}** · {}\n", code(names.0), code(names.1), concerns(difference));
    if !difference.fields.is_empty() {
        text += "\n| Kitfile | before | after |\n|---|---|---|\n";
        text.extend(difference.fields.iter().map(field_row));
    }
    if !difference.files.is_empty() {
        let counts = counts(&difference.files);
        write!(text, "\n{counts}\n\n| File | change | |\n|---|---|---|\n").expect("writing to a text does not fail");
        text.extend(difference.files.iter().map(file_row));
    }
    text
}

fn field_row(field: &FieldDiff) -> String {
    let cell = |side: &Option<serde_json::Value>| side.as_ref().map_or_else(String::new, |side| code(&value(side)));
    format!("| {} | {} | {} |\n", code(&field.path), cell(&field.before), cell(&field.after))
}

fn file_row(file: &FileDiff) -> String {
    let change = file.change.word();
    format!("| {} | {change} | {} |\n", code(file.path.as_str()), escape(&describe(file).join(", ")))
}

/// What strangers wrote, so that it is shown and makes no markup.
fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", escape(text)) }
}

fn escape(text: &str) -> String {
    one_line(text).replace('`', "'").replace('|', "\\|")
}
