//! The order in which access keys are searched for: that of the AWS SDKs.

use std::fmt;

use serde::Deserialize;

use super::container::ContainerKeys;
use super::profile::{Profile, ProfileFiles};
use super::web_identity::WebIdentity;
use crate::registry::client::Client;
use crate::registry::error::Error;

/// The credentials of a user for an object store. `Debug` hides the secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKeys {
    /// The key id.
    pub id: String,
    /// The secret.
    pub secret: String,
    /// The token of temporary keys, which expire after some hours.
    pub session_token: Option<String>,
}

impl fmt::Debug for AccessKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessKeys {{ id: {:?}, .. }}", self.id)
    }
}

/// The places that may have access keys. The first that is set is used.
#[derive(Debug, Clone, Default)]
pub struct KeySources {
    /// The keys from variables of the environment.
    pub given: Option<AccessKeys>,
    /// The identity of a pod or a workflow, to be exchanged for keys.
    pub web_identity: Option<WebIdentity>,
    /// The files of the AWS tools.
    pub profile: Option<ProfileFiles>,
    /// The server that gives a container its keys.
    pub container: Option<ContainerKeys>,
}

/// The keys that are used, and the other settings of the profile.
#[derive(Debug, Clone, Default)]
pub(in crate::registry) struct Resolved {
    pub(in crate::registry) keys: Option<AccessKeys>,
    pub(in crate::registry) region: Option<String>,
    pub(in crate::registry) endpoint: Option<String>,
}

impl KeySources {
    /// Finds the keys. This may read files, run a program, or send a request.
    ///
    /// `region` is the region of the object store if it is known.
    pub(in crate::registry) fn resolve(&self, client: &Client, region: Option<&str>) -> Result<Resolved, Error> {
        let profile = self.profile.as_ref().map_or_else(|| Ok(Profile::default()), ProfileFiles::read)?;
        let region = region.map(str::to_owned).or_else(|| profile.region.clone());
        let keys = if let Some(keys) = &self.given {
            Some(keys.clone())
        } else if let Some(identity) = &self.web_identity {
            Some(identity.exchange(client, region.as_deref())?)
        } else if let Some(keys) = profile.keys()? {
            Some(keys)
        } else {
            self.container.as_ref().map(|container| container.request(client)).transpose()?
        };
        Ok(Resolved { keys, region, endpoint: profile.endpoint })
    }
}

/// The keys as programs and servers deliver them: the output of `credential_process`, and the answer of a container's
/// server, which calls the token only `Token`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Delivered {
    access_key_id: String,
    secret_access_key: String,
    #[serde(alias = "Token")]
    session_token: Option<String>,
}

impl Delivered {
    /// Reads JSON. The problem does not quote the text, which may be secret.
    pub(super) fn read(json: &[u8]) -> Result<AccessKeys, String> {
        let found: Self = serde_json::from_slice(json)
            .map_err(|error| format!("the answer does not have the expected fields (line {})", error.line()))?;
        Ok(AccessKeys { id: found.access_key_id, secret: found.secret_access_key, session_token: found.session_token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_secrets() {
        let keys = AccessKeys { id: "AKIA".into(), secret: "wJal".into(), session_token: Some("t0ken".into()) };
        let shown = format!("{:?}", KeySources { given: Some(keys), ..KeySources::default() });
        assert!(shown.contains("AKIA") && !shown.contains("wJal") && !shown.contains("t0ken"));
    }

    #[test]
    fn delivered_keys_are_read_without_quoting_them() {
        let keys = |token: Option<&str>| AccessKeys {
            id: "a".into(),
            secret: "b".into(),
            session_token: token.map(str::to_owned),
        };
        for (json, expected) in [
            (r#"{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b"}"#, Ok(keys(None))),
            (r#"{"AccessKeyId":"a","SecretAccessKey":"b","SessionToken":"c"}"#, Ok(keys(Some("c")))),
            (r#"{"AccessKeyId":"a","SecretAccessKey":"b","Token":"c","Expiration":"x"}"#, Ok(keys(Some("c")))),
            (r#"{"AccessKeyId":"s3cret"}"#, Err(())),
            ("s3cret", Err(())),
        ] {
            let read = Delivered::read(json.as_bytes());
            if let Err(problem) = &read {
                assert!(!problem.contains("s3cret"), "{problem}");
            }
            assert_eq!(read.map_err(drop), expected, "{json}");
        }
    }
}
