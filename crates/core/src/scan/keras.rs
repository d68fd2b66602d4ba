//! Keras models: code in layers. Nothing is deserialised.

use std::io::{self, Read};
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::finding::{Level, Place};
use super::json::{Receiver, walk};
use super::member::{Member, has_extension};
use super::overlapping::in_windows;
use super::pickle::is_high_module;
use super::scanner::{Outcome, Scan};

/// The first bytes of an HDF5 file, or of its superblock after a block of the user.
const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// The class names of layers and functions that contain Python code.
const LAMBDAS: [&str; 2] = ["Lambda", "__lambda__"];

/// The first parts of the modules whose classes every installation of Keras has.
const KNOWN_MODULES: [&str; 8] =
    ["keras", "tf_keras", "tensorflow", "builtins", "keras_hub", "keras_nlp", "keras_cv", "numpy"];

/// The number of bytes of a place in an HDF5 file that must be in one part of it.
const CONTEXT_BYTES: usize = 512;

/// The class and the module of an object in the configuration in an HDF5 file, whose attributes are not compressed.
static IN_HDF5: LazyLock<Regex> = LazyLock::new(|| {
    const PATTERN: &str = concat!(
        r#"(?-u)"class_name"[ \t\r\n]*:[ \t\r\n]*"(Lambda|__lambda__)""#,
        r#"|"module"[ \t\r\n]*:[ \t\r\n]*"([A-Za-z0-9_.]{1,100})""#,
    );
    Regex::new(PATTERN).expect("the pattern is ours")
});

/// A letter or an underscore that a JSON string has in escaped form, as no program writes it.
static HIDDEN_LETTER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?-u)\\u00(?:5[fF]|[46][0-9a-fA-F]|[57][0-9aA])").expect("the pattern is ours"));

/// Returns true for the name of a Keras model, which is a zip archive.
pub(super) fn is_archive(name: &str) -> bool {
    has_extension(name, &["keras"])
}

/// Scans HDF5 files, by the signature at 0, 512, 1024, 2048 and so on.
pub(super) fn hdf5(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<Outcome> {
    if is_hdf5(member)? {
        member.reader.rewind()?;
        in_windows(member.reader, CONTEXT_BYTES, &mut |window, offset| scan_window(window, offset, scan))?;
    }
    Ok(Outcome::Open)
}

/// Looks for the signature in the first bytes, and in files with the name of HDF5 in all places where it may be.
fn is_hdf5(member: &mut Member<'_>) -> io::Result<bool> {
    let head = member.head()?;
    if [0, 512, 1024, 2048].iter().any(|start| head.get(*start..).is_some_and(|rest| rest.starts_with(SIGNATURE))) {
        return Ok(true);
    }
    if member.has_extension(&["h5", "hdf5", "hdf", "he5", "keras"]) {
        let mut start = 4096_u64;
        while start < member.size {
            if member.bytes(start, SIGNATURE.len() as u64)? == SIGNATURE {
                return Ok(true);
            }
            start *= 2;
        }
    }
    Ok(false)
}

fn scan_window(window: &[u8], offset: u64, scan: &mut Scan<'_>) {
    for found in IN_HDF5.captures_iter(window) {
        let start = found.get(0).map_or(0, |whole| whole.start());
        add_match(&found, offset + start as u64, scan);
    }
    for hidden in HIDDEN_LETTER.find_iter(window) {
        let from = hidden.start().saturating_sub(CONTEXT_BYTES / 2);
        let to = window.len().min(hidden.end() + CONTEXT_BYTES / 2);
        let text = without_escapes(&window[from..to]);
        for found in IN_HDF5.captures_iter(&text) {
            add_match(&found, offset + hidden.start() as u64, scan);
        }
    }
}

/// Adds a lambda, or a module that a rule for pickles knows as dangerous.
fn add_match(found: &regex::bytes::Captures<'_>, offset: u64, scan: &mut Scan<'_>) {
    let text = |group: usize| found.get(group).map(|text| String::from_utf8_lossy(text.as_bytes()).into_owned());
    if let Some(class) = text(1) {
        scan.findings.add(Level::High, "keras-lambda", &class, Place::Offset(offset));
    }
    if let Some(module) = text(2).filter(|module| is_foreign(module) && is_high_module(module)) {
        scan.findings.add(Level::High, "keras-foreign-module", &module, Place::Offset(offset));
    }
}

/// Replaces the escaped letters by the letters.
fn without_escapes(text: &[u8]) -> Vec<u8> {
    let letter = |found: &regex::bytes::Captures<'_>| {
        let digits = found[0].get(4..).and_then(|digits| std::str::from_utf8(digits).ok());
        vec![digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(b'?')]
    };
    HIDDEN_LETTER.replace_all(text, letter).into_owned()
}

/// Scans the `config.json` of a Keras archive, and returns false if it is not JSON.
pub(super) fn scan_config(config: impl Read, scan: &mut Scan<'_>) -> io::Result<bool> {
    walk(config, &mut Config { scan, objects: Vec::new() })
}

/// Looks for objects that are code, or whose classes are in other modules.
struct Config<'a, 'r> {
    scan: &'a mut Scan<'r>,
    /// The objects and arrays around the current place.
    objects: Vec<Object>,
}

#[derive(Default)]
struct Object {
    /// The member whose value is next.
    key: Option<Key>,
}

#[derive(Clone, Copy)]
enum Key {
    ClassName,
    Module,
}

impl Receiver for Config<'_, '_> {
    fn open(&mut self) {
        self.objects.push(Object::default());
    }

    fn key(&mut self, key: &str) -> bool {
        if let Some(object) = self.objects.last_mut() {
            object.key = match key {
                "class_name" => Some(Key::ClassName),
                "module" => Some(Key::Module),
                _ => None,
            };
        }
        true
    }

    fn text(&mut self, text: &str) {
        match self.objects.last().and_then(|object| object.key) {
            Some(Key::ClassName) if LAMBDAS.contains(&text) => {
                self.scan.findings.add(Level::High, "keras-lambda", text, None);
            }
            Some(Key::Module) if is_foreign(text) => {
                let level = if is_high_module(text) { Level::High } else { Level::Medium };
                self.scan.findings.add(level, "keras-foreign-module", text, None);
            }
            _ => {}
        }
    }

    fn literal(&mut self, _: Option<bool>) {}

    fn close(&mut self) {
        self.objects.pop();
    }
}

/// Returns true for a module outside of Keras.
fn is_foreign(module: &str) -> bool {
    !KNOWN_MODULES.contains(&module.split('.').next().unwrap_or_default()) || is_high_module(module)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use crate::scan::{Rules, scan_file};

    fn found(name: &str, bytes: &[u8]) -> Vec<String> {
        let report = scan_file(&mut Cursor::new(bytes), bytes.len() as u64, name, &Rules::default()).unwrap();
        report.findings.iter().map(|found| format!("{} {} {:?}", found.rule, found.detail, found.place)).collect()
    }

    #[test]
    fn code_in_hdf5_is_found_at_any_place() {
        let lambda = r#"{"class_name" : "Lambda"}"#;
        for before in [0, 100, 512, 2048] {
            for (text, is_found) in
                [(lambda, true), (r#"{"class_name": "Dense"}"#, false), (r#"{"class_\u006eame": "\u004cambda"}"#, true)]
            {
                let mut bytes = vec![b' '; before];
                bytes.extend_from_slice(super::SIGNATURE);
                bytes.resize((1 << 20) - 30 + before, 7);
                bytes.extend_from_slice(text.as_bytes());
                let found = found("weights", &bytes);
                assert_eq!(found.len(), usize::from(is_found && before != 100), "{before} {text}: {found:?}");
            }
        }
        let mut far = vec![b' '; 8192];
        far.extend_from_slice(super::SIGNATURE);
        far.extend_from_slice(lambda.as_bytes());
        assert_eq!(found("a.h5", &far), ["keras-lambda Lambda Some(Offset(8201))"]);
    }
}
