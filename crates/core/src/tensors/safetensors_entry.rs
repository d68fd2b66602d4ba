//! The members of a tensor in the header of a safetensors file.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

use crate::limits;

/// The value of `dtype`.
pub(super) enum DType {
    /// The name of a known type, and its size in bits.
    Known(&'static str, u64),
    /// Another name.
    Unknown(Box<str>),
}

/// The names of types and their size in bits (`Dtype` and `bitsize` in safetensors' `tensor.rs`, 0.7).
const TYPES: [(&str, u64); 22] = [
    ("BOOL", 8),
    ("F4", 4),
    ("F6_E2M3", 6),
    ("F6_E3M2", 6),
    ("U8", 8),
    ("I8", 8),
    ("F8_E5M2", 8),
    ("F8_E4M3", 8),
    ("F8_E8M0", 8),
    ("F8_E4M3FNUZ", 8),
    ("F8_E5M2FNUZ", 8),
    ("I16", 16),
    ("U16", 16),
    ("F16", 16),
    ("BF16", 16),
    ("I32", 32),
    ("U32", 32),
    ("F32", 32),
    ("C64", 64),
    ("F64", 64),
    ("I64", 64),
    ("U64", 64),
];

impl<'de> Deserialize<'de> for DType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = DType;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a type")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<DType, E> {
                let known = TYPES.into_iter().find(|(known, _)| *known == name);
                Ok(known.map_or_else(|| DType::Unknown(name.into()), |(known, bits)| DType::Known(known, bits)))
            }
        }

        deserializer.deserialize_str(Name)
    }
}

/// The value of `shape`. Of a shape with too many dimensions, only one more than the limit is kept.
pub(super) struct Shape(pub(super) Box<[u64]>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Dimensions;

        impl<'de> Visitor<'de> for Dimensions {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of dimensions")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shape, A::Error> {
                let mut shape = Vec::new();
                while shape.len() <= limits::TENSOR_DIMENSIONS
                    && let Some(dimension) = list.next_element()?
                {
                    shape.push(dimension);
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Shape(shape.into()))
            }
        }

        deserializer.deserialize_seq(Dimensions)
    }
}
