//! Compatibility with KitOps: `kit` writes the same bytes, and reads the ModelKits that KitOps packed.

use fs_err as fs;
use serde::Deserialize;
use serde_json::{Value, json};

use kit_testkit::platform;
use kit_testkit::sandbox::{Sandbox, repository};

#[derive(Deserialize)]
struct Case {
    name: String,
    files: Vec<File>,
    #[serde(default)]
    dirs: Vec<File>,
    kitignore: Option<String>,
    kitfile: String,
    expected: Value,
}

#[derive(Deserialize)]
struct File {
    path: String,
    #[serde(default)]
    text: String,
    mode: Option<String>,
    times: Option<usize>,
}

fn cases() -> Vec<Case> {
    let read = |file| fs::read_to_string(repository().join("tests/golden").join(file)).unwrap();
    let parse = |file| serde_json::from_str::<Vec<Case>>(&read(file)).unwrap();
    ["modelkits.json", "names.json"].into_iter().flat_map(parse).collect()
}

impl Case {
    fn write(&self, sandbox: &Sandbox) {
        for dir in &self.dirs {
            fs::create_dir_all(sandbox.path("project").join(&dir.path)).unwrap();
        }
        for file in &self.files {
            let path = sandbox.write(&format!("project/{}", file.path), file.content());
            file.set_mode(&path);
        }
        for dir in &self.dirs {
            dir.set_mode(&sandbox.path("project").join(&dir.path));
        }
        sandbox.write("project/Kitfile", &self.kitfile);
        if let Some(rules) = &self.kitignore {
            sandbox.write("project/.kitignore", rules);
        }
    }
}

impl File {
    fn content(&self) -> String {
        self.text.repeat(self.times.unwrap_or(1))
    }

    fn has_usual_mode(&self) -> bool {
        self.mode.as_deref().is_none_or(|mode| mode == "0644")
    }

    fn set_mode(&self, path: &std::path::Path) {
        if let Some(mode) = &self.mode {
            platform::set_mode(path, u32::from_str_radix(mode, 8).unwrap());
        }
    }
}

#[test]
fn the_golden_projects_give_the_same_bytes_as_kitops() {
    let cases = cases();
    assert_eq!(cases.len(), 20);
    // Windows has no permission bits, which two of the projects need.
    for case in cases.into_iter().filter(|case| cfg!(unix) || case.files.iter().all(File::has_usual_mode)) {
        let sandbox = Sandbox::new();
        case.write(&sandbox);
        sandbox.kit(&["pack", "project", "-t", "golden:v1"]).ok();
        let manifest = sandbox.kit(&["inspect", "golden:v1"]).ok().json()["manifest"].clone();
        let essence = |descriptor: &Value| {
            let [media_type, digest, size] = ["mediaType", "digest", "size"].map(|key| &descriptor[key]);
            json!({ "mediaType": media_type, "digest": digest, "size": size })
        };
        let layers: Vec<_> = manifest["layers"].as_array().unwrap().iter().map(essence).collect();
        let found = json!({ "config": essence(&manifest["config"]), "layers": layers });
        assert_eq!(found, case.expected, "{}", case.name);
    }
}

/// The layouts that KitOps packed, each with the name of its project.
const LAYOUTS: [(&str, &str); 6] = [
    ("every-section-plain", "every-section"),
    ("every-section-gzip", "every-section"),
    ("every-section-gzip-fastest", "every-section"),
    ("nested-layers", "nested-layers"),
    ("non-ascii-names", "non-ascii-name-needs-pax"),
    ("long-names", "long-name-needs-pax"),
];

#[test]
fn modelkits_of_kitops_unpack_to_the_packed_files() {
    let cases = cases();
    for (layout, name) in LAYOUTS {
        let case = cases.iter().find(|case| case.name == name).unwrap();
        let sandbox = Sandbox::new();
        let layout = format!("oci:{}:v1", repository().join("tests/golden/layouts").join(layout).display());
        sandbox.kit(&["unpack", &layout, "-d", "out"]).ok();
        for file in &case.files {
            let unpacked = sandbox.read(&format!("out/{}", file.path));
            assert!(unpacked == file.content(), "{layout} {}", file.path);
        }
        assert_eq!(sandbox.names("out").len(), case.files.len() + 1, "{layout}: the files and the Kitfile");
    }
}

#[test]
fn modelkits_of_kitops_are_listed_pulled_and_shown() {
    let sandbox = Sandbox::new();
    let layouts = repository().join("tests/golden/layouts");
    let layout = format!("oci:{}:v1", layouts.join("every-section-gzip").display());
    sandbox.kit(&["pull", &layout, "every:v1"]).ok();
    sandbox.kit(&["list"]).ok().prints("every        v1    Ada          every-section   ");
    sandbox.kit(&["info", "every:v1"]).ok().prints("big: 12345678901234567890");
    sandbox.kit(&["inspect", "every:v1", "--format", "{{.CliVersion}}"]).ok().prints("1.7.0-ref");
    sandbox.kit(&["fsck"]).ok();
}

#[test]
fn a_kitfile_survives_unpacking_and_packing_again() {
    let sandbox = Sandbox::new();
    let case = cases().into_iter().find(|case| case.name == "every-section").unwrap();
    case.write(&sandbox);
    let first = sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok().digest();
    sandbox.kit(&["unpack", "a:v1", "-d", "again"]).ok();
    let second = sandbox.kit(&["pack", "again", "-t", "b:v1"]).ok().digest();
    assert_eq!(first, second);
}

#[test]
fn the_example_of_every_field_is_valid() {
    let text = fs::read_to_string(repository().join("Kitfile.example")).unwrap();
    let kitfile = kit_core::kitfile::parse(&text).unwrap_or_else(|invalid| panic!("{invalid}"));
    assert!(kit_core::kitfile::warnings(&kitfile).is_empty());
    let json = serde_json::to_value(&kitfile).unwrap();
    for section in ["package", "model", "code", "datasets", "docs", "prompts", "mcpServers"] {
        assert!(json.get(section).is_some(), "{section}");
    }
}
