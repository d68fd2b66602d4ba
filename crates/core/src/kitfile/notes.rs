//! Comments in a generated Kitfile, for the user who reviews it.

use std::collections::BTreeMap;

use super::document::Kitfile;
use super::parse::{FieldPlaces, parse, parse_with_places};
use super::write::to_yaml;

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The field that the comment is written above, such as `code[0].path`.
    pub field: String,
    /// The text of the comment, shown on one line.
    pub text: String,
}

/// The maximum length of a comment in characters, which keeps comments readable.
const LONGEST: usize = 140;

/// The Kitfile as YAML, with each note above its field, in the given order. Notes never change the meaning of the file.
pub fn to_yaml_with_notes(kitfile: &Kitfile, notes: &[Note]) -> String {
    let yaml = to_yaml(kitfile);
    // The YAML can be parsed, unless a field has a value that a Kitfile must not contain; then it is returned without
    // notes.
    let Ok((_, places)) = parse_with_places(&yaml) else { return yaml };
    let annotated = annotate(&yaml, &places, notes);
    // Inside a multi-line string a comment would become part of the string, so no notes are written in that case.
    if parse(&annotated).as_ref() == Ok(kitfile) { annotated } else { yaml }
}

fn annotate(yaml: &str, places: &FieldPlaces, notes: &[Note]) -> String {
    let mut above: BTreeMap<usize, Vec<&Note>> = BTreeMap::new();
    for note in notes {
        let line = places.position(&note.field).map_or(1, |position| position.line);
        above.entry(line).or_default().push(note);
    }
    let mut annotated = String::new();
    for (line, number) in yaml.split_inclusive('\n').zip(1..) {
        let indent = &line[..line.len() - line.trim_start_matches(' ').len()];
        for note in above.remove(&number).unwrap_or_default() {
            annotated.extend([indent, "# ", &one_line(&note.text), "\n"]);
        }
        annotated.push_str(line);
    }
    annotated
}

/// The text on one line, without characters that could fool a terminal, and limited in length.
fn one_line(text: &str) -> String {
    let is_odd = |sign: char| {
        sign.is_control()
            || matches!(sign, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut line: String = text.chars().map(|sign| if is_odd(sign) { ' ' } else { sign }).collect();
    if let Some((end, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kitfile::samples;

    fn note(field: &str, text: &str) -> Note {
        Note { field: field.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn notes_precede_their_fields() {
        let kitfile =
            parse("manifestVersion: 1.0.0\nmodel: {path: a}\ncode: [{path: b}, {description: c, path: d}]\n").unwrap();
        let notes = [
            note("code[1].path", "one\ntwo"),
            note("code[1].path", &"x".repeat(200)),
            note("model.path", "# three"),
            note("nowhere", "at the top"),
        ];
        let expected = format!(
            "# at the top\nmanifestVersion: 1.0.0\nmodel:\n  # # three\n  path: a\ncode:\n  - path: b\n  # one two\n  \
                     # {}…\n  - path: d\n    description: c\n",
            "x".repeat(LONGEST)
        );
        assert_eq!(to_yaml_with_notes(&kitfile, &notes), expected);
    }

    proptest::proptest! {
        #[test]
        fn notes_do_not_change_a_kitfile(
                    kitfile in samples::kitfile(),
                    text: String,
                    field in "(model|code\\[0\\]|docs\\[1\\]|package)(\\.path|\\.name|)",
                ) {
            let yaml = to_yaml_with_notes(&kitfile, &[Note { field, text }]);
            proptest::prop_assert_eq!(parse(&yaml).map_err(|error| error.to_string()), Ok(kitfile), "{}", yaml);
        }
    }
}
