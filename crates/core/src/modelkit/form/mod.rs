//! The forms of a ModelKit: layer media types, annotations, ModelPack, container image.

mod annotations;
mod contents;
mod family;
pub(super) mod image;
mod layer_type;
pub(super) mod modelpack;

pub use annotations::PlainFile;
pub(crate) use annotations::{annotate, annotated_mode, annotated_path};
pub use contents::ContentsTable;
pub use family::Family;
pub(crate) use family::is_config;
pub use image::{BaseImage, Image, ImageLayout, InvalidBase, InvalidPlatform, Platform};
pub(crate) use image::{has_models_link, is_form_of_modelkit, is_image};
pub use layer_type::LayerType;
pub use modelpack::ModelFacts;
