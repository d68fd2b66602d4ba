//! The identity of a pod or a workflow, exchanged for temporary access keys (AWS Security Token Service,
//! `AssumeRoleWithWebIdentity`).

use std::path::PathBuf;

use fs_err as fs;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::sources::AccessKeys;
use crate::registry::client::Client;
use crate::registry::error::{Cause, Error};
use crate::registry::web::service::HttpRequest;

/// A file with a token, and the role that its bearer may assume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebIdentity {
    /// The file with the token, which is replaced from time to time.
    pub token_file: PathBuf,
    /// The name of the role.
    pub role: String,
    /// A name for the session in the logs of the service.
    pub session: String,
    /// The URL of the service; Amazon's if there is none.
    pub endpoint: Option<String>,
}

const ANSWER_LIMIT: u64 = 64 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";

impl WebIdentity {
    pub(super) fn exchange(&self, client: &Client, region: Option<&str>) -> Result<AccessKeys, Error> {
        let unreadable = |error| Error::CredentialFile { path: self.token_file.clone(), source: Cause::of(&error) };
        let token = fs::read_to_string(&self.token_file).map_err(unreadable)?;
        // The service without a region is in one region only, and slow elsewhere.
        let amazon =
            || region.map_or("https://sts.amazonaws.com".to_owned(), |it| format!("https://sts.{it}.amazonaws.com"));
        let site = client.site(&self.endpoint.clone().unwrap_or_else(amazon), None)?;
        let question = HttpRequest {
            path: vec![String::new()],
            query: None,
            attempt: "exchange the web identity for access keys".to_owned(),
            subject: format!("the role {}", self.role),
        };
        let answer = site.ask(&question, FORM, self.form(token.trim()).into_bytes(), ANSWER_LIMIT)?;
        read(&String::from_utf8_lossy(&answer)).ok_or_else(|| Error::Protocol {
            attempt: question.attempt,
            problem: "the answer does not contain access keys".to_owned(),
        })
    }

    fn form(&self, token: &str) -> String {
        let pairs = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", &self.role),
            ("RoleSessionName", &self.session),
            ("WebIdentityToken", token),
        ];
        let pairs = pairs.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        pairs.join("&")
    }
}

/// Reads the answer, which is XML. The keys consist of letters, digits and `/+=`, so nothing in them is escaped.
fn read(xml: &str) -> Option<AccessKeys> {
    let element = |name: &str| {
        let (_, rest) = xml.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| text.trim().to_owned())
    };
    Some(AccessKeys {
        id: element("AccessKeyId")?,
        secret: element("SecretAccessKey")?,
        session_token: Some(element("SessionToken")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_read() {
        let xml = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\n\
                   <SessionToken>t/+=</SessionToken><SecretAccessKey>b</SecretAccessKey>\
                   <AccessKeyId>a</AccessKeyId></Credentials>";
        let expected = AccessKeys { id: "a".into(), secret: "b".into(), session_token: Some("t/+=".into()) };
        assert_eq!(read(xml), Some(expected));
        assert_eq!(read("<AccessKeyId>a</AccessKeyId>"), None);
        assert_eq!(read("</AccessKeyId><AccessKeyId>"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_answer_can_be_read(xml in ".*|(</?(AccessKeyId|SecretAccessKey|SessionToken)>|[a-z])*") {
            if let Some(keys) = read(&xml) {
                assert!(xml.contains(&keys.id) && xml.contains(&keys.secret));
            }
        }
    }
}
