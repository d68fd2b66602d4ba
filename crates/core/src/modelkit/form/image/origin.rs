//! Recognizing the image form of a ModelKit, which has the types of any container image, by its history.

use serde::Deserialize;

use super::assemble::{CONFIG_TYPE, LAYER_MARK};
use crate::oci::Manifest;

/// The config of an image, as far as it shows the origin of the layers. Other tools may write any value.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    history: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    created_by: Option<String>,
}

/// Returns true if `manifest` has the types of an image.
pub(crate) fn is_image(manifest: &Manifest) -> bool {
    manifest.config.media_type == CONFIG_TYPE
}

/// Returns true if the image with the config `config` has layers of a ModelKit.
pub(crate) fn is_form_of_modelkit(config: &[u8]) -> bool {
    let Ok(config) = serde_json::from_slice::<Config>(config) else { return false };
    config.history.iter().filter_map(|step| step.created_by.as_deref()).any(|by| by.starts_with(LAYER_MARK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_layers_of_a_modelkit_make_an_image_one_of_its_forms() {
        for (config, expected) in [
            (r#"{"history":[{"created_by":"RUN apt"},{"created_by":"kit pack: model net.bin"}]}"#, true),
            (r#"{"history":[{"created_by":"RUN kit pack: x"},{"created_by":null},{}]}"#, false),
            (r#"{"history":[]}"#, false),
            ("{}", false),
            ("[", false),
        ] {
            assert_eq!(is_form_of_modelkit(config.as_bytes()), expected, "{config}");
        }
    }
}
