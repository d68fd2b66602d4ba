//! Events to a web server: CloudEvents in structured mode (CloudEvents 1.0, "HTTP Protocol Binding"), signed as in the
//! Standard Webhooks specification 1.0.

use jiff::Timestamp;

use super::event::WatchEvent;
use super::sink::{EventSink, SinkError};
use crate::registry::{self, Webhook};
use crate::trust::WebhookSecrets;

const MEDIA_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// Sends each event to a web server.
pub struct WebhookSink {
    webhook: Webhook,
    secrets: WebhookSecrets,
}

impl WebhookSink {
    /// A sink that signs with `secrets`.
    pub fn new(webhook: Webhook, secrets: WebhookSecrets) -> Self {
        Self { webhook, secrets }
    }
}

impl EventSink for WebhookSink {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn title(&self) -> String {
        format!("`{}`", self.webhook.host())
    }

    fn deliver(&self, event: &WatchEvent) -> Result<(), SinkError> {
        let body = event.to_json().to_string().into_bytes();
        // The time of the attempt, against replays; that of the event is in the document.
        let timestamp = Timestamp::now().as_second();
        let headers = [
            ("webhook-id", event.id.clone()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", self.secrets.sign(&event.id, timestamp, &body)),
        ];
        self.webhook.post(MEDIA_TYPE, &headers, body).map_err(|error| match error {
            registry::Error::Status { host, status: 410, .. } => SinkError::Gone(host),
            error => SinkError::Webhook(Box::new(error)),
        })
    }
}
