//! The provenance of an import as a bare predicate (SLSA 1.0, "Provenance"), in the form of KitOps after 1.15: a tool
//! that signs it adds the statement around it.

use std::hash::{BuildHasher, RandomState};

use jiff::Timestamp;
use serde_json::json;

use crate::digest::Digest;

const BUILD_TYPE: &str = "https://kitops.org/import/v1";
const BUILDER: &str = "https://kitops.org/kit";

/// An import of a repository at a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRecord {
    /// The address: `hf://…` or `git+…`, without secrets.
    pub uri: String,
    /// The commit in hexadecimal digits.
    pub commit: String,
    /// The config of the ModelKit, which is its Kitfile.
    pub config: Digest,
    /// The version of `kit`.
    pub kit: String,
    /// The compiler that built `kit`.
    pub compiler: String,
    /// The time at which the import began.
    pub started: Timestamp,
    /// The time at which it ended.
    pub finished: Timestamp,
}

impl ImportRecord {
    /// The predicate as JSON with a final line break. Each call invents another invocation.
    pub fn to_predicate(&self) -> String {
        self.predicate(&random_uuid())
    }

    fn predicate(&self, invocation: &str) -> String {
        let predicate = json!({
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "source": { "uri": self.uri, "digest": { "gitCommit": self.commit } },
                    "kitfile": { "digest": { "sha256": self.config.hex() } },
                },
                "resolvedDependencies": [],
            },
            "runDetails": {
                "builder": { "id": BUILDER, "version": { "kit": self.kit, "rust": self.compiler } },
                "metadata": {
                    "invocationId": invocation,
                    "startedOn": format!("{:.9}", self.started),
                    "finishedOn": format!("{:.9}", self.finished),
                },
            },
        });
        let text = serde_json::to_string_pretty(&predicate).expect("a value with string keys can be written as JSON");
        format!("{text}\n")
    }
}

/// A random UUID (RFC 9562, 5.4). The keys of `RandomState` are random.
fn random_uuid() -> String {
    let mut half = [RandomState::new().hash_one(0), RandomState::new().hash_one(1)];
    half[0] = half[0] & !0xf000 | 0x4000;
    half[1] = half[1] & !(0b11 << 62) | 0b10 << 62;
    let hex = format!("{:016x}{:016x}", half[0], half[1]);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_predicate_has_the_fields_of_kitops() {
        let record = ImportRecord {
            uri: "hf://ada/net".to_owned(),
            commit: "0123abc".to_owned(),
            config: Digest::of(b""),
            kit: "1.2.3".to_owned(),
            compiler: "rustc 1.89.0".to_owned(),
            started: "2026-01-02T03:04:05Z".parse().unwrap(),
            finished: "2026-01-02T03:04:06.5Z".parse().unwrap(),
        };
        expect_test::expect![[r#"
            {
              "buildDefinition": {
                "buildType": "https://kitops.org/import/v1",
                "externalParameters": {
                  "source": {
                    "uri": "hf://ada/net",
                    "digest": {
                      "gitCommit": "0123abc"
                    }
                  },
                  "kitfile": {
                    "digest": {
                      "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
                    }
                  }
                },
                "resolvedDependencies": []
              },
              "runDetails": {
                "builder": {
                  "id": "https://kitops.org/kit",
                  "version": {
                    "kit": "1.2.3",
                    "rust": "rustc 1.89.0"
                  }
                },
                "metadata": {
                  "invocationId": "ID",
                  "startedOn": "2026-01-02T03:04:05.000000000Z",
                  "finishedOn": "2026-01-02T03:04:06.500000000Z"
                }
              }
            }
        "#]]
        .assert_eq(&record.predicate("ID"));
    }

    #[test]
    fn an_invocation_is_a_random_uuid() {
        let (one, other) = (random_uuid(), random_uuid());
        assert_ne!(one, other);
        for uuid in [one, other] {
            let lengths: Vec<_> = uuid.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{uuid}");
            assert!(uuid[14..].starts_with('4') && ["8", "9", "a", "b"].contains(&&uuid[19..20]), "{uuid}");
        }
    }
}
