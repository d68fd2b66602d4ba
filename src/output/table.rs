//! Tables with headings and columns as wide as their content.

use unicode_width::UnicodeWidthStr;

use super::text::one_line;

/// Spaces between columns (as in `KitOps`).
const GAP: usize = 3;

/// Renders `rows` under `headings`, left-aligned and without trailing spaces.
///
/// Cells contain untrusted text: line breaks and control characters are escaped, so each row is one line.
pub(crate) fn render<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<_> = rows.iter().map(|row| row.each_ref().map(|cell| one_line(cell))).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].width());
        cells.chain([headings[column].width()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = line(&headings, &widths);
    for row in &rows {
        text.push_str(&line(&row.each_ref().map(String::as_str), &widths));
    }
    text
}

fn line(cells: &[&str], widths: &[usize]) -> String {
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        text.push_str(cell);
        text.extend(std::iter::repeat_n(' ', width + GAP - cell.width()));
    }
    format!("{}\n", text.trim_end())
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
