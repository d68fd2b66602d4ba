//! Tables with headings and columns as wide as their content.

use std::borrow::Cow;
use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::text::one_line;

/// Spaces between columns (as in `KitOps`).
const GAP: usize = 3;

/// Renders `rows` under `headings`, left-aligned and without trailing spaces.
pub(crate) fn render<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut text = Vec::new();
    write(&mut text, headings, rows.iter().map(|row| row.each_ref().map(|cell| Cow::Borrowed(cell.as_str()))))
        .expect("writing to a vector does not fail");
    String::from_utf8(text).expect("the cells are UTF-8")
}

/// Writes `rows` under `headings` like [`render`]. Iterates twice, first for the widths of the columns, so that the
/// rows of a long table need not be in memory.
///
/// Cells contain untrusted text: line breaks and control characters are escaped, so each row is one line.
pub(crate) fn write<'a, const N: usize>(
    out: &mut dyn Write,
    headings: [&str; N],
    rows: impl Iterator<Item = [Cow<'a, str>; N]> + Clone,
) -> io::Result<()> {
    let mut widths = headings.map(UnicodeWidthStr::width);
    for row in rows.clone() {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = one_line(&cell).width().max(*width);
        }
    }
    write_line(out, &headings.map(Cow::Borrowed), &widths)?;
    rows.into_iter().try_for_each(|row| write_line(out, &row.map(|cell| Cow::Owned(one_line(&cell))), &widths))
}

fn write_line<const N: usize>(out: &mut dyn Write, cells: &[Cow<'_, str>; N], widths: &[usize]) -> io::Result<()> {
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        text.push_str(cell);
        text.extend(std::iter::repeat_n(' ', width + GAP - cell.width()));
    }
    writeln!(out, "{}", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["é".to_owned(), "2".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(render(["A", "B"], &rows), "A      B\né      2\nlong\n");
        assert_eq!(render(["A", "B"], &[]), "A   B\n");
        assert_eq!(render(["A"], &[["one\ntwo\u{1b}[31m".to_owned()]]), "A\none\\ntwo\\u{1b}[31m\n");
    }
}
