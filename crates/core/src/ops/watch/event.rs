//! Events about watched tags and versions, as CloudEvents (CloudEvents 1.0, "JSON Event Format").

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;
use crate::oci::Descriptor;
use crate::provenance::PREDICATE_ANNOTATION;
use crate::trust::{PLAIN_SIGNATURE, PREDICATE_TYPE_ANNOTATION, is_bundle_type};

/// The type of the statement that recalls a version.
const RECALL: &str = "urn:kit:recall:v1";

const VERSION: &str = "1.0";
const DATA_TYPE: &str = "application/json";

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// A tag points to another version.
    #[serde(rename = "kit.tag.moved")]
    TagMoved,
    /// A tag exists that did not exist before.
    #[serde(rename = "kit.version.appeared")]
    VersionAppeared,
    /// A tag no longer exists.
    #[serde(rename = "kit.tag.removed")]
    TagRemoved,
    /// A version was recalled or withdrawn.
    #[serde(rename = "kit.recall.attached")]
    RecallAttached,
    /// An attestation was attached to a version.
    #[serde(rename = "kit.attestation.attached")]
    AttestationAttached,
    /// A signature was attached to a version.
    #[serde(rename = "kit.signature.attached")]
    SignatureAttached,
    /// Another document was attached to a version.
    #[serde(rename = "kit.referrer.attached")]
    ReferrerAttached,
}

impl EventKind {
    /// The type of the event.
    pub fn name(self) -> &'static str {
        match self {
            Self::TagMoved => "kit.tag.moved",
            Self::VersionAppeared => "kit.version.appeared",
            Self::TagRemoved => "kit.tag.removed",
            Self::RecallAttached => "kit.recall.attached",
            Self::AttestationAttached => "kit.attestation.attached",
            Self::SignatureAttached => "kit.signature.attached",
            Self::ReferrerAttached => "kit.referrer.attached",
        }
    }
}

/// A document that was attached to a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachedKind {
    /// The digest of its manifest.
    pub digest: Digest,
    /// Its artifact type.
    pub artifact_type: Option<String>,
    /// The type of its statement, if it is an attestation.
    pub predicate_type: Option<String>,
}

impl AttachedKind {
    /// The document of an entry in a list of referrers.
    pub(super) fn of(descriptor: &Descriptor) -> Self {
        let annotation = |name: &str| descriptor.annotations.get(name).filter(|text| !text.is_empty()).cloned();
        Self {
            digest: descriptor.digest,
            artifact_type: descriptor.artifact_type.as_ref().map(ToString::to_string),
            predicate_type: annotation(PREDICATE_ANNOTATION).or_else(|| annotation(PREDICATE_TYPE_ANNOTATION)),
        }
    }

    /// Returns true if the type of a statement is expected, but the entry in the list does not contain it.
    pub(super) fn is_incomplete(&self) -> bool {
        self.predicate_type.is_none()
            && self.artifact_type.as_deref().is_none_or(|it| it.is_empty() || is_bundle_type(it))
    }

    /// The kind of the event that it was attached.
    pub(super) fn event_kind(&self) -> EventKind {
        match (self.predicate_type.as_deref(), self.artifact_type.as_deref()) {
            (Some(RECALL), _) => EventKind::RecallAttached,
            (Some(PLAIN_SIGNATURE), _) => EventKind::SignatureAttached,
            (Some(_), _) => EventKind::AttestationAttached,
            (None, Some(kind)) if kind.contains("signature") || kind.contains("cosign.artifact.sig") => {
                EventKind::SignatureAttached
            }
            _ => EventKind::ReferrerAttached,
        }
    }
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "CloudEvent", into = "CloudEvent")]
pub struct WatchEvent {
    /// An identifier that stays the same, however often the event is delivered.
    pub id: String,
    /// The kind.
    pub kind: EventKind,
    /// The time at which it was noticed.
    pub time: String,
    /// The repository with its registry.
    pub repository: String,
    /// The tag; for a document that was attached, the watched tags of the version.
    pub tags: Vec<String>,
    /// The version; `None` if the tag was removed.
    pub digest: Option<Digest>,
    /// The version that the tag pointed to before.
    pub previous: Option<Digest>,
    /// The document that was attached.
    pub attached: Option<AttachedKind>,
}

/// The JSON of an event.
#[derive(Serialize, Deserialize)]
struct CloudEvent {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: EventKind,
    subject: String,
    time: String,
    datacontenttype: String,
    data: Data,
}

#[derive(Serialize, Deserialize)]
struct Data {
    reference: String,
    repository: String,
    tags: Vec<String>,
    digest: Option<Digest>,
    previous: Option<Digest>,
    attached: Option<AttachedKind>,
}

impl WatchEvent {
    /// An event of this kind at the time `time`, without a version.
    pub(super) fn new(kind: EventKind, repository: &str, tags: Vec<String>, time: Timestamp) -> Self {
        let (repository, time) = (repository.to_owned(), time.to_string());
        Self { id: String::new(), kind, time, repository, tags, digest: None, previous: None, attached: None }
    }

    /// The same event with its identifier. It has no full stop, which separates it from other parts of what a webhook
    /// signs.
    #[must_use]
    pub(super) fn identified(self) -> Self {
        let content = format!("{:?}", (&self.kind, &self.time, &self.reference(), self.digest, self.previous));
        let attached = self.attached.as_ref().map_or_else(String::new, |attached| attached.digest.to_string());
        let digits = Digest::of(format!("{content} {attached}").as_bytes()).hex();
        Self { id: format!("evt_{}", &digits[..32]), ..self }
    }

    /// The name of the tag, or of the version that something was attached to.
    pub fn reference(&self) -> String {
        match (&self.attached, self.digest, self.tags.first()) {
            (None, _, Some(tag)) => format!("{}:{tag}", self.repository),
            (_, Some(digest), _) => format!("{}@{digest}", self.repository),
            _ => self.repository.clone(),
        }
    }

    /// The event as a document.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("an event consists of texts and lists")
    }
}

impl From<WatchEvent> for CloudEvent {
    fn from(event: WatchEvent) -> Self {
        let reference = event.reference();
        let WatchEvent { id, kind, time, repository, tags, digest, previous, attached } = event;
        let of_tag = || tags.first().cloned().unwrap_or_default();
        let subject = digest.filter(|_| attached.is_some()).map_or_else(of_tag, |digest| digest.to_string());
        Self {
            specversion: VERSION.to_owned(),
            id,
            source: format!("oci://{repository}"),
            kind,
            subject,
            time,
            datacontenttype: DATA_TYPE.to_owned(),
            data: Data { reference, repository, tags, digest, previous, attached },
        }
    }
}

impl From<CloudEvent> for WatchEvent {
    fn from(CloudEvent { id, kind, time, data, .. }: CloudEvent) -> Self {
        let Data { repository, tags, digest, previous, attached, .. } = data;
        Self { id, kind, time, repository, tags, digest, previous, attached }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn moved() -> WatchEvent {
        let time = "2026-11-29T12:00:00Z".parse().unwrap();
        let event = WatchEvent::new(EventKind::TagMoved, "kit.example:5000/a/b", vec!["v1".to_owned()], time);
        WatchEvent { digest: Some(Digest::of(b"new")), previous: Some(Digest::of(b"old")), ..event }.identified()
    }

    #[test]
    fn an_event_is_a_cloud_event_and_can_be_read_again() {
        let event = moved();
        let document = event.to_json();
        let expected = json!({
            "specversion": "1.0",
            "id": event.id,
            "source": "oci://kit.example:5000/a/b",
            "type": "kit.tag.moved",
            "subject": "v1",
            "time": "2026-11-29T12:00:00Z",
            "datacontenttype": "application/json",
            "data": {
                "reference": "kit.example:5000/a/b:v1",
                "repository": "kit.example:5000/a/b",
                "tags": ["v1"],
                "digest": Digest::of(b"new"),
                "previous": Digest::of(b"old"),
                "attached": null,
            },
        });
        assert_eq!(document, expected);
        assert_eq!(serde_json::from_value::<WatchEvent>(document).unwrap(), event);
        for kind in [
            EventKind::TagMoved,
            EventKind::VersionAppeared,
            EventKind::TagRemoved,
            EventKind::RecallAttached,
            EventKind::AttestationAttached,
            EventKind::SignatureAttached,
            EventKind::ReferrerAttached,
        ] {
            assert_eq!(json!(kind), kind.name());
        }
    }

    #[test]
    fn identifiers_differ_and_have_no_full_stop() {
        let event = moved();
        let other = WatchEvent { digest: Some(Digest::of(b"newer")), ..moved() }.identified();
        assert_eq!(event.id, moved().id);
        assert_ne!(event.id, other.id);
        assert!(!event.id.contains('.') && event.id.starts_with("evt_") && event.id.len() == 36, "{}", event.id);
    }

    #[test]
    fn attached_documents_are_named_by_their_statements() {
        let of = |artifact_type: &str, predicate_type: Option<&str>| AttachedKind {
            digest: Digest::of(b""),
            artifact_type: Some(artifact_type.to_owned()).filter(|kind| !kind.is_empty()),
            predicate_type: predicate_type.map(str::to_owned),
        };
        let bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
        for (attached, kind, is_incomplete) in [
            (of(bundle, Some("urn:kit:recall:v1")), EventKind::RecallAttached, false),
            (of(bundle, Some("https://sigstore.dev/cosign/sign/v1")), EventKind::SignatureAttached, false),
            (of(bundle, Some("https://slsa.dev/provenance/v1")), EventKind::AttestationAttached, false),
            (of(bundle, None), EventKind::ReferrerAttached, true),
            (of("", None), EventKind::ReferrerAttached, true),
            (of("application/vnd.cncf.notary.signature", None), EventKind::SignatureAttached, false),
            (of("application/vnd.cyclonedx+json", None), EventKind::ReferrerAttached, false),
        ] {
            assert_eq!((attached.event_kind(), attached.is_incomplete()), (kind, is_incomplete), "{attached:?}");
        }
    }
}
