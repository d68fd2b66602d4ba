//! Keyless signatures: verified with the trusted root of a service that exists only in these tests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::guarded::Guarded;
use super::scene::{MANIFEST, Scene, key, kit};
use kit_testkit::keyless::{Confirmed, IDENTITY, ISSUER, Service};
use kit_testkit::sandbox::{Run, Sandbox};

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
pub const REPOSITORY: &str = "production/net";

/// The flags that name the signer of the service.
pub const FLAGS: [&str; 6] =
    ["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER, "--trusted-root", "root.json"];

/// The statement about a manifest.
pub fn statement(digest: &str, kind: &str, predicate: &Value) -> Vec<u8> {
    let subject = json!([{ "digest": { "sha256": digest.trim_start_matches("sha256:") } }]);
    let kind_of_statement = "https://in-toto.io/Statement/v1";
    json!({ "_type": kind_of_statement, "subject": subject, "predicateType": kind, "predicate": predicate })
        .to_string()
        .into_bytes()
}

/// Puts a bundle beside a manifest.
fn attach(scene: &Scene, digest: &str, bundle: &Value, number: usize) {
    let bytes = bundle.to_string().into_bytes();
    let (blob, config) =
        (scene.registry.add_blob_to(REPOSITORY, &bytes), scene.registry.add_blob_to(REPOSITORY, b"{}"));
    let subject = scene.registry.manifest(REPOSITORY, digest).unwrap().1.len();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": BUNDLE,
        "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2 },
        "layers": [{ "mediaType": BUNDLE, "digest": blob, "size": bytes.len() }],
        "subject": { "mediaType": MANIFEST, "digest": digest, "size": subject },
    });
    scene.put_referrer(REPOSITORY, digest, manifest.to_string().as_bytes(), number);
}

/// A ModelKit in a registry with a keyless signature, and the trusted root in `root.json`.
struct Signed {
    scene: Scene,
    service: Service,
    name: String,
    digest: String,
}

impl Signed {
    fn new(confirmed: &Confirmed) -> Self {
        let (scene, service) = (Scene::new(true), Service::new());
        let (name, digest) = scene.put(REPOSITORY);
        let signature = service.sign(&statement(&digest, SIGNATURE, &json!({})), confirmed);
        attach(&scene, &digest, &signature, 0);
        scene.sandbox.write("root.json", service.trusted_root().to_string());
        Self { scene, service, name, digest }
    }

    fn verify(&self, flags: &[&str]) -> Run {
        kit(&self.scene.sandbox, &[&["verify", &self.name, "--remote"], flags].concat())
    }

    fn verify_identity(&self, identity: &str, issuer: &str) -> Run {
        let root = ["--trusted-root", "root.json"];
        self.verify(&[&["--certificate-identity", identity, "--certificate-oidc-issuer", issuer], &root[..]].concat())
    }
}

#[test]
fn a_keyless_signature_is_verified_offline() {
    let signed = Signed::new(&Confirmed::default());
    let line = format!("signed    {IDENTITY} ({ISSUER})   bundle");
    signed.verify_identity(IDENTITY, ISSUER).ok().prints(&line);
    let json = signed.verify(&[&FLAGS[..], &["--format", "json"]].concat()).ok().json();
    assert_eq!(json["signatures"][0]["signer"], json!({ "identity": IDENTITY, "issuer": ISSUER }));
    let inspected = kit(&signed.scene.sandbox, &["inspect", &signed.name, "--trust", "--remote"]).ok();
    inspected.prints(&format!("{IDENTITY} ({ISSUER})"));
}

#[test]
fn another_identity_issuer_or_service_is_refused_with_the_reason() {
    let signed = Signed::new(&Confirmed::default());
    let refused = signed.verify_identity("ada@models.example", ISSUER).exits(1);
    refused
        .says("is not signed by `ada@models.example` (`https://token.actions")
        .says(&format!("of `{IDENTITY}`, not"));
    let other = "https://accounts.google.com";
    signed.verify_identity(IDENTITY, other).exits(1).says(&format!("confirmed by `{ISSUER}`, not by `{other}`"));
    signed.scene.sandbox.write("root.json", Service::new().trusted_root().to_string());
    signed.verify_identity(IDENTITY, ISSUER).exits(1).says("from a log that the trusted root does not contain");
    signed.scene.sandbox.write("root.json", "{}");
    signed.verify_identity(IDENTITY, ISSUER).exits(1).says("cannot use the trusted root `root.json`");
    signed.verify(&["--key", &key("test-cosign.pub")]).exits(1).says("signed with a certificate");
}

#[test]
fn a_pattern_matches_the_whole_identity() {
    let signed = Signed::new(&Confirmed::default());
    let rest = ["--certificate-oidc-issuer", ISSUER, "--trusted-root", "root.json"];
    let verify = |pattern: &str| signed.verify(&[&["--certificate-identity-regexp", pattern], &rest[..]].concat());
    verify(r"https://github\.com/acme/.*@refs/(heads/main|tags/v.*)").ok().prints(&format!("signed    {IDENTITY} ("));
    verify("https://github.com/acme").exits(1).says("not of `https://github.com/acme`");
    verify("(").exits(2).says("is not a valid regular expression");
    let alone = ["--certificate-identity-regexp", "a", "--trusted-root", "root.json"];
    signed.verify(&alone).exits(2).says("add --certificate-oidc-issuer URL");
}

#[test]
fn identity_issuer_and_trusted_root_are_needed_together() {
    let signed = Signed::new(&Confirmed::default());
    let (identity, issuer) = (["--certificate-identity", IDENTITY], ["--certificate-oidc-issuer", ISSUER]);
    let root = ["--trusted-root", "root.json"];
    signed.verify(&[identity, issuer].concat()).exits(2).says("add --trusted-root FILE");
    signed.verify(&[issuer, root].concat()).exits(2).says("add --certificate-identity ID");
    signed.verify(&[identity, root].concat()).exits(2).says("add --certificate-oidc-issuer URL");
    signed.verify(&identity).exits(2).says("add --ca FILE, or --trusted-root FILE and --certificate-oidc-issuer URL");
    signed
        .verify(&[&identity[..], &root, &["--insecure-ignore-tlog"]].concat())
        .exits(2)
        .says("add --certificate-oidc");
    let ca = ["--ca", &key("test-ca.pem")];
    signed.verify(&[&identity[..], &issuer, &ca].concat()).exits(2).says("cannot be used with");
}

#[test]
fn a_signature_that_is_in_no_log_counts_only_if_that_is_allowed() {
    let signed = Signed::new(&Confirmed { entry: None, timestamp_after: Some(60), ..Confirmed::default() });
    signed.verify_identity(IDENTITY, ISSUER).exits(1).says("it has no entry in a transparency log");
    signed.verify(&[&FLAGS[..], &["--insecure-ignore-tlog"]].concat()).ok();
}

#[test]
fn a_keyless_attestation_is_printed_and_is_not_a_signature() {
    let signed = Signed::new(&Confirmed { identity: "ada@models.example".to_owned(), ..Confirmed::default() });
    let kind = "https://in-toto.io/attestation/test-result/v0.1";
    let statement = statement(&signed.digest, kind, &json!({ "result": "PASSED" }));
    attach(&signed.scene, &signed.digest, &signed.service.sign(&statement, &Confirmed::default()), 1);
    let get = ["attest", &signed.name, "--remote", "--get", "test-result"];
    kit(&signed.scene.sandbox, &[&get[..], &FLAGS].concat()).ok().prints("PASSED");
    signed.verify(&[&FLAGS[..], &["--type", "test-result"]].concat()).ok();
    signed
        .verify(&FLAGS)
        .exits(1)
        .says("it is not a signature, but an attestation")
        .says("is of `ada@models.example`, not of");
}

/// Makes the signature of `folder` a keyless one.
pub fn sign_folder(sandbox: &Sandbox, folder: &str, service: &Service) {
    kit(sandbox, &["sign", folder, "--key", &key("test-cosign.key")]).ok();
    let file = format!("{folder}/model.sig");
    let bundle: Value = serde_json::from_str(&sandbox.read(&file)).unwrap();
    let statement = STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
    sandbox.write(&file, service.sign(&statement, &Confirmed::default()).to_string());
}

#[test]
fn a_folder_with_a_keyless_signature_is_verified() {
    let (sandbox, service) = (Sandbox::new(), Service::new());
    sandbox.write("./model/weights.bin", "weights\n");
    sandbox.write("root.json", service.trusted_root().to_string());
    sign_folder(&sandbox, "./model", &service);
    let verify = |identity: &str| {
        let flags = ["--certificate-oidc-issuer", ISSUER, "--trusted-root", "root.json", "--model-signature"];
        kit(&sandbox, &[&["verify", "./model", "--certificate-identity", identity], &flags[..]].concat())
    };
    verify(IDENTITY).ok().prints(&format!("signed    {IDENTITY} ({ISSUER})"));
    verify("ada@models.example").exits(1).says(&format!("of `{IDENTITY}`, not of `ada@models.example`"));
    let flags = ["--certificate-oidc-issuer", ISSUER, "--trusted-root", "root.json", "--model-signature"];
    kit(&sandbox, &[&["verify", "./model"], &flags[..]].concat()).exits(2).says("add --certificate-identity ID");
    sandbox.write("model/weights.bin", "other weights\n");
    verify(IDENTITY).exits(3);
}

/// A rule that a keyless signature satisfies.
pub fn require(guarded: &Guarded, service: &Service, lines: &str) {
    let mut root = service.trusted_root();
    if lines.contains("optional") {
        root.as_object_mut().unwrap().retain(|part, _| !["tlogs", "ctlogs"].contains(&part.as_str()));
    }
    guarded.sandbox().write("kit/root.json", root.to_string());
    let text = format!(
        "version = 1\n[keys.ci]\nidentity = '{IDENTITY}'\n{lines}\ntrusted-root = 'root.json'\n\
         [[rule]]\nmatch = ['{}/production/']\nsigned-by = {{ any = ['ci'] }}\n",
        guarded.host()
    );
    guarded.sandbox().write("kit/policy.toml", text);
}

#[test]
fn a_policy_names_a_keyless_identity() {
    let (guarded, service) = (Guarded::new(), Service::new());
    let sandbox = guarded.sandbox();
    let issuer = format!("issuer = '{ISSUER}'");
    require(&guarded, &service, &issuer);
    let missing = format!("no signature of `ci` ({IDENTITY} ({ISSUER}))");
    guarded.is_refused(&missing);
    let sign = |confirmed: &Confirmed, number| {
        let signature = service.sign(&statement(&guarded.digest, SIGNATURE, &json!({})), confirmed);
        attach(&guarded.scene, &guarded.digest, &signature, number);
    };
    sign(&Confirmed { identity: "ada@models.example".to_owned(), ..Confirmed::default() }, 10);
    guarded.is_refused("1 invalid signature: its certificate is of `ada@models.example`, not of");
    sign(&Confirmed::default(), 11);
    kit(sandbox, &["pull", &guarded.name]).ok();
    guarded.check(&[]).ok().prints("signed by `ci`");
    kit(sandbox, &["policy", "show", &guarded.name]).ok().prints(IDENTITY);
    kit(sandbox, &["remove", &guarded.name]).ok();
    let path = sandbox.path("kit/policy.toml");
    let text = fs_err::read_to_string(&path).unwrap();
    let pattern = IDENTITY.replace("main", ".*");
    fs_err::write(&path, text.replace(&format!("identity = '{IDENTITY}'"), &format!("identity-regexp = '{pattern}'")))
        .unwrap();
    kit(sandbox, &["pull", &guarded.name]).ok();
    require(&guarded, &service, "issuer = 'https://accounts.google.com'");
    guarded.is_refused(&format!("its identity is confirmed by `{ISSUER}`, not by `https://accounts.google.com`"));
}

#[test]
fn a_policy_allows_signatures_that_are_in_no_log() {
    let (guarded, service) = (Guarded::unsigned(), Service::new());
    let private = Confirmed { entry: None, is_published: false, timestamp_after: Some(60), ..Confirmed::default() };
    let signature = service.sign(&statement(&guarded.digest, SIGNATURE, &json!({})), &private);
    attach(&guarded.scene, &guarded.digest, &signature, 10);
    require(&guarded, &service, &format!("issuer = '{ISSUER}'"));
    guarded.is_refused("1 invalid signature: it has no entry in a transparency log");
    require(&guarded, &service, &format!("issuer = '{ISSUER}'\ntransparency-log = 'optional'"));
    kit(guarded.sandbox(), &["pull", &guarded.name]).ok();
}

#[test]
fn a_policy_with_an_incomplete_identity_stops_every_operation() {
    let (guarded, service) = (Guarded::new(), Service::new());
    require(&guarded, &service, "");
    guarded.is_refused("an `identity` needs `issuer` and `trusted-root`");
    require(&guarded, &service, &format!("issuer = '{ISSUER}'"));
    guarded.sandbox().write("kit/root.json", "[]");
    guarded.is_refused("policy.toml:5:16: the key `ci` cannot use the trusted root");
    kit(guarded.sandbox(), &["policy", "test", "kit/policy.toml"]).exits(1).says("is not a valid trusted root");
}

#[test]
fn a_keyless_signature_travels_with_the_modelkit() {
    let signed = Signed::new(&Confirmed::default());
    kit(&signed.scene.sandbox, &["pull", &signed.name]).ok();
    kit(&signed.scene.sandbox, &[&["verify", &signed.name], &FLAGS[..]].concat()).ok();
}
