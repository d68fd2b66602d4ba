//! Reading a lock as strictly as it is written: each lock has exactly one text, and everything else is a problem.

use super::document::{Lock, LockedFile, LockedFolder, LockedLayer, LockedParent, LockedRemote};
use super::fields::{Fields, Word, without_end};
use super::write::VERSION_LINE;
use crate::digest::Digest;
use crate::kitfile::LOCK_FILE;
use crate::oci::MediaType;
use crate::problem::{Invalid, Problem, closest, quoted};

/// The kinds of records and their fields.
const RECORDS: [(&str, &str); 8] = [
    ("manifest", "DIGEST"),
    ("kitfile", "DIGEST"),
    ("parent", "DIGEST REFERENCE"),
    ("holds", "PATH"),
    ("remote", "SIZE DIGEST PATH ADDRESS"),
    ("layer", "SECTION PATH NAME MEDIA-TYPE DIGEST DIFF-ID"),
    ("folder", "MODE PATH"),
    ("file", "MODE SIZE DIGEST PATH"),
];

/// Parses the text of a lock; the error contains all its problems.
pub fn parse_lock(text: &str) -> Result<Lock, Invalid> {
    let mut parser = Parser { fields: Fields::new(text), draft: Draft::default() };
    let mut lines = text.split_inclusive('\n');
    let version = lines.next().unwrap_or_default();
    if without_end(version) != VERSION_LINE {
        let word = Word { text: without_end(version), start: 0 };
        parser.fields.problem(word, format!("the first line is not `{VERSION_LINE}`"));
        return Err(Invalid::new(LOCK_FILE, parser.fields.problems));
    }
    let mut start = version.len();
    for line in lines {
        let word = Word { text: without_end(line), start };
        parser.record(word);
        // The path in a file that was cut off within its last line may be another valid path.
        if !line.ends_with('\n') {
            parser.fields.problem(word, "the last line is not complete: it does not end with a line break".to_owned());
        }
        start += line.len();
    }
    parser.finish()
}

/// The parts of the lock that have been read so far.
#[derive(Default)]
struct Draft {
    manifest: Option<Digest>,
    kitfile: Option<Digest>,
    parents: Vec<LockedParent>,
    remotes: Vec<LockedRemote>,
    layers: Vec<LockedLayer>,
}

struct Parser<'a> {
    fields: Fields<'a>,
    draft: Draft,
}

impl<'a> Parser<'a> {
    fn record(&mut self, line: Word<'a>) {
        let words = line.words();
        match (words[0].text, &words[1..]) {
            ("manifest", [digest]) => {
                let is_second = self.draft.manifest.is_some();
                self.draft.manifest = self.once(line, is_second).and_then(|()| self.fields.digest(*digest));
            }
            ("kitfile", [digest]) => {
                let is_second = self.draft.kitfile.is_some();
                self.draft.kitfile = self.once(line, is_second).and_then(|()| self.fields.digest(*digest));
            }
            ("parent", [digest, reference]) => self.parent(line, *digest, *reference),
            ("holds", [path]) => self.holds(line, *path),
            ("remote", [size, digest, path, address]) => self.remote(line, [*size, *digest, *path, *address]),
            ("layer", [section, path, name, media_type, digest, diff_id]) => {
                self.layer(line, [*section, *path, *name, *media_type, *digest, *diff_id]);
            }
            ("folder", [mode, path]) => self.folder(line, *mode, *path),
            ("file", [mode, size, digest, path]) => self.file(line, [*mode, *size, *digest, *path]),
            _ => self.unknown(line, words[0]),
        }
    }

    fn parent(&mut self, line: Word<'a>, digest: Word<'a>, reference: Word<'a>) {
        let (manifest, reference) = (self.fields.digest(digest), self.fields.text(reference));
        let Some((manifest, reference)) = manifest.zip(reference) else { return };
        if !self.draft.layers.is_empty() || !self.draft.remotes.is_empty() {
            self.fields.problem(line, "parents must come before all remote datasets and layers".to_owned());
        }
        if self.draft.parents.last().is_some_and(|last| last.reference >= reference) {
            self.fields.problem(line, OUT_OF_ORDER.to_owned());
        }
        self.draft.parents.push(LockedParent { reference, manifest, paths: Vec::new() });
    }

    fn holds(&mut self, line: Word<'a>, path: Word<'a>) {
        let Some(path) = self.fields.path(path) else { return };
        let is_below_parent = self.draft.layers.is_empty() && self.draft.remotes.is_empty();
        let parent = self.draft.parents.last_mut().filter(|_| is_below_parent);
        match parent {
            None => self.fields.problem(line, "there is no parent above it".to_owned()),
            Some(parent) if parent.paths.last().is_some_and(|last| *last >= path) => {
                self.fields.problem(line, OUT_OF_ORDER.to_owned());
            }
            Some(parent) => parent.paths.push(path),
        }
    }

    fn remote(&mut self, line: Word<'a>, [size, digest, path, address]: [Word<'a>; 4]) {
        let size = if size.text == "-" { Some(None) } else { self.fields.size(size).map(Some) };
        let digest = self.fields.digest(digest);
        let (path, address) = (self.fields.path(path), self.fields.text(address));
        let Some(((size, digest), (path, address))) = size.zip(digest).zip(path.zip(address)) else { return };
        let remote = LockedRemote { path, address, digest, size };
        if !self.draft.layers.is_empty() {
            self.fields.problem(line, "remote datasets must come before all layers".to_owned());
        }
        if self.draft.remotes.last().is_some_and(|last| last.key() >= remote.key()) {
            self.fields.problem(line, OUT_OF_ORDER.to_owned());
        }
        self.draft.remotes.push(remote);
    }

    fn layer(&mut self, line: Word<'a>, [section, path, name, media_type, digest, diff_id]: [Word<'a>; 6]) {
        let section = self.fields.section(section);
        let (path, name, media_type) = (self.fields.path(path), self.fields.text(name), self.fields.text(media_type));
        let digest = self.fields.digest(digest);
        let diff_id = if diff_id.text == "-" { Some(None) } else { self.fields.digest(diff_id).map(Some) };
        let named = section.zip(path).zip(name);
        let Some(((((section, path), name), media_type), (digest, diff_id))) =
            named.zip(media_type).zip(digest.zip(diff_id))
        else {
            return;
        };
        if self.draft.layers.last().is_some_and(|last| (&last.path, last.section) >= (&path, section)) {
            self.fields.problem(line, OUT_OF_ORDER.to_owned());
        }
        let media_type = MediaType::from(media_type);
        self.draft.layers.push(LockedLayer {
            section,
            path,
            name,
            media_type,
            digest,
            diff_id,
            folders: Vec::new(),
            files: Vec::new(),
        });
    }

    fn folder(&mut self, line: Word<'a>, mode: Word<'a>, path: Word<'a>) {
        let Some((mode, path)) = self.fields.mode(mode).zip(self.fields.path(path)) else { return };
        match self.draft.layers.last_mut().filter(|layer| layer.files.is_empty()) {
            None => self.fields.problem(line, "there must be a layer above it and no file in between".to_owned()),
            Some(layer) if !path.starts_with(&layer.path) && !layer.path.starts_with(&path) => {
                let outside = format!("it is outside the layer above it, {}", quoted(layer.path.as_str()));
                self.fields.problem(line, outside);
            }
            Some(layer) if layer.folders.last().is_some_and(|last| last.path >= path) => {
                self.fields.problem(line, OUT_OF_ORDER.to_owned());
            }
            Some(layer) => layer.folders.push(LockedFolder { path, mode }),
        }
    }

    fn file(&mut self, line: Word<'a>, [mode, size, digest, path]: [Word<'a>; 4]) {
        let (mode, size) = (self.fields.mode(mode), self.fields.size(size));
        let (digest, path) = (self.fields.digest(digest), self.fields.path(path));
        let Some(((mode, size), (digest, path))) = mode.zip(size).zip(digest.zip(path)) else { return };
        match self.draft.layers.last_mut() {
            None => self.fields.problem(line, "there is no layer above it".to_owned()),
            Some(layer) if !path.starts_with(&layer.path) => {
                let outside = format!("it is outside the layer above it, {}", quoted(layer.path.as_str()));
                self.fields.problem(line, outside);
            }
            Some(layer) if layer.files.last().is_some_and(|last| last.path >= path) => {
                self.fields.problem(line, OUT_OF_ORDER.to_owned());
            }
            Some(layer) => layer.files.push(LockedFile { path, mode, size, digest }),
        }
    }

    fn unknown(&mut self, line: Word<'a>, kind: Word<'a>) {
        if let Some((kind, fields)) = RECORDS.iter().find(|(known, _)| *known == kind.text) {
            return self.fields.problem(line, format!("this record must have the form `{kind} {fields}`"));
        }
        let known = RECORDS.map(|(known, _)| known);
        let meant = closest(kind.text, &known).map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
        self.fields.problem(kind, format!("unknown record {}{meant}", quoted(kind.text)));
    }

    fn finish(mut self) -> Result<Lock, Invalid> {
        let Draft { manifest, kitfile, parents, remotes, layers } = self.draft;
        if self.fields.problems.is_empty() {
            for (kind, digest) in [("manifest", manifest), ("kitfile", kitfile)] {
                if digest.is_none() {
                    self.fields.problems.push(Problem::of("", format!("the record `{kind} DIGEST` is missing")));
                }
            }
        }
        match (manifest, kitfile) {
            (Some(manifest), Some(kitfile)) if self.fields.problems.is_empty() => {
                Ok(Lock { manifest, kitfile, parents, remotes, layers })
            }
            _ => Err(Invalid::new(LOCK_FILE, self.fields.problems)),
        }
    }

    fn once(&mut self, line: Word<'a>, is_second: bool) -> Option<()> {
        if is_second {
            self.fields.problem(line, "this record appears twice".to_owned());
        }
        (!is_second).then_some(())
    }
}

const OUT_OF_ORDER: &str = "this record is a duplicate or out of order; records are sorted by path";

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::modelkit::lock::samples;

    const HEX: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_lock_is_one_record_a_line() {
        let text = format!(
            "Kitfile.lock 1\nmanifest {HEX}\nkitfile {HEX}\nparent {HEX} localhost:5000/base:v1\nholds weights\n\
             remote 3 {HEX} data/a%20b https://data.example/a\nlayer code . - application/x {HEX} -\nfolder 755 c\n\
             file 755 3 {HEX} a%20b.py\nfile 644 0 {HEX} c/d\n\
             layer datasets c/data training%20set application/y {HEX} {HEX}\nfolder 700 c\nfolder 755 c/data\n"
        );
        let lock = parse_lock(&text).unwrap();
        assert_eq!(lock.to_string(), text);
        assert_eq!(lock.layers[0].files[0].path.as_str(), "a b.py");
        assert_eq!((lock.layers[1].name.as_str(), lock.layers[1].diff_id), ("training set", Some(Digest::of(b""))));
        assert_eq!(parse_lock(&text.replace('\n', "\r\n")), Ok(lock), "git may end lines so");
    }

    #[test]
    fn everything_that_is_wrong_is_named_with_its_place() {
        let text = format!(
            "Kitfile.lock 1\nmanifest sha256:0\nmanifest {HEX}\nkitfile {HEX}\nkitfile {HEX}\nholds a\nfile 644 1 \
             {HEX} a\n\
             layer datas ./a a%2fb application/y {HEX} x\nlayer datasets a n t {HEX} -\nfile 0644 -1 {HEX} ../x\n\
             file 644 1 {HEX} a/c\nfile 644 1 {HEX} a/b\nfile 644 1 {HEX} b\nlayer datasets a n t {HEX} -\nfiles 644 \
             1 {HEX} a/x\n\
             <<<<<<< HEAD\nfile 644 {HEX} a/d\nfolder 755 b\nfolder 755 a/x\nfolder 755 a\n\n"
        );
        let shown = parse_lock(&text).unwrap_err().to_string().replace(HEX, "HEX");
        let heads: Vec<_> = shown.lines().filter(|line| !line.contains(" | ")).collect();
        expect![[r#"
            Kitfile.lock is not valid
              Kitfile.lock:2:10: `sha256:0` is not a digest of the form sha256:<64 lower-case hexadecimal digits>
              Kitfile.lock:5:1: this record appears twice
              Kitfile.lock:6:1: there is no parent above it
              Kitfile.lock:7:1: there is no layer above it
              Kitfile.lock:8:7: `datas` is not a section whose entries have layers
              Kitfile.lock:8:13: `./a` is not a normalized path in the folder
              Kitfile.lock:8:17: `a%2fb` is not escaped as in the output of `kit pack --lock`
              Kitfile.lock:8:109: `x` is not a digest of the form sha256:<64 lower-case hexadecimal digits>
              Kitfile.lock:10:6: `0644` is not an octal file mode
              Kitfile.lock:10:11: `-1` is not a number of bytes
              Kitfile.lock:10:86: `../x` is not a normalized path in the folder
              Kitfile.lock:12:1: this record is a duplicate or out of order; records are sorted by path
              Kitfile.lock:13:1: it is outside the layer above it, `a`
              Kitfile.lock:14:1: this record is a duplicate or out of order; records are sorted by path
              Kitfile.lock:15:1: unknown record `files`; did you mean `file`?
              Kitfile.lock:16:1: unknown record `<<<<<<<`
              Kitfile.lock:17:1: this record must have the form `file MODE SIZE DIGEST PATH`
              Kitfile.lock:18:1: it is outside the layer above it, `a`
              Kitfile.lock:20:1: this record is a duplicate or out of order; records are sorted by path
              Kitfile.lock:21:1: unknown record ``"#]]
        .assert_eq(&heads.join("\n"));
    }

    #[test]
    fn another_version_is_not_read() {
        for text in ["", "Kitfile.lock 2\nmanifest x\n", "Kitfile.lock 1 \n", "{}", "\nKitfile.lock 1\n"] {
            let error = parse_lock(text).unwrap_err().to_string();
            assert!(error.contains("Kitfile.lock:1:1: the first line is not `Kitfile.lock 1`"), "{error}");
        }
    }

    #[test]
    fn missing_parts_are_named() {
        expect![[r#"
            Kitfile.lock is not valid
              Kitfile.lock: the record `manifest DIGEST` is missing
              Kitfile.lock: the record `kitfile DIGEST` is missing"#]]
        .assert_eq(&parse_lock("Kitfile.lock 1\n").unwrap_err().to_string());
    }

    #[test]
    fn a_lock_that_was_cut_off_is_refused() {
        let text = format!("Kitfile.lock 1\nmanifest {HEX}\nkitfile {HEX}\nparent {HEX} localhost:5000/base:v1\n");
        assert!(parse_lock(&text).is_ok());
        for cut in [&text[..text.len() - 1], &text[..text.len() - 2]] {
            let error = parse_lock(cut).unwrap_err().to_string();
            assert!(error.contains("Kitfile.lock:4:1: the last line is not complete"), "{error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_lock_round_trips(lock in samples::lock()) {
            proptest::prop_assert_eq!(parse_lock(&lock.to_string()), Ok(lock));
        }

        #[test]
        fn parsed_values_print_unchanged(lock in samples::lock(), at in 0_usize..2000, letter in "[ a0%-]") {
            let mut text = lock.to_string();
            let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
            text.insert_str(at, &letter);
            if let Ok(lock) = parse_lock(&text) {
                proptest::prop_assert_eq!(lock.to_string(), text);
            }
        }

        #[test]
        fn arbitrary_text_never_panics(text: String, records in "((file|layer|holds|parent) ?[0-9a%é -]{0,20}\n\
                                                                 ){0,6}") {
            drop(parse_lock(&text));
            drop(parse_lock(&format!("{VERSION_LINE}\n{records}{text}")));
        }
    }
}
