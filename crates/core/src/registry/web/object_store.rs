//! Object stores with the S3 protocol: the URL of an object, with the right to read it as a signature in the URL.

use std::fmt;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::Url;
use ring::hmac;

use crate::digest::Digest;
use crate::registry::error::Error;
use crate::registry::http::host_and_port;

/// The configuration of object stores: values that the caller has read from the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectStore {
    /// The URL below which each bucket is a folder; Amazon's if there is none.
    pub endpoint: Option<String>,
    /// The region of the buckets, by Amazon's name; `us-east-1` if there is none.
    pub region: Option<String>,
    /// The keys. Without them, only public objects can be read.
    pub keys: Option<AccessKeys>,
}

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

/// The scheme of addresses in an object store.
pub(super) const SCHEME: &str = "s3://";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// A week, the longest permitted validity of a signed URL: downloads of large objects send many requests.
const VALID_SECONDS: &str = "604800";
/// The characters that are encoded in a request to be signed (Signature Version 4, `UriEncode`).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl ObjectStore {
    /// The URL of the object `s3://BUCKET/KEY[?versionId=VERSION]`. With access keys it is signed at the time `now`.
    pub(super) fn url(&self, address: &str, now: Timestamp) -> Result<Url, Error> {
        let unfit = || Error::Setting(format!("`{address}` is not the address of an object: write s3://BUCKET/KEY"));
        let (bucket, key, version) = parse(address).ok_or_else(unfit)?;
        let path = key.split('/').map(encoded).collect::<Vec<_>>().join("/");
        let region = self.region.as_deref().unwrap_or("us-east-1");
        let place = match &self.endpoint {
            Some(endpoint) => format!("{}/{bucket}/{path}", endpoint.trim_end_matches('/')),
            // The certificate of Amazon covers one label before its domain, and a dot in the bucket makes it two.
            None if bucket.contains('.') => format!("https://s3.{region}.amazonaws.com/{bucket}/{path}"),
            None => format!("https://{bucket}.s3.{region}.amazonaws.com/{path}"),
        };
        let url = Url::parse(&place).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
        let mut url = url.ok_or_else(|| Error::Setting(format!("`{place}` is not the address of a web server")))?;
        let version = version.map(|version| ("versionId", version));
        match &self.keys {
            Some(keys) => url.set_query(Some(&keys.sign(&url, region, version, now))),
            None => url.set_query(version.map(|pair| in_query(&pair)).as_deref()),
        }
        Ok(url)
    }
}

impl AccessKeys {
    /// The query of the URL that reads the object at `url` (Signature Version 4, "Using query parameters").
    fn sign(&self, url: &Url, region: &str, version: Option<(&str, String)>, now: Timestamp) -> String {
        let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let date = &time[..8];
        let scope = format!("{date}/{region}/s3/aws4_request");
        // Sorted by name, as the signature requires.
        let pairs = [
            Some(("X-Amz-Algorithm", ALGORITHM.to_owned())),
            Some(("X-Amz-Credential", format!("{}/{scope}", self.id))),
            Some(("X-Amz-Date", time.clone())),
            Some(("X-Amz-Expires", VALID_SECONDS.to_owned())),
            self.session_token.clone().map(|token| ("X-Amz-Security-Token", token)),
            Some(("X-Amz-SignedHeaders", "host".to_owned())),
            version,
        ];
        let query = pairs.iter().flatten().map(in_query).collect::<Vec<_>>().join("&");
        let (path, host) = (url.path(), host_and_port(url));
        let request = format!("GET\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
        let text = format!("{ALGORITHM}\n{time}\n{scope}\n{}", Digest::of(request.as_bytes()).hex());
        let first = format!("AWS4{}", self.secret).into_bytes();
        let key = [date, region, "s3", "aws4_request"].iter().fold(first, |key, part| hashed(&key, part));
        let signed = format!("{query}&X-Amz-Signature=");
        hashed(&key, &text).iter().fold(signed, |signed, byte| format!("{signed}{byte:02x}"))
    }
}

/// Returns bucket, key and version. The characters of a bucket are restricted, so that it cannot be another host.
fn parse(address: &str) -> Option<(&str, String, Option<String>)> {
    let address = address.strip_prefix(SCHEME)?;
    let (place, query) = address.split_once('?').unwrap_or((address, ""));
    let decoded = |text: &str| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
    let (bucket, key) = place.split_once('/')?;
    let is_name = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-' | '_');
    let version = query.split('&').find_map(|pair| pair.strip_prefix("versionId="));
    let is_object = !bucket.is_empty() && bucket.chars().all(is_name) && !key.is_empty();
    if is_object {
        Some((bucket, decoded(key)?, version.map_or(Some(None), |it| decoded(it).map(Some))?))
    } else {
        None
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn in_query((name, value): &(&str, String)) -> String {
    format!("{name}={}", encoded(value))
}

fn hashed(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
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
        let far = ObjectStore { region: Some("eu-west-1".to_owned()), ..ObjectStore::default() };
        for (store, address, expected) in [
            (&amazon, "s3://data/a/b.csv", Some("https://data.s3.us-east-1.amazonaws.com/a/b.csv")),
            (&far, "s3://my.data/b", Some("https://s3.eu-west-1.amazonaws.com/my.data/b")),
            (&own, "s3://data/a b+c=é", Some("http://minio:9000/data/a%20b%2Bc%3D%C3%A9")),
            (&own, "s3://data/a%20b", Some("http://minio:9000/data/a%20b")),
            (&own, "s3://data//a", Some("http://minio:9000/data//a")),
            (&own, "s3://data/a?x=y&versionId=1/2", Some("http://minio:9000/data/a?versionId=1%2F2")),
            (&amazon, "s3://data", None),
            (&amazon, "s3://data/", None),
            (&amazon, "s3:///a", None),
            (&amazon, "s3://evil.example#/a", None),
            (&amazon, "s3://ada@data/a", None),
            (&amazon, "s3://data/%FF", None),
        ] {
            assert_eq!(store.url(address, Timestamp::UNIX_EPOCH).ok().map(String::from).as_deref(), expected);
        }
    }

    /// The digests are those of botocore 1.43 for the same requests.
    #[test]
    fn a_signature_covers_the_request() {
        let now = "2013-05-24T00:00:00Z".parse().unwrap();
        let signed = |store: &ObjectStore, address| store.url(address, now).unwrap().to_string();
        let mut store = ObjectStore { keys: Some(keys()), ..ObjectStore::default() };
        let first = "https://examplebucket.s3.us-east-1.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
                     &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
                     &X-Amz-Date=20130524T000000Z&X-Amz-Expires=604800&X-Amz-SignedHeaders=host\
                     &X-Amz-Signature=9cfd9648e3059e33687400d62037c60f3c87b5a819baddfca87d50062420a578";
        assert_eq!(signed(&store, "s3://examplebucket/test.txt"), first);
        store.endpoint = Some("http://minio:9000".to_owned());
        store.region = Some("eu-west-1".to_owned());
        store.keys = Some(AccessKeys { session_token: Some("t0/ken==".to_owned()), ..keys() });
        let second = "&X-Amz-Security-Token=t0%2Fken%3D%3D&X-Amz-SignedHeaders=host&versionId=3%2F4\
                      &X-Amz-Signature=8ad18b3a6d085d95b6788dca50b3d317e5c8aab3ad60a76695ec2389314bdac3";
        assert!(signed(&store, "s3://data/a%20b?versionId=3/4").ends_with(second));
    }

    #[test]
    fn debug_hides_secrets() {
        let keys = AccessKeys { session_token: Some("t0ken".to_owned()), ..keys() };
        let shown = format!("{:?}", ObjectStore { keys: Some(keys), ..ObjectStore::default() });
        assert!(shown.contains("AKIAIOSFODNN7EXAMPLE") && !shown.contains("wJal") && !shown.contains("t0ken"));
    }
}
