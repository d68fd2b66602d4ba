//! The configurations of models: code from elsewhere, and chat templates of tokenizers.

use std::io::{self, Read};

use super::finding::Level;
use super::findings::Findings;
use super::json::{Receiver, walk};
use super::member::Member;
use super::scanner::{Outcome, Scan};
use super::{keras, template};
use crate::limits;

/// The files whose `auto_map` and `trust_remote_code` a loader follows.
const WITH_CODE: [&str; 4] =
    ["config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json"];

/// The files with chat templates.
const WITH_TEMPLATES: [&str; 3] = ["tokenizer_config.json", "processor_config.json", "chat_template.json"];

/// Scans `config.json`, `tokenizer_config.json`, `processor_config.json` and `chat_template.json`, by name.
pub(super) fn recognise(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<Outcome> {
    // File systems that ignore case find the file under any spelling of its name.
    let name = &*member.file_name().to_ascii_lowercase();
    let (has_code, has_templates) = (WITH_CODE.contains(&name), WITH_TEMPLATES.contains(&name));
    if !has_code && !has_templates {
        return Ok(Outcome::Open);
    }
    if member.size > limits::SCANNED_JSON_BYTES {
        scan.findings.limit("bytes in a JSON document");
        return Ok(Outcome::Open);
    }
    member.reader.rewind()?;
    let is_json = if name == "config.json" && member.parent.is_some_and(keras::is_archive) {
        keras::scan_config(member.reader.take(member.size), scan)?
    } else {
        let findings = &mut scan.findings;
        let mut config = Config { has_code, has_templates, findings, depth: 0, within: None, has_remote_code: false };
        walk(member.reader.take(member.size), &mut config)?
    };
    if !is_json {
        scan.findings.add(Level::Medium, "json-broken", name, None);
    }
    Ok(Outcome::Open)
}

/// The meaning of a member of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// One template, or several with their names.
    Template,
    /// Classes in Python files of the repository or of another one.
    AutoMap,
    /// Consent to running them.
    TrustRemoteCode,
}

/// Looks for templates and code in a configuration.
struct Config<'a> {
    has_code: bool,
    has_templates: bool,
    findings: &'a mut Findings,
    /// The number of objects and arrays around the current place.
    depth: usize,
    /// The member of which the value is being read, and its depth.
    within: Option<(Subject, usize)>,
    has_remote_code: bool,
}

impl Config<'_> {
    fn subject_of(&self, key: &str) -> Option<Subject> {
        match key {
            "chat_template" if self.has_templates => Some(Subject::Template),
            "auto_map" if self.has_code => Some(Subject::AutoMap),
            "trust_remote_code" if self.has_code => Some(Subject::TrustRemoteCode),
            _ => None,
        }
    }

    fn add_remote_code(&mut self, detail: &str) {
        if !self.has_remote_code {
            self.findings.add(Level::Medium, "remote-code", detail, None);
        }
        self.has_remote_code = true;
    }

    /// Ends the current member if its value is complete.
    fn end_value(&mut self) {
        if self.within.is_some_and(|(_, depth)| depth == self.depth) {
            self.within = None;
        }
    }
}

impl Receiver for Config<'_> {
    fn open(&mut self) {
        self.depth += 1;
    }

    fn key(&mut self, key: &str) -> bool {
        if self.within.is_none() {
            self.within = self.subject_of(key).map(|subject| (subject, self.depth));
        }
        true
    }

    fn text(&mut self, text: &str) {
        match self.within {
            Some((Subject::Template, _)) => template::scan("chat_template", text, self.findings),
            Some((Subject::AutoMap, _)) => self.add_remote_code(&format!("auto_map: {text}")),
            Some((Subject::TrustRemoteCode, _)) | None => {}
        }
        self.end_value();
    }

    fn literal(&mut self, literal: Option<bool>) {
        if matches!(self.within, Some((Subject::TrustRemoteCode, _))) && literal == Some(true) {
            self.add_remote_code("trust_remote_code: true");
        }
        self.end_value();
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.end_value();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use crate::scan::{Rules, scan_file};

    fn found(name: &str, text: &str) -> String {
        let report = scan_file(&mut Cursor::new(text), text.len() as u64, name, &Rules::default()).unwrap();
        let found = report.findings.iter().map(|found| format!("{} {}", found.rule, found.detail));
        found.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn findings_do_not_show_secrets() {
        let token = format!("ghp{}{}", '_', "aB".repeat(18));
        let config = format!(r#"{{"auto_map": {{"a": "{token}"}}}}"#);
        assert_eq!(found("config.json", &config), "remote-code auto_map: [redacted]; secret a GitHub token");
        let template = format!("https://ada:s3cret99@a.example/{token}");
        let found = found("a.jinja", &template);
        assert!(found.starts_with("template-url https://[redacted]@a.example/[redacted]; secret "), "{found}");
        assert!(!found.contains("s3cret99") && !found.contains(&token), "{found}");
    }

    #[test]
    fn code_and_templates_are_found_wherever_they_stand() {
        for (name, text, expected) in [
            ("Config.JSON", r#"{"auto_map": {"a": "m.M"}}"#, "remote-code auto_map: m.M"),
            ("config.json", r#"{"model_type": "bert", "auto_map": null, "trust_remote_code": false}"#, ""),
            (
                "config.json",
                r#"{"auto_map": {"AutoModel": "a--m.M", "AutoConfig": "x"}}"#,
                "remote-code auto_map: a--m.M",
            ),
            (
                "config.json",
                r#"{"a": {"auto_map": {}, "trust_remote_code": true}}"#,
                "remote-code trust_remote_code: true",
            ),
            ("a/tokenizer_config.json", r#"{"auto_map": ["m.T", null]}"#, "remote-code auto_map: m.T"),
            ("other.json", r#"{"auto_map": ["m.T", null]}"#, ""),
            ("config.json", r#"{"chat_template": "{{ x.__class__ }}"}"#, ""),
            (
                "chat_template.json",
                r#"{"chat_template": "{{ x.__class__ }}"}"#,
                "template-escape __class__ in chat_template",
            ),
            (
                "processor_config.json",
                r#"{"chat_template": "", "chat_template": [{"name": "a", "template": "\u005f_class__"}]}"#,
                "template-escape __class__ in chat_template",
            ),
            (
                "tokenizer_config.json",
                r#"{"x": NaN, "auto_map": {"a": "b"}"#,
                "remote-code auto_map: b; json-broken tokenizer_config.json",
            ),
            ("config.json", "version https://git-lfs.example/spec", "json-broken config.json"),
        ] {
            assert_eq!(found(name, text), expected, "{name} {text}");
        }
    }
}
