//! Signatures of webhooks as in the Standard Webhooks specification 1.0: HMAC-SHA256 with a secret that the sender and
//! the receiver share.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::{HMAC_SHA256, Key, sign};
use zeroize::Zeroizing;

/// The beginning of a secret ("Signature scheme", "Secret serialization").
const PREFIX: &str = "whsec_";

/// The permitted sizes of a secret in bytes ("Signature scheme": 192 to 512 bits).
const SIZES: std::ops::RangeInclusive<usize> = 24..=64;

/// The secrets that a webhook is signed with. There are several while a secret is replaced, and the receiver may know
/// any of them.
pub struct WebhookSecrets(Vec<Key>);

/// The reason why a text is not a secret. It does not contain the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookSecretError {
    /// There is no secret in the text.
    #[error("it is empty")]
    Empty,
    /// Not base64.
    #[error("it is not base64 after `whsec_`")]
    NotBase64,
    /// Another size than the specification permits.
    #[error("it has {0} bytes, and a secret has 24 to 64")]
    Size(usize),
}

impl WebhookSecrets {
    /// Reads one secret, or several with spaces between them. The prefix `whsec_` may be missing.
    pub fn parse(text: &str) -> Result<Self, WebhookSecretError> {
        let keys = text.split_whitespace().map(|secret| {
            let secret = secret.strip_prefix(PREFIX).unwrap_or(secret);
            let bytes = Zeroizing::new(STANDARD.decode(secret).map_err(|_| WebhookSecretError::NotBase64)?);
            if SIZES.contains(&bytes.len()) {
                Ok(Key::new(HMAC_SHA256, &bytes))
            } else {
                Err(WebhookSecretError::Size(bytes.len()))
            }
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(WebhookSecretError::Empty) } else { Ok(Self(keys)) }
    }

    /// The value of the header `webhook-signature`: a signature with each secret. `timestamp` is the time of the
    /// attempt in seconds.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let signed = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
        let signatures = self.0.iter().map(|key| format!("v1,{}", STANDARD.encode(sign(key, &signed))));
        signatures.collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookSecrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const FIRST: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    /// The vector of the reference libraries (standard-webhooks/libraries, `test_sign_function`).
    #[test]
    fn the_published_vector_is_reproduced() {
        for secret in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"] {
            assert_eq!(WebhookSecrets::parse(secret).unwrap().sign(ID, 1_614_265_330, BODY), FIRST);
        }
    }

    #[test]
    fn a_secret_that_is_replaced_signs_as_well() {
        let both = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let signed = WebhookSecrets::parse(both).unwrap().sign(ID, 1_614_265_330, BODY);
        let (first, second) = signed.split_once(' ').unwrap();
        assert_eq!(first, FIRST);
        assert!(second.starts_with("v1,") && second != FIRST, "{second}");
    }

    #[test]
    fn a_secret_that_is_too_short_or_damaged_is_refused_without_showing_it() {
        let short = STANDARD.encode([7; 23]);
        let long = STANDARD.encode([7; 65]);
        for (text, expected) in [
            ("", WebhookSecretError::Empty),
            ("whsec_hunter2!", WebhookSecretError::NotBase64),
            (&*format!("whsec_{short}"), WebhookSecretError::Size(23)),
            (&*format!("whsec_{long}"), WebhookSecretError::Size(65)),
        ] {
            let error = WebhookSecrets::parse(text).unwrap_err();
            assert_eq!(error, expected);
            assert!(!error.to_string().contains("hunter2"));
        }
        let secrets = WebhookSecrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(format!("{secrets:?}"), "WebhookSecrets(1)");
    }
}
