//! `kit import` of files that their publisher signed.

use bytes::Bytes;
use serde_json::Value;

use super::keyless::sign_folder;
use super::scene::{key, kit};
use crate::inspect::provenance::statements;
use kit_testkit::keyless::{IDENTITY, ISSUER, Service};
use kit_testkit::registry::{FakeRegistry, HubRepository};
use kit_testkit::sandbox::{Run, Sandbox};

/// The files of the publisher, of which the last one is large.
const FILES: [(&str, &str); 3] = [("README.md", "# Tiny\n"), ("config.json", "{}\n"), ("model.bin", "weights\n")];

struct Scene {
    sandbox: Sandbox,
    hub: FakeRegistry,
    storage: FakeRegistry,
}

impl Scene {
    /// A hub with these files and the signature of the folder `signed`, if there is one.
    fn new(files: &[(&'static str, &'static str)], is_signed: bool) -> Self {
        Self::with(files, is_signed, |_| {})
    }

    /// The same, after `change` was applied to the signed folder.
    fn with(files: &[(&'static str, &'static str)], is_signed: bool, change: impl Fn(&Sandbox)) -> Self {
        let (sandbox, hub, storage) = (Sandbox::new(), FakeRegistry::start(), FakeRegistry::start());
        for (name, text) in FILES {
            sandbox.write(&format!("signed/{name}"), text);
        }
        kit(&sandbox, &["sign", "signed", "--key", &key("test-cosign.key")]).ok();
        change(&sandbox);
        let mut shown: Vec<_> = files
            .iter()
            .map(|(name, text)| {
                let bytes = Bytes::from_static(text.as_bytes());
                let digest = (*name == "model.bin").then(|| storage.add_blob(&bytes));
                (*name, bytes, digest)
            })
            .collect();
        if is_signed {
            let signature = fs_err::read(sandbox.path("signed/model.sig")).unwrap();
            shown.push(("model.sig", signature.into(), None));
        }
        let storage_url = format!("http://{}", storage.host());
        hub.show(HubRepository {
            kind: "models",
            name: "ada/tiny",
            license: None,
            files: shown,
            token: None,
            files_per_page: 10,
            storage: storage_url,
        });
        Self { sandbox, hub, storage }
    }

    fn import(&self, public: &str, flags: &[&str]) -> Run {
        self.import_by(&[&["--publisher-key", &key(public)], flags].concat())
    }

    fn import_by(&self, flags: &[&str]) -> Run {
        let args = [&["import", "ada/tiny", "-t", "tiny:v1"], flags].concat();
        let mut command = self.sandbox.command(&args);
        self.sandbox.run(command.env("HF_ENDPOINT", format!("http://{}/", self.hub.host())))
    }

    fn has_nothing(&self) -> bool {
        !kit(&self.sandbox, &["list"]).ok().stdout.contains("tiny")
    }
}

#[test]
fn signed_files_are_imported_and_the_record_names_the_publisher() {
    let raw = ["--layer-format", "raw"];
    for flags in [&[][..], &raw] {
        let scene = Scene::new(&FILES, true);
        scene.import("test-cosign.pub", flags).ok();
        let statement = &statements(&scene.sandbox)[0];
        let materials = statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().unwrap();
        let is_publisher = |material: &&Value| material["annotations"]["role"] == "publisher";
        let publisher = materials.iter().find(is_publisher).unwrap();
        assert_eq!(publisher["name"], "ecdsa-p256 fd50f21f2fc7");
        let signature = fs_err::read(scene.sandbox.path("signed/model.sig")).unwrap();
        let digest = kit_testkit::registry::sha256(&signature);
        assert_eq!(format!("sha256:{}", publisher["digest"]["sha256"].as_str().unwrap()), digest);
    }
}

#[test]
fn files_that_the_publisher_did_not_sign_are_refused_before_anything_is_packed() {
    let changed = [("README.md", "# Other\n"), FILES[1], FILES[2]];
    let large = [FILES[0], FILES[1], ("model.bin", "other weights\n")];
    let missing = [FILES[0], FILES[2]];
    let more = [FILES[0], FILES[1], FILES[2], ("more.py", "print(1)\n")];
    for (files, words) in [
        (&changed[..], "`README.md` differs"),
        (&large, "`model.bin` differs"),
        (&missing, "`config.json` missing"),
        (&more, "`more.py` unsigned"),
    ] {
        for flags in [&[][..], &["--layer-format", "raw"]] {
            let scene = Scene::new(files, true);
            let run = scene.import("test-cosign.pub", flags).exits(1).says(words);
            run.says("its files are not those that ecdsa-p256 fd50f21f2fc7 signed");
            assert!(scene.has_nothing());
        }
    }
    let scene = Scene::new(&FILES, true);
    scene.import("test-p256.pub.pem", &[]).exits(1).says("its `model.sig` does not count");
    assert!(scene.storage.requests().is_empty(), "large files are not fetched");
    let scene = Scene::new(&FILES, false);
    scene.import("test-cosign.pub", &[]).exits(1).says("it has no `model.sig`");
    assert!(scene.has_nothing());
}

#[test]
fn a_local_folder_is_compared_with_its_signature() {
    let scene = Scene::new(&FILES, true);
    let public = key("test-cosign.pub");
    let import = || kit(&scene.sandbox, &["import", "signed", "-t", "tiny:v1", "--publisher-key", &public]);
    import().ok();
    scene.sandbox.write("signed/README.md", "# Other\n");
    scene.sandbox.write("signed/more.py", "");
    import().exits(1).says("`README.md` differs, `more.py` unsigned");
    fs_err::remove_file(scene.sandbox.path("signed/model.sig")).unwrap();
    import().exits(1).says("it has no `model.sig`");
    let identity = ["import", "signed", "-t", "tiny:v1", "--publisher-identity", "ada@models.example"];
    kit(&scene.sandbox, &identity).exits(2).says("add --publisher-ca FILE");
}

#[test]
fn the_publisher_may_be_a_keyless_identity() {
    let service = Service::new();
    let scene = Scene::with(&FILES, true, |sandbox| sign_folder(sandbox, "signed", &service));
    scene.sandbox.write("root.json", service.trusted_root().to_string());
    let (issuer, root) = (["--publisher-oidc-issuer", ISSUER], ["--publisher-trusted-root", "root.json"]);
    let by = |identity: &str, flags: &[&str]| scene.import_by(&[&["--publisher-identity", identity], flags].concat());
    by(IDENTITY, &issuer).exits(2).says("add --publisher-trusted-root FILE");
    by(IDENTITY, &root).exits(2).says("add --publisher-oidc-issuer URL");
    let both = [issuer, root].concat();
    by("ada@models.example", &both).exits(1).says("not of `ada@models.example`");
    assert!(scene.has_nothing());
    by(IDENTITY, &both).ok();
    let statement = &statements(&scene.sandbox)[0];
    let materials = statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().unwrap();
    assert!(materials.iter().any(|material| material["name"] == format!("{IDENTITY} ({ISSUER})")), "{materials:?}");
}
