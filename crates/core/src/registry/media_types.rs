//! The media types of answers and of the manifests in them.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde::Deserialize;

use crate::oci::{MediaType, without_bom};

/// The media type of an answer, without parameters and in lower case (RFC 9110, 8.3.1).
pub(super) fn media_type(headers: &HeaderMap) -> Option<MediaType> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let name = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    (!name.is_empty()).then(|| MediaType::from(name))
}

/// The media type of the manifest `bytes` in an answer with `headers`.
///
/// The manifest and the answer must not contradict each other: other programs could read the same bytes as another kind
/// of document (distribution-spec 1.1, "Pulling manifests"). The type of an answer that is not the type of a manifest,
/// such as `application/json`, is ignored.
pub(super) fn type_of_manifest(headers: &HeaderMap, bytes: &[u8]) -> Result<MediaType, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Typed {
        media_type: Option<MediaType>,
    }
    let own = serde_json::from_slice::<Typed>(without_bom(bytes)).ok().and_then(|typed| typed.media_type);
    let own = own.filter(|own| !own.as_str().is_empty());
    match (media_type(headers).filter(MediaType::is_manifest), own) {
        (Some(answered), Some(own)) if !own.as_str().eq_ignore_ascii_case(answered.as_str()) => {
            Err(format!("the answer has the type `{answered}`, but the manifest in it has the type `{own}`"))
        }
        (answered, own) => Ok(own.or(answered).unwrap_or(MediaType::IMAGE_MANIFEST)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn the_type_of_an_answer_has_parameters_and_any_case() {
        const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
        const INDEX: &str = "application/vnd.oci.image.index.v1+json";
        for (answered, own, expected) in [
            (MANIFEST, None, Some(MANIFEST)),
            (MANIFEST, Some(MANIFEST), Some(MANIFEST)),
            ("Application/VND.oci.image.Manifest.v1+json; charset=utf-8", Some(MANIFEST), Some(MANIFEST)),
            ("application/json", Some(INDEX), Some(INDEX)),
            ("text/plain;charset=utf-8", None, Some(MANIFEST)),
            ("", Some(INDEX), Some(INDEX)),
            (INDEX, Some(MANIFEST), None),
            (MANIFEST, Some(INDEX), None),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(answered))]);
            let body = own.map_or_else(|| "{}".to_owned(), |own| format!("\u{feff}{{\"mediaType\":\"{own}\"}} \n"));
            let found = type_of_manifest(&headers, body.as_bytes()).ok();
            assert_eq!(found.as_ref().map(MediaType::as_str), expected, "{answered} {own:?}");
        }
    }
}
