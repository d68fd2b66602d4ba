//! Object stores with the S3 protocol: the URL of an object, with the right to read it as a signature in the URL.

use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};

use super::keys::{AccessKeys, KeySources};
use crate::registry::error::Error;

/// The configuration of object stores: values that the caller has read from the environment.
#[derive(Debug, Clone, Default)]
pub struct ObjectStore {
    /// The URL below which each bucket is a folder; Amazon's if there is none.
    pub endpoint: Option<String>,
    /// The region of the buckets, by Amazon's name; that of the profile, or `us-east-1`, if there is none.
    pub region: Option<String>,
    /// The sources of the keys. If none has any, only public objects can be read.
    pub keys: KeySources,
}

/// The scheme of addresses in an object store.
pub(super) const SCHEME: &str = "s3://";
/// A week, the longest permitted validity of a signed URL: downloads of large objects send many requests.
const VALIDITY: Duration = Duration::from_secs(604_800);
const REGION: &str = "us-east-1";

impl ObjectStore {
    /// The URL of the object `s3://BUCKET/KEY[?versionId=VERSION]`. With access keys it is signed at the time `now`.
    pub(super) fn url(&self, address: &str, keys: Option<&AccessKeys>, now: Timestamp) -> Result<Url, Error> {
        // The address may contain a secret in a wrong place, and is not shown.
        let unfit = || Error::Setting("not the address of an object: write s3://BUCKET/KEY, without keys".to_owned());
        let object = Object::parse(address).ok_or_else(unfit)?;
        let bucket = self.bucket(object.bucket)?;
        let credentials = keys.map(|AccessKeys { id, secret, session_token }| match session_token {
            Some(token) => Credentials::new_with_token(id, secret, token),
            None => Credentials::new(id, secret),
        });
        let mut action = bucket.get_object(credentials.as_ref(), &object.key);
        if let Some(version) = &object.version {
            action.query_mut().insert("versionId", version.as_str());
        }
        Ok(action.sign_with_time(VALIDITY, &now))
    }

    fn bucket(&self, name: &str) -> Result<Bucket, Error> {
        let region = self.region.as_deref().unwrap_or(REGION);
        let place = self.endpoint.clone().unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        // The certificate of Amazon covers one label before its domain, and a dot in the bucket makes it two.
        let is_folder = self.endpoint.is_some() || name.contains('.');
        let style = if is_folder { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let endpoint = Url::parse(&place).ok();
        let bucket = endpoint.and_then(|url| Bucket::new(url, style, name.to_owned(), region.to_owned()).ok());
        bucket.ok_or_else(|| Error::Setting(format!("`{place}` is not the address of an object store for `{name}`")))
    }
}

/// The place of an object.
struct Object<'a> {
    bucket: &'a str,
    key: String,
    version: Option<String>,
}

impl<'a> Object<'a> {
    /// The characters of a bucket are restricted, so that it cannot be another host, and a key must not be resolved as
    /// the path of a file: it could then be in another bucket.
    fn parse(address: &'a str) -> Option<Self> {
        let address = address.strip_prefix(SCHEME)?;
        let (place, query) = address.split_once('?').unwrap_or((address, ""));
        let decoded = |text: &str| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
        let (bucket, key) = place.split_once('/')?;
        let key = decoded(key)?;
        let is_name = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-' | '_');
        let is_bucket = bucket.contains(|sign: char| sign != '.') && bucket.chars().all(is_name);
        if !is_bucket || key.is_empty() || key.split('/').any(|part| matches!(part, "." | "..")) {
            return None;
        }
        let version = query.split('&').find_map(|pair| pair.strip_prefix("versionId="));
        Some(Self { bucket, key, version: version.map_or(Some(None), |it| decoded(it).map(Some))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> AccessKeys {
        AccessKeys {
            id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
        }
    }

    #[test]
    fn objects_have_urls() {
        let amazon = ObjectStore::default();
        let own = ObjectStore { endpoint: Some("http://minio:9000/".to_owned()), ..ObjectStore::default() };
        let below = ObjectStore { endpoint: Some("https://example.com/s3".to_owned()), ..ObjectStore::default() };
        let far = ObjectStore { region: Some("eu-west-1".to_owned()), ..ObjectStore::default() };
        for (store, address, expected) in [
            (&amazon, "s3://data/a/b.csv", Some("https://data.s3.us-east-1.amazonaws.com/a/b.csv")),
            (&far, "s3://my.data/b", Some("https://s3.eu-west-1.amazonaws.com/my.data/b")),
            (&own, "s3://data/a b+c=é", Some("http://minio:9000/data/a%20b%2Bc%3D%C3%A9")),
            (&own, "s3://data/a%20b", Some("http://minio:9000/data/a%20b")),
            (&own, "s3://data//a", Some("http://minio:9000/data//a")),
            (&own, "s3://data/a?x=y&versionId=1/2", Some("http://minio:9000/data/a?versionId=1%2F2")),
            (&below, "s3://data/a", Some("https://example.com/s3/data/a")),
            (&amazon, "s3://data", None),
            (&amazon, "s3://data/", None),
            (&amazon, "s3:///a", None),
            (&amazon, "s3://evil.example#/a", None),
            (&amazon, "s3://ada@data/a", None),
            (&amazon, "s3://data/%FF", None),
            (&own, "s3://data/../other/a", None),
            (&own, "s3://data/a/%2e%2E/b", None),
            (&own, "s3://../a", None),
        ] {
            let url = store.url(address, None, Timestamp::UNIX_EPOCH);
            assert_eq!(url.ok().map(String::from).as_deref(), expected, "{address}");
        }
        for endpoint in ["minio:9000", "ftp://minio", "", "s3://a"] {
            let store = ObjectStore { endpoint: Some(endpoint.to_owned()), ..ObjectStore::default() };
            let error = store.url("s3://data/a", None, Timestamp::UNIX_EPOCH).unwrap_err();
            assert!(matches!(error, Error::Setting(_)), "{endpoint}");
        }
    }

    /// The signatures are those of botocore 1.43 for the same requests.
    #[test]
    fn a_signature_covers_the_request() {
        let now = "2013-05-24T00:00:00Z".parse().unwrap();
        let signed =
            |store: &ObjectStore, address, keys: AccessKeys| store.url(address, Some(&keys), now).unwrap().to_string();
        let mut store = ObjectStore::default();
        let first = "https://examplebucket.s3.us-east-1.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
                     &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
                     &X-Amz-Date=20130524T000000Z&X-Amz-Expires=604800&X-Amz-SignedHeaders=host\
                     &X-Amz-Signature=9cfd9648e3059e33687400d62037c60f3c87b5a819baddfca87d50062420a578";
        assert_eq!(signed(&store, "s3://examplebucket/test.txt", keys()), first);
        store.endpoint = Some("http://minio:9000".to_owned());
        store.region = Some("eu-west-1".to_owned());
        let temporary = AccessKeys { session_token: Some("t0/ken==".to_owned()), ..keys() };
        let second = "&X-Amz-Security-Token=t0%2Fken%3D%3D&X-Amz-SignedHeaders=host&versionId=3%2F4\
                      &X-Amz-Signature=8ad18b3a6d085d95b6788dca50b3d317e5c8aab3ad60a76695ec2389314bdac3";
        let url = signed(&store, "s3://data/a%20b?versionId=3/4", temporary);
        assert!(url.ends_with(second), "{url}");
    }
}
