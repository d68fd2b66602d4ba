//! The object store of `s3` addresses, from the variables of KitOps and of the AWS tools.

use std::path::PathBuf;

use kit_core::registry::{AccessKeys, ContainerKeys, KeySources, ObjectStore, ProfileFiles, WebIdentity};

/// Reads the variables. Those of KitOps take precedence. `home` is the home directory of the user.
pub(super) fn object_store(text: &dyn Fn(&str) -> Option<String>, home: Option<PathBuf>) -> ObjectStore {
    let any = |names: &[&str]| names.iter().find_map(|name| text(name));
    ObjectStore {
        endpoint: any(&["S3_API_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]),
        region: any(&["S3_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"]),
        keys: KeySources {
            given: given(text),
            web_identity: web_identity(text),
            profile: profile(text, home),
            container: container(text),
        },
    }
}

fn given(text: &dyn Fn(&str) -> Option<String>) -> Option<AccessKeys> {
    let keys = |id, secret, session_token: Option<String>| {
        Some(AccessKeys { id: text(id)?, secret: text(secret)?, session_token })
    };
    let own = keys("S3_ACCESS_KEY_ID", "S3_SECRET_KEY", None);
    own.or_else(|| keys("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", text("AWS_SESSION_TOKEN")))
}

fn web_identity(text: &dyn Fn(&str) -> Option<String>) -> Option<WebIdentity> {
    Some(WebIdentity {
        token_file: text("AWS_WEB_IDENTITY_TOKEN_FILE")?.into(),
        role: text("AWS_ROLE_ARN")?,
        session: text("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| "kit".to_owned()),
        endpoint: text("AWS_ENDPOINT_URL_STS").or_else(|| text("AWS_ENDPOINT_URL")),
    })
}

fn profile(text: &dyn Fn(&str) -> Option<String>, home: Option<PathBuf>) -> Option<ProfileFiles> {
    let folder = home.map(|home| home.join(".aws"));
    let file = |variable, name| text(variable).map(PathBuf::from).or_else(|| Some(folder.as_ref()?.join(name)));
    let chosen = text("AWS_PROFILE");
    Some(ProfileFiles {
        is_chosen: chosen.is_some(),
        name: chosen.unwrap_or_else(|| "default".to_owned()),
        config: file("AWS_CONFIG_FILE", "config")?,
        credentials: file("AWS_SHARED_CREDENTIALS_FILE", "credentials")?,
    })
}

fn container(text: &dyn Fn(&str) -> Option<String>) -> Option<ContainerKeys> {
    let relative = text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("http://169.254.170.2{path}"));
    Some(ContainerKeys {
        url: relative.or_else(|| text("AWS_CONTAINER_CREDENTIALS_FULL_URI"))?,
        token: text("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        token_file: text("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(PathBuf::from),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_kitops_come_first() {
        let text = |name: &str| match name {
            "AWS_SESSION_TOKEN" => None,
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" => Some("/v2/1".to_owned()),
            name => Some(name.to_owned()),
        };
        let store = object_store(&text, Some("/home/ada".into()));
        assert_eq!(store.endpoint.as_deref(), Some("S3_API_ENDPOINT"));
        assert_eq!(store.region.as_deref(), Some("S3_REGION"));
        assert_eq!(store.keys.given.unwrap().id, "S3_ACCESS_KEY_ID");
        assert_eq!(store.keys.profile.unwrap().name, "AWS_PROFILE");
        assert_eq!(store.keys.web_identity.unwrap().endpoint.as_deref(), Some("AWS_ENDPOINT_URL_STS"));
        assert_eq!(store.keys.container.unwrap().url, "http://169.254.170.2/v2/1");
    }

    #[test]
    fn without_variables_the_default_profile_is_left() {
        let store = object_store(&|_| None, Some("/home/ada".into()));
        let keys = store.keys;
        assert!(keys.given.is_none() && keys.web_identity.is_none() && keys.container.is_none());
        let profile = keys.profile.unwrap();
        assert_eq!((profile.name.as_str(), profile.is_chosen), ("default", false));
        assert_eq!(profile.credentials, PathBuf::from("/home/ada/.aws/credentials"));
        assert!(object_store(&|_| None, None).keys.profile.is_none());
    }
}
