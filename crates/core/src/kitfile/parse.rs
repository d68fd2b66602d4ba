//! Reading a Kitfile as users write it: YAML, of which JSON is a subset.

use std::collections::HashMap;
use std::rc::Rc;

use super::decode::Decoder;
use super::document::{FILE_NAMES, Kitfile};
use super::validate::validate;
use crate::limits;
use crate::problem::{Invalid, Mark, Position, Problem, Source};
use crate::yaml::{Node, compose, is_null, without_mark};

/// The maximum number of problems that get a line and column. Finding positions in a single line of one mebibyte takes
/// time.
const PLACED: usize = 200;

/// Reads and validates a Kitfile; the error contains all its problems.
///
/// Accepts everything that KitOps accepts (its YAML rules for scalars, a byte order mark, anchors and merges), except
/// for a second document, which KitOps silently skips. Any text gives a Kitfile or an error, in bounded time.
pub fn parse(text: &str) -> Result<Kitfile, Invalid> {
    parse_with_places(text).map(|(kitfile, _)| kitfile)
}

/// The positions of the fields of a Kitfile in its text.
#[derive(Debug, Clone)]
pub struct FieldPlaces {
    text: String,
    marks: HashMap<String, Mark>,
}

impl FieldPlaces {
    /// The position of a field such as `datasets[0].path`, or of its nearest parent in the text.
    pub fn position(&self, field: &str) -> Option<Position> {
        place_of(field, &self.marks).map(|mark| Source::new(&self.text).position(mark))
    }

    /// The byte range of a field that is in the text itself, counted from after the byte order mark.
    pub(super) fn mark(&self, field: &str) -> Option<Mark> {
        self.marks.get(field).copied()
    }
}

/// Parses like [`parse`], and returns the positions of the fields as well.
pub fn parse_with_places(text: &str) -> Result<(Kitfile, FieldPlaces), Invalid> {
    if text.len() as u64 > limits::KITFILE_BYTES {
        let message = format!("the file has {} bytes, but a Kitfile has at most {}", text.len(), limits::KITFILE_BYTES);
        return Err(Invalid::new(FILE_NAMES[0], vec![Problem::of("", message)]));
    }
    let text = without_mark(text);
    let source = Source::new(text);
    let root = root_of(text, &source).map_err(|problem| Invalid::new(FILE_NAMES[0], vec![problem]))?;
    let mut decoder = Decoder::default();
    let kitfile = decoder.kitfile(&root);
    let mut found: Vec<(Option<Mark>, Problem)> = validate(&kitfile)
        .into_iter()
        .map(|problem| (place_of(&problem.field, &decoder.places), problem))
        .chain(decoder.reader.problems.iter().map(|(mark, message)| (Some(*mark), Problem::of("", message.clone()))))
        .collect();
    if found.is_empty() {
        return Ok((kitfile, FieldPlaces { text: text.to_owned(), marks: decoder.places }));
    }
    found.sort_by_key(|(mark, _)| mark.map(|mark| mark.start));
    found.dedup();
    for (mark, problem) in found.iter_mut().take(PLACED) {
        problem.position = mark.map(|mark| source.position(mark));
    }
    Err(Invalid::new(FILE_NAMES[0], found.into_iter().map(|(_, problem)| problem).collect()))
}

fn root_of(text: &str, source: &Source<'_>) -> Result<Rc<Node>, Problem> {
    match compose(text) {
        Ok(Some(root)) if !is_null(&root) => Ok(root),
        Ok(_) => {
            let message = "the file is empty; it needs at least `manifestVersion: 1.0.0`".to_owned();
            Err(Problem::of("", message))
        }
        Err(error) => {
            let position = Some(source.position(error.mark));
            Err(Problem { position, ..Problem::of("", error.message) })
        }
    }
}

/// The byte range of a field, or of its nearest parent in the text.
fn place_of(field: &str, places: &HashMap<String, Mark>) -> Option<Mark> {
    let around = field.rfind(['.', '[']).map(|end| &field[..end]);
    places.get(field).copied().or_else(|| place_of(around?, places))
}

#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::kitfile::write::to_yaml;

    fn check(text: &str, yaml: &str) {
        match parse(text) {
            Ok(kitfile) => assert_eq!(to_yaml(&kitfile), yaml, "{text}"),
            Err(error) => panic!("{text}\n{error}"),
        }
    }

    fn check_error(text: &str, expected: &Expect) {
        expected.assert_eq(&parse(text).unwrap_err().to_string());
    }

    fn concat(numbers: std::ops::Range<usize>, piece: impl Fn(usize) -> String) -> String {
        numbers.map(piece).collect::<Vec<_>>().concat()
    }

    #[test]
    fn kitops_kitfiles_are_accepted() {
        let v = "manifestVersion: 1.0.0\n";
        for (text, yaml) in [
            ("manifestVersion: 1.0.0", v),
            ("\u{feff}manifestVersion: 1.0.0\r\n", v),
            ("# head\n---\nmanifestVersion: 1.0.0\n...\n", v),
            (r#"{"manifestVersion": "1.0.0", "model": {"path": "a/b\u00e9"}}"#, &format!("{v}model:\n  path: a/bé\n")),
            (
                "manifestVersion: 1.0.0\nmodel:\ncode: ~\npackage:\n  authors: [~, A]\n",
                &format!("{v}package:\n  authors: [A]\n"),
            ),
            (
                "manifestVersion: 1.0.0\npackage: {name: true, version: 1.20, license: 0x1F, description: 2024-01-01}",
                &format!(
                    "{v}package:\n  name: \"true\"\n  version: \"1.20\"\n  description: \"2024-01-01\"\n  \
                                         license: \"0x1F\"\n"
                ),
            ),
            (
                "manifestVersion: 1.0.0\ncode: [&c {path: a, license: MIT}, {<<: *c, path: b}, null]",
                &format!("{v}code:\n  - path: a\n    license: MIT\n  - path: b\n    license: MIT\n"),
            ),
            (
                "manifestVersion: 1.0.0\nmodel: {path: !!binary bW9kZWw=, parameters: ~}",
                &format!("{v}model:\n  path: model\n"),
            ),
            ("manifestVersion: 1.0.0\nmodel: {parameters: {}}", &format!("{v}model:\n  parameters: {{}}\n")),
        ] {
            check(text, yaml);
        }
    }

    #[test]
    fn integers_stay_integers() {
        for number in ["1000000", "12345678901234567890", "-9007199254740993", "0", "100000000000000000000"] {
            let yaml = format!("manifestVersion: 1.0.0\nmodel:\n  parameters:\n    x: {number}\n");
            check(&yaml, &yaml);
        }
        check(
            "model: {parameters: [1e6, 0.1e-5, 1.0, -0.0]}",
            "manifestVersion: \"\"\nmodel:\n  parameters:\n    - 1000000\n    - 1e-06\n    - 1\n    - -0.0\n",
        );
    }

    #[test]
    fn all_problems_are_shown_with_their_places() {
        let text = "manifestVersion: 1.0.0\npackage:\n  name: [a]\n\nmodel:\n  path: net.bin\n    \n  \
                    frameworks: pytorch\n  parts:\n    - type: a b\n      path: /etc\ndatasets:\n  - path: data\n  \
                    - path: ./data\n    parameters: {1: a, b: .inf}\n  - path: ../up\n  - path: https://example.com/x\n\
                    doc: x\ncode: src\npackage: {}\n";
        check_error(
            text,
            &expect![[r#"
            Kitfile is not valid
              Kitfile:3:9: `name` must be a string, not a list
                3 |   name: [a]
                  |         ^
              Kitfile:8:3: unknown field `frameworks` in `model`; did you mean `framework`?
                8 |   frameworks: pytorch
                  |   ^^^^^^^^^^
              Kitfile:10:13: `a b` is not a valid part type: use letters, digits, `_`, `.` and `-`, not beginning with `.` or `-`
                10 |     - type: a b
                   |             ^^^
              Kitfile:11:13: absolute paths are not supported in a Kitfile (path `/etc` in model.parts[0])
                11 |       path: /etc
                   |             ^^^^
              Kitfile:14:11: `data` and `./data` are the same path (datasets[0], datasets[1])
                14 |   - path: ./data
                   |           ^^^^^^
              Kitfile:15:18: the key `1` must be a string: put it in quotes
                15 |     parameters: {1: a, b: .inf}
                   |                  ^
              Kitfile:15:27: `.inf` cannot be represented in JSON
                15 |     parameters: {1: a, b: .inf}
                   |                           ^^^^
              Kitfile:16:11: the path `../up` leads outside the folder of the Kitfile (datasets[2])
                16 |   - path: ../up
                   |           ^^^^^
              Kitfile:17:11: HTTP urls are not supported in paths (https://example.com/x)
                17 |   - path: https://example.com/x
                   |           ^^^^^^^^^^^^^^^^^^^^^
              Kitfile:18:1: unknown field `doc`; did you mean `docs`?
                18 | doc: x
                   | ^^^
              Kitfile:19:7: `code` must be a list, not a string
                19 | code: src
                   |       ^^^
              Kitfile:20:1: the key `package` appears twice
                20 | package: {}
                   | ^^^^^^^"#]],
        );
    }

    #[test]
    fn a_document_that_is_not_a_kitfile_is_reported_clearly() {
        check_error(
            "",
            &expect![[r#"
            Kitfile is not valid
              Kitfile: the file is empty; it needs at least `manifestVersion: 1.0.0`"#]],
        );
        check_error(
            "# nothing\n---\n",
            &expect![[r#"
                Kitfile is not valid
                  Kitfile: the file is empty; it needs at least `manifestVersion: 1.0.0`"#]],
        );
        check_error(
            "hello",
            &expect![[r#"
            Kitfile is not valid
              Kitfile:1:1: a Kitfile must be a mapping of fields, not a string
                1 | hello
                  | ^^^^^"#]],
        );
        for end in ["---\n", "---\n# a comment\n", "...\n---\n", "--- ~\n", "...\n"] {
            let text = format!("package: {{name: x}}\n{end}");
            assert_eq!(parse(&text).unwrap().package.name, "x", "{end}");
        }
        check_error(
            "a: b\n---\nc: d\n",
            &expect![[r#"
            Kitfile is not valid
              Kitfile:2:1: a Kitfile is a single YAML document, but a second one begins here
                2 | ---
                  | ^^^"#]],
        );
        check_error(
            "package:\n\tname: x\n",
            &expect![[r#"
            Kitfile is not valid
              Kitfile:2:2: tabs disallowed within this context (block indentation)
                2 |  name: x
                  |  ^"#]],
        );
        check_error(
            "model: {path: [}",
            &expect![[r#"
            Kitfile is not valid
              Kitfile:1:15: mismatched bracket '[' closed by '}'
                1 | model: {path: [}
                  |               ^"#]],
        );
        check_error(
            "model: &a {parameters: *a}",
            &expect![[r#"
            Kitfile is not valid
              Kitfile:1:24: this alias is inside the value that it refers to
                1 | model: &a {parameters: *a}
                  |                        ^^"#]],
        );
        check_error(
            "model: *a",
            &expect![[r#"
            Kitfile is not valid
              Kitfile:1:8: while parsing node, found unknown anchor
                1 | model: *a
                  |        ^"#]],
        );
        check_error(
            "? [a]\n: b\n",
            &expect![[r#"
            Kitfile is not valid
              Kitfile:1:3: a key must be a string, not a list
                1 | ? [a]
                  |   ^"#]],
        );
        check_error(
            "model: {digest: sha256:1, path: !!int x}",
            &expect![[r#"
            Kitfile is not valid
              Kitfile:1:9: unknown field `digest` in `model`
                1 | model: {digest: sha256:1, path: !!int x}
                  |         ^^^^^^
              Kitfile:1:39: the value does not match its tag `!!int`
                1 | model: {digest: sha256:1, path: !!int x}
                  |                                       ^"#]],
        );
    }

    #[test]
    fn the_name_of_the_file_is_the_callers() {
        let error = parse("x: 1").unwrap_err().in_file("dir/Kitfile.prod");
        assert!(
            error.to_string().starts_with("dir/Kitfile.prod is not valid\n  dir/Kitfile.prod:1:1: unknown field `x`")
        );
    }

    #[test]
    fn long_lines_and_strange_signs_are_tamed() {
        let wide =
            format!("{{\"a\u{202e}\tb\": \"{}\", \"modle\": {{}}, \"z\": \"{}\"}}", "漢".repeat(200), "y".repeat(300));
        check_error(
            &wide,
            &expect![[r#"
                Kitfile is not valid
                  Kitfile:1:2: unknown field `a  b`
                    1 | {"a  b": "漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢…
                      |  ^^^^^^
                  Kitfile:1:214: unknown field `modle`; did you mean `model`?
                    1 | …漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢", "modle": {}, "z": "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy…
                      |                                                                                 ^^^^^^^
                  Kitfile:1:227: unknown field `z`
                    1 | …漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢", "modle": {}, "z": "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy…
                      |                                                                    ^^^"#]],
        );
    }

    #[test]
    fn bombs_are_refused_soon() {
        let laughs = concat(1..40, |level| format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1));
        let bombs = [
            format!("a0: &a0 [x]\n{laughs}"),
            format!("a: &a [{}]\nb: [{}]\n", "x".repeat(9000), "*a, ".repeat(9000)),
            "[".repeat(100_000),
            "{a: ".repeat(100_000),
            "- ".repeat(100_000),
            concat(0..500, |depth| format!("{}a:\n", " ".repeat(depth))),
            format!("model: {{parameters: {}{}}}", "[".repeat(150), "]".repeat(150)),
            "x".repeat(usize::try_from(limits::KITFILE_BYTES).unwrap() + 1),
        ];
        for bomb in bombs {
            assert_eq!(parse(&bomb).unwrap_err().problems().len(), 1, "{bomb:.80}");
        }
    }

    #[test]
    fn a_problem_in_every_line_is_cut_short() {
        let text = concat(0..9999, |line| format!("x{line}: 1\n"));
        let error = parse(&text).unwrap_err();
        assert_eq!(error.problems().len(), 9999);
        assert!(error.to_string().ends_with("and 9949 more"));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text: String) {
            drop(parse(&text).map_err(|error| error.to_string()));
        }

        #[test]
        fn text_of_yaml_signs_never_panics(
            text in "([-:?\\[\\]{},&*!|>'\"%@#\n\t ]|<<|a|é|model: |path: |\n  |&a |\\*a|!!binary |\r|\u{85}){0,40}",
        ) {
            drop(parse(&text).map_err(|error| error.to_string()));
        }
    }
}
