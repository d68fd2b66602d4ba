//! The rules for templates. A sandbox stops most of what they could do, if there is one.

use std::io;
use std::sync::LazyLock;

use regex::Regex;

use super::fold::folded;
use crate::limits;
use crate::scan::finding::{Level, Place};
use crate::scan::findings::Findings;
use crate::scan::member::Member;
use crate::scan::scanner::{Outcome, Scan};

/// The rules: what they find is shown, and the first place of each rule counts.
const RULES: [(&str, Level, &str); 3] = [
    ("template-escape", Level::High, ESCAPES),
    ("template-loads", Level::Medium, r"\{%[-+]?\s*(?:include|import|from|extends)\b[^%}]{0,60}"),
    ("template-url", Level::Medium, r#"https?://[^\s"'<>{}\\]*"#),
];

/// Names and attributes that lead from a value to the interpreter, and the escapes that hide the underscore in a
/// string: Jinja decodes them as Python does.
const ESCAPES: &str = concat!(
    r"__[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*__|\\x5[fF]|\\u005[fF]|\\U0000005[fF]|\\137|\\N\{(?i:low line)\}",
    r"|popen|\|\s*attr\s*\(|\.\s*mro\b|subclasses",
);

static PATTERNS: LazyLock<[Regex; RULES.len()]> =
    LazyLock::new(|| RULES.map(|(_, _, pattern)| Regex::new(pattern).expect("the patterns are ours")));

/// Scans `*.jinja` files, by name.
pub(in crate::scan) fn recognise(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<Outcome> {
    if member.has_extension(&["jinja", "jinja2", "j2"]) {
        match member.whole(limits::SCANNED_TEXT_BYTES)? {
            Some(text) => scan_text(None, &String::from_utf8_lossy(&text), &mut scan.findings),
            None => scan.findings.limit("bytes in a template"),
        }
    }
    Ok(Outcome::Open)
}

/// Scans the text of a template that the file names `key`, such as `tokenizer.chat_template`.
pub(in crate::scan) fn scan(key: &str, text: &str, findings: &mut Findings) {
    scan_text(Some(key), text, findings);
}

/// Adds the first finding of each rule, with its line if the template is a file.
fn scan_text(key: Option<&str>, text: &str, findings: &mut Findings) {
    let folded = folded(text);
    for ((rule, level, _), pattern) in RULES.iter().zip(&*PATTERNS) {
        let line = |start: usize| 1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..start]).count();
        let written = pattern.find(text).map(|found| (found.as_str(), line(found.start())));
        // What the template puts together from parts.
        let made = || folded.found.iter().find_map(|(text, line)| Some((pattern.find(text)?.as_str(), *line)));
        let Some((found, line)) = written.or_else(made) else { continue };
        match key {
            Some(key) => findings.add(*level, rule, &format!("{found} in {key}"), None),
            None => findings.add(*level, rule, found, Place::Line(line as u64)),
        }
    }
    if folded.is_cut_off {
        findings.limit("strings in a template");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_that_reach_the_interpreter_or_other_files_are_found() {
        for (template, expected) in [
            ("{% for message in messages %}{{ message['role'] }}{% endfor %}", vec![]),
            ("{{ messages | tojson }} __ _x_ \\x5a {# importance: from #}", vec![]),
            ("a\n{{ x.__class__ }}", vec![("template-escape", "__class__", 2)]),
            ("{{ x.__init_subclass__ }}", vec![("template-escape", "__init_subclass__", 1)]),
            (r"{{ x['\x5F\x5fclass'] }}", vec![("template-escape", r"\\x5F", 1)]),
            (r"{{ x['\u005fa'] }}", vec![("template-escape", r"\\u005f", 1)]),
            (r"{{ x['\137a'] }}", vec![("template-escape", r"\\137", 1)]),
            (r"{{ x['\N{LOW LINE}a'] }}", vec![("template-escape", r"\\N{LOW LINE}", 1)]),
            ("{{ os.popen('id') }}", vec![("template-escape", "popen", 1)]),
            ("{{ x | attr ('y') }}", vec![("template-escape", "| attr (", 1)]),
            ("{{ x.mro() }}", vec![("template-escape", ".mro", 1)]),
            ("a\n{{ x['_' + '_class_' ~ '_'] }}", vec![("template-escape", "__class__", 2)]),
            ("{{ 'htt' + 'ps://a.example' }}", vec![("template-url", "https://a.example", 1)]),
            ("{%- include 'a' %}", vec![("template-loads", "{%- include 'a' ", 1)]),
            (
                "{% from 'a' import b %}\n\nhttps://a.example/x y",
                vec![("template-loads", "{% from 'a' import b ", 1), ("template-url", "https://a.example/x", 3)],
            ),
        ] {
            let mut findings = Findings::default();
            scan_text(None, template, &mut findings);
            let found = findings.into_report().findings;
            let found: Vec<_> = found.iter().map(|found| (found.rule, &*found.detail, found.place)).collect();
            let expected: Vec<_> =
                expected.into_iter().map(|(rule, detail, line)| (rule, detail, Some(Place::Line(line)))).collect();
            assert_eq!(found.len(), expected.len(), "{template}: {found:?}");
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found, expected, "{template}");
            }
        }
    }
}
