//! A provenance record as a document: an in-toto statement (in-toto attestation framework 1.0, "Statement") with a SLSA
//! provenance 1.0 predicate, so that tools for these formats can sign and read it.

use serde_json::{Map, Value, json};

use super::record::{Builder, Commit, Material, Record, Role};
use super::source_url::SourceUrl;
use crate::digest::Digest;

/// The media type of the document (in-toto attestation framework 1.0, "Media types").
pub const MEDIA_TYPE: &str = "application/vnd.in-toto+json";
/// The type of the predicate (SLSA 1.0, "Provenance").
pub const PREDICATE_TYPE: &str = "https://slsa.dev/provenance/v1";
/// The annotation by which tools that list attestations identify the kind of each (in-toto, "OCI artifacts").
pub(crate) const PREDICATE_ANNOTATION: &str = "in-toto.io/predicate-type";

pub(super) const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The build type, which defines the meaning of `externalParameters` and `internalParameters`, with the version of this
/// format.
const BUILD_TYPE: &str = "urn:kit:pack:v1";
/// The ID of a builder without a name, because a builder must have an ID.
const LOCAL_BUILDER: &str = "urn:kit:builder:local";
/// The role of the commit among the materials.
const SOURCE: &str = "source";

impl Record {
    /// The record as a document.
    pub fn to_statement(&self) -> Vec<u8> {
        let mut dependencies: Vec<Value> = self.commit.iter().map(commit_to_json).collect();
        dependencies.extend(self.materials.iter().map(material_to_json));
        let name = self.names.first().map_or("", String::as_str);
        let statement = json!({
            "_type": STATEMENT_TYPE,
            "subject": [{ "name": name, "digest": digest_set(&self.subject) }],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "buildDefinition": {
                    "buildType": BUILD_TYPE,
                    "externalParameters": { "names": self.names },
                    "internalParameters": given([("previous", self.previous.map(|digest| json!(digest)))]),
                    "resolvedDependencies": dependencies,
                },
                "runDetails": {
                    "builder": {
                        "id": id_of(&self.builder),
                        "version": { "kit": self.builder.version },
                    },
                    "metadata": given([
                        ("invocationId", self.builder.run.as_ref().map(|run| json!(run))),
                        ("finishedOn", self.time.map(|time| json!(time.to_string()))),
                    ]),
                },
            },
        });
        statement.to_string().into_bytes()
    }

    /// Parses a document, including documents of other tools as far as they contain known fields. Returns `None` if it
    /// is not a SLSA provenance of a single subject with a SHA-256 digest.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let statement: Value = serde_json::from_slice(bytes).ok()?;
        if statement["_type"] != STATEMENT_TYPE || statement["predicateType"] != PREDICATE_TYPE {
            return None;
        }
        let [subject] = statement["subject"].as_array()?.as_slice() else { return None };
        let (definition, run) = (&statement["predicate"]["buildDefinition"], &statement["predicate"]["runDetails"]);
        let dependencies = definition["resolvedDependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
        let names = definition["externalParameters"]["names"].as_array().map(Vec::as_slice).unwrap_or_default();
        Some(Self {
            subject: digest_of(subject)?,
            names: names.iter().filter_map(text).collect(),
            commit: dependencies.iter().find_map(commit_from_json),
            materials: dependencies.iter().filter_map(material_from_json).collect(),
            previous: text(&definition["internalParameters"]["previous"]).and_then(|digest| digest.parse().ok()),
            builder: builder_from_json(&run["builder"], &run["metadata"]["invocationId"]),
            time: text(&run["metadata"]["finishedOn"]).and_then(|time| time.parse().ok()),
        })
    }
}

fn commit_to_json(commit: &Commit) -> Value {
    let reference = commit.branch.as_ref().map(|branch| format!("@refs/heads/{branch}")).unwrap_or_default();
    let uri = commit.remote.as_ref().map(|url| format!("git+{url}{reference}"));
    json!({
        "name": SOURCE,
        "uri": uri.unwrap_or_else(|| format!("git:{}", commit.id)),
        "digest": { "gitCommit": commit.id },
        "annotations": given([
            ("role", Some(json!(SOURCE))),
            ("remote", commit.remote.as_ref().map(|url| json!(url.to_string()))),
            ("branch", commit.branch.as_ref().map(|branch| json!(branch))),
            ("dirty", commit.is_dirty.map(Value::Bool)),
        ]),
    })
}

fn commit_from_json(dependency: &Value) -> Option<Commit> {
    let (id, annotations) = (text(&dependency["digest"]["gitCommit"])?, &dependency["annotations"]);
    Some(Commit {
        id: Some(id).filter(|id| id.len() >= 7 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))?,
        branch: text(&annotations["branch"]),
        remote: text(&annotations["remote"]).and_then(|url| SourceUrl::parse(&url)),
        is_dirty: annotations["dirty"].as_bool(),
    })
}

fn material_to_json(material: &Material) -> Value {
    Value::Object(given([
        ("name", Some(json!(material.name))),
        ("uri", material.uri.as_ref().map(|uri| json!(uri))),
        ("digest", material.digest.as_ref().map(digest_set)),
        ("annotations", Some(json!({ "role": material.role.word() }))),
    ]))
}

fn material_from_json(dependency: &Value) -> Option<Material> {
    let role = text(&dependency["annotations"]["role"])?;
    Some(Material {
        role: [Role::Parent, Role::Dataset, Role::Run, Role::Artifact, Role::Publisher]
            .into_iter()
            .find(|known| known.word() == role)?,
        name: text(&dependency["name"]).unwrap_or_default(),
        uri: text(&dependency["uri"]),
        digest: digest_of(dependency),
    })
}

impl Role {
    fn word(self) -> &'static str {
        match self {
            Self::Parent => "parent",
            Self::Dataset => "dataset",
            Self::Run => "run",
            Self::Artifact => "artifact",
            Self::Publisher => "publisher",
        }
    }
}

/// The ID of a builder, which a statement always contains.
pub(super) fn id_of(builder: &Builder) -> &str {
    builder.id.as_deref().unwrap_or(LOCAL_BUILDER)
}

/// Reads a builder from its JSON and that of its run.
pub(super) fn builder_from_json(builder: &Value, run: &Value) -> Builder {
    Builder {
        id: text(&builder["id"]).filter(|id| id != LOCAL_BUILDER),
        run: text(run),
        version: text(&builder["version"]["kit"]).unwrap_or_default(),
    }
}

/// The members that have a value.
pub(super) fn given<const N: usize>(members: [(&str, Option<Value>); N]) -> Map<String, Value> {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

pub(super) fn digest_set(digest: &Digest) -> Value {
    json!({ "sha256": digest.hex() })
}

pub(super) fn digest_of(resource: &Value) -> Option<Digest> {
    format!("sha256:{}", resource["digest"]["sha256"].as_str()?).parse().ok()
}

pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let material = |role, name: &str, uri: Option<&str>, digest| Material {
            role,
            name: name.to_owned(),
            uri: uri.map(str::to_owned),
            digest,
        };
        Record {
            subject: Digest::of(b"manifest"),
            names: vec!["team/sentiment:v2".to_owned(), "team/sentiment:latest".to_owned()],
            commit: Some(Commit {
                id: "0123456789abcdef0123456789abcdef01234567".to_owned(),
                branch: Some("main".to_owned()),
                remote: SourceUrl::parse("https://git.example/team/sentiment"),
                is_dirty: Some(true),
            }),
            materials: vec![
                material(Role::Parent, "base:v1", Some("oci://base:v1"), Some(Digest::of(b"base"))),
                material(Role::Dataset, "data", Some("s3://bucket"), None),
                material(Role::Run, "wistful-ant-659", Some("runs:/5e1"), None),
                material(Role::Artifact, "net", Some("oci://net:v1"), Some(Digest::of(b"net"))),
            ],
            previous: Some(Digest::of(b"v1")),
            builder: Builder {
                id: Some("https://ci.example/workflow".to_owned()),
                run: Some("https://ci.example/7".to_owned()),
                version: "0.1.0".to_owned(),
            },
            time: Some("2026-11-21T11:05:00Z".parse().unwrap()),
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let least =
            Record { commit: None, materials: Vec::new(), previous: None, names: Vec::new(), time: None, ..record() };
        let without = Commit { branch: None, remote: None, is_dirty: None, ..record().commit.unwrap() };
        let builder = Builder { version: "0.1.0".to_owned(), ..Builder::default() };
        for record in
            [record(), least, Record { commit: Some(without), builder, ..record() }, record().without_history()]
        {
            assert_eq!(Record::parse(&record.to_statement()), Some(record.clone()));
        }
    }

    #[test]
    fn the_statement_follows_the_specifications() {
        let statement: Value = serde_json::from_slice(&record().to_statement()).unwrap();
        let hex = |text: &[u8]| Digest::of(text).hex();
        let expected = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "name": "team/sentiment:v2", "digest": { "sha256": hex(b"manifest") } }],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {
                "buildDefinition": {
                    "buildType": "urn:kit:pack:v1",
                    "externalParameters": { "names": ["team/sentiment:v2", "team/sentiment:latest"] },
                    "internalParameters": { "previous": format!("sha256:{}", hex(b"v1")) },
                    "resolvedDependencies": [
                        {
                            "name": "source",
                            "uri": "git+https://git.example/team/sentiment@refs/heads/main",
                            "digest": { "gitCommit": "0123456789abcdef0123456789abcdef01234567" },
                            "annotations": {
                                "role": "source", "remote": "https://git.example/team/sentiment", "branch": "main", "dirty": true
                            },
                        },
                        {
                            "name": "base:v1", "uri": "oci://base:v1", "digest": { "sha256": hex(b"base") },
                            "annotations": { "role": "parent" },
                        },
                        { "name": "data", "uri": "s3://bucket", "annotations": { "role": "dataset" } },
                        { "name": "wistful-ant-659", "uri": "runs:/5e1", "annotations": { "role": "run" } },
                        {
                            "name": "net", "uri": "oci://net:v1", "digest": { "sha256": hex(b"net") },
                            "annotations": { "role": "artifact" },
                        },
                    ],
                },
                "runDetails": {
                    "builder": { "id": "https://ci.example/workflow", "version": { "kit": "0.1.0" } },
                    "metadata": { "invocationId": "https://ci.example/7", "finishedOn": "2026-11-21T11:05:00Z" },
                },
            },
        });
        assert_eq!(statement, expected);
    }

    #[test]
    fn other_documents_are_refused_and_invalid_fields_are_left_out() {
        let mut statement: Value = serde_json::from_slice(&record().to_statement()).unwrap();
        let parse = |statement: &Value| Record::parse(statement.to_string().as_bytes());
        statement["predicate"]["buildDefinition"]["resolvedDependencies"] =
            json!([7, { "digest": { "gitCommit": "; rm -rf" } }, { "digest": 7 }, { "annotations": { "role": "?" } }]);
        statement["predicate"]["runDetails"] = json!({ "metadata": { "finishedOn": "yesterday" } });
        let odd = parse(&statement).unwrap();
        assert_eq!((odd.commit, odd.materials, odd.time), (None, Vec::new(), None));
        for (member, value) in [
            ("_type", json!("https://in-toto.io/Statement/v0.1")),
            ("predicateType", json!("https://spdx.dev/Document")),
            ("subject", json!([])),
            ("subject", json!([{ "digest": { "sha256": "../x" } }])),
        ] {
            let mut other = statement.clone();
            other[member] = value;
            assert_eq!(parse(&other), None, "{member}");
        }
        assert_eq!(Record::parse(b"{"), None);
    }
}
