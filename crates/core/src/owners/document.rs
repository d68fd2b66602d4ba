//! The document: its lines, and the owners of a file or a field.

use super::owner::Owner;
use super::parts::{Field, Parts};
use super::pattern::Pattern;
use crate::limits;
use crate::problem::{Invalid, Mark, Problem, Source};
use crate::relative_path::RelativePath;

/// The name of the file, which is beside the Kitfile.
pub const FILE_NAME: &str = "KITOWNERS";

/// The type of the referrer that holds the document.
pub const MEDIA_TYPE: &str = "application/vnd.kit.owners.v1";

/// The owners of the parts of a project.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owners {
    rules: Vec<Rule>,
}

/// A line with a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The line, from 1.
    pub line: usize,
    /// The pattern as it is written.
    pub text: String,
    /// The owners. If there are none, what the pattern matches has no owner.
    pub owners: Vec<Owner>,
    pub(super) pattern: Pattern,
}

impl Owners {
    /// Parses the text of a document; the error contains all its problems.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let is_too_long = text.len() as u64 > limits::OWNERS_BYTES;
        let (mut rules, mut problems, source) = (Vec::new(), Vec::new(), Source::new(text));
        let mut start = 0;
        for (index, line) in text.split_inclusive('\n').take_while(|_| !is_too_long).enumerate() {
            match Rule::parse(line, index + 1) {
                Ok(rule) => rules.extend(rule),
                Err(found) => problems.extend(found.into_iter().map(|(mark, message)| {
                    let mark = Mark { start: start + mark.start, end: start + mark.end };
                    Problem { position: Some(source.position(mark)), ..Problem::of("", message) }
                })),
            }
            start += line.len();
        }
        if is_too_long {
            problems.push(Problem::of("", format!("the file has more than {} bytes", limits::OWNERS_BYTES)));
        } else if rules.len() > limits::OWNER_RULES {
            problems.push(Problem::of("", format!("the file has more than {} patterns", limits::OWNER_RULES)));
        }
        if problems.is_empty() { Ok(Self { rules }) } else { Err(Invalid::new(FILE_NAME, problems)) }
    }

    /// The lines, in their order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The owners of the file `path`, which belongs to one of `parts`.
    pub fn of_file(&self, path: &RelativePath, parts: &Parts) -> &[Owner] {
        let part = parts.of_file(path);
        self.last(|pattern| pattern.matches_file(path, part))
    }

    /// The owners of the field `path` of the Kitfile, in which entries have their name or path in brackets:
    /// `datasets[train].license`.
    pub fn of_field(&self, path: &str, parts: &Parts) -> &[Owner] {
        let field = Field::new(path, parts);
        self.last(|pattern| pattern.matches_field(&field))
    }

    /// The owners with the role `role`, in the order of the lines: `role:NAME`, and the team or mail address whose name
    /// is that of the role.
    pub fn with_role(&self, role: &str) -> Vec<&Owner> {
        let mut found: Vec<&Owner> = Vec::new();
        for owner in self.rules.iter().flat_map(|rule| &rule.owners) {
            if owner.has_role(role) && !found.contains(&owner) {
                found.push(owner);
            }
        }
        found
    }

    fn last(&self, matches: impl Fn(&Pattern) -> bool) -> &[Owner] {
        self.rules.iter().rev().find(|rule| matches(&rule.pattern)).map_or(&[], |rule| &rule.owners)
    }
}

type Found = (Mark, String);

impl Rule {
    /// Parses one line; returns none for an empty line and for a comment.
    fn parse(line: &str, number: usize) -> Result<Option<Self>, Vec<Found>> {
        let mut words = words(line).into_iter();
        let Some(first) = words.next() else { return Ok(None) };
        if line[first.start..].starts_with('[') {
            let message = "sections in brackets are not supported; the last line that matches decides".to_owned();
            return Err(vec![(Mark { start: first.start, end: line.trim_end().len() }, message)]);
        }
        let mut problems = Vec::new();
        // A backslash keeps a space or a `#` in the pattern; the others are read by the pattern itself.
        let text = line[first.start..first.end].replace("\\ ", " ").replace("\\#", "#");
        let pattern = Pattern::parse(&text).map_err(|message| problems.push((first, message))).ok();
        let mut owners = Vec::new();
        for mark in words {
            match line[mark.start..mark.end].parse() {
                Ok(owner) if owners.contains(&owner) => {}
                Ok(owner) => owners.push(owner),
                Err(error) => problems.push((mark, super::InvalidOwner::to_string(&error))),
            }
        }
        match pattern {
            Some(pattern) if problems.is_empty() => Ok(Some(Self { line: number, text, owners, pattern })),
            _ => Err(problems),
        }
    }
}

/// The ranges of the words in `line`, up to a comment. A backslash makes the next character part of a word.
fn words(line: &str) -> Vec<Mark> {
    let (mut words, mut start, mut is_escaped) = (Vec::new(), None, false);
    for (at, sign) in line.char_indices() {
        let is_gap = sign.is_whitespace() && !(is_escaped && sign == ' ');
        if let Some(begin) = start.filter(|_| is_gap) {
            words.push(Mark { start: begin, end: at });
            start = None;
        } else if start.is_none() && sign == '#' {
            return words;
        } else if start.is_none() && !is_gap {
            start = Some(at);
        }
        is_escaped = sign == '\\' && !is_escaped;
    }
    words.extend(start.map(|start| Mark { start, end: line.len() }));
    words
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    const KITFILE: &str = "manifestVersion: 1.0.0
model: {name: m, path: weights, parts: [{name: tok, path: tokenizer.json}]}
datasets: [{name: train, path: data/train}, {name: 'a].b', path: data/eval}]
code: [{path: .}]
";

    const TEXT: &str = "# who answers for what
*                     @all
model                 @ml role:sre # the weights
model.parameters.*    @training
/weights/config.json  @app
datasets:train        @data data@example.com
datasets:data/eval    @eval
package.license       role:legal
my\\ file.txt         @space
deploy/**
";

    fn check(of: &str, expected: &str) {
        let (owners, kitfile) = (Owners::parse(TEXT).unwrap(), crate::kitfile::parse(KITFILE).unwrap());
        let parts = Parts::of(&kitfile);
        let found = match of.strip_prefix('.') {
            Some(field) => owners.of_field(field, &parts),
            None => owners.of_file(&of.parse().unwrap(), &parts),
        };
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "), expected, "{of}");
    }

    #[test]
    fn the_last_line_that_matches_decides() {
        check("src/a.py", "@all");
        check("weights/model.safetensors", "@ml role:sre");
        check("tokenizer.json", "@ml role:sre");
        check("weights/config.json", "@app");
        check("data/train/1.csv", "@data data@example.com");
        check("data/eval/1.csv", "@eval");
        check("x/my file.txt", "@space");
        check("deploy/app.yaml", "");
        check(".model.parameters.epochs", "@training");
        check(".model.parameters.deep.epochs", "@training");
        check(".model.framework", "@ml role:sre");
        check(".model.parts[tok].path", "@ml role:sre");
        check(".datasets[train].license", "@data data@example.com");
        check(".datasets[a].b].license", "@eval");
        check(".package.license", "role:legal");
        check(".package.version", "");
    }

    #[test]
    fn owners_are_found_by_their_role() {
        let text = "* @ml\nmodel @ml role:sre\ndeploy/ role:sre @company/sre\npackage legal@example.com role:legal\n";
        let owners = Owners::parse(text).unwrap();
        let with_role =
            |role: &str| owners.with_role(role).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(with_role("sre"), "role:sre @company/sre");
        assert_eq!(with_role("legal"), "legal@example.com role:legal");
        assert_eq!(with_role("ml"), "@ml");
        assert_eq!(with_role("company"), "");
    }

    #[test]
    fn every_problem_has_its_place() {
        let text = "* @ok\ndataset:x @a b\n[Section]\n!x @a\na:b\n";
        expect![[r#"
            KITOWNERS is not valid
              KITOWNERS:2:1: `dataset` is not a section; did you mean `datasets`?
                2 | dataset:x @a b
                  | ^^^^^^^^^
              KITOWNERS:2:14: `b` is not an owner; write `@team`, a mail address, or `role:NAME`
                2 | dataset:x @a b
                  |              ^
              KITOWNERS:3:1: sections in brackets are not supported; the last line that matches decides
                3 | [Section]
                  | ^^^^^^^^^
              KITOWNERS:4:1: patterns cannot be negated; write a later line without owners
                4 | !x @a
                  | ^^
              KITOWNERS:5:1: `a` is not a section; the sections with entries are model, code, datasets, docs, prompts, mcpServers, model.parts; a path needs a `/` before it
                5 | a:b
                  | ^^^"#]]
        .assert_eq(&Owners::parse(text).unwrap_err().to_string());
    }

    #[test]
    fn a_long_document_is_refused() {
        let rules = "* @a\n".repeat(limits::OWNER_RULES + 1);
        assert!(Owners::parse(&rules).unwrap_err().to_string().contains("patterns"));
        let bytes = "#".repeat(usize::try_from(limits::OWNERS_BYTES).unwrap() + 1);
        assert!(Owners::parse(&bytes).unwrap_err().to_string().contains("bytes"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC{0,60}", line in "[a-z*:.@#\\\\ \\[!/\n]{0,60}") {
            for text in [text, line] {
                if let Ok(owners) = Owners::parse(&text) {
                    owners.of_file(&"a/b".parse().unwrap(), &Parts::default());
                    owners.of_field("datasets[a].b", &Parts::default());
                }
            }
        }
    }
}
