//! Statistics on the differences between the numbers of two versions of a tensor.

use std::io::{self, Read};

/// The differences between the numbers of two tensors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NumbersDiff {
    /// The largest absolute difference.
    pub largest: f64,
    /// The Euclidean norm of the difference divided by that of the first tensor; `None` if the quotient is not finite,
    /// because the first norm is zero or a sum overflows.
    pub relative: Option<f64>,
    /// The number of positions whose values differ but have no finite difference, for example because one of them is
    /// infinite or NaN. The other fields ignore them.
    pub without_difference: u64,
}

/// The encoding of a type of numbers.
#[derive(Clone, Copy)]
pub(super) struct Numbers {
    /// The size of a number in bytes.
    bytes: usize,
    /// Returns the first of two numbers, and the second minus the first.
    look: fn(&[u8], &[u8]) -> (f64, f64),
}

/// Returns the encoding of a number type of safetensors or GGUF; `None` for types that are quantised, complex or
/// boolean.
pub(super) fn numbers_of(element_type: &str) -> Option<Numbers> {
    macro_rules! integers {
        ($number:ty) => {
            Numbers {
                bytes: size_of::<$number>(),
                look: |one, other| {
                    let number = |bytes: &[u8]| i128::from(bytes.try_into().map_or(0, <$number>::from_le_bytes));
                    let (one, other) = (number(one), number(other));
                    (to_float(one), to_float(other - one))
                },
            }
        };
    }
    Some(match element_type {
        "F64" => Numbers { bytes: 8, look: |one, other| floats(one, other, f64::from_le_bytes) },
        "F32" => Numbers { bytes: 4, look: |one, other| floats(one, other, |four| f32::from_le_bytes(four).into()) },
        "F16" => Numbers { bytes: 2, look: |one, other| floats(one, other, |two| half(u16::from_le_bytes(two))) },
        "BF16" => Numbers { bytes: 2, look: |one, other| floats(one, other, brain) },
        "I8" => integers!(i8),
        "I16" => integers!(i16),
        "I32" => integers!(i32),
        "I64" => integers!(i64),
        "U8" => integers!(u8),
        "U16" => integers!(u16),
        "U32" => integers!(u32),
        "U64" => integers!(u64),
        _ => return None,
    })
}

fn floats<const N: usize>(one: &[u8], other: &[u8], number: fn([u8; N]) -> f64) -> (f64, f64) {
    let number = |bytes: &[u8]| bytes.try_into().map_or(f64::NAN, number);
    let (one, other) = (number(one), number(other));
    (one, other - one)
}

#[allow(
    clippy::cast_precision_loss,
    reason = "the difference is computed exactly before, and this value is only a measure"
)]
fn to_float(number: i128) -> f64 {
    number as f64
}

/// The upper half of an `f32`.
fn brain([low, high]: [u8; 2]) -> f64 {
    f32::from_le_bytes([0, 0, low, high]).into()
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff) / 1024.0);
    let size = match exponent {
        0 => fraction * 2_f64.powi(-14),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        exponent => (1.0 + fraction) * 2_f64.powi(exponent - 15),
    };
    if bits >> 15 == 0 { size } else { -size }
}

/// The result of comparing two tensors of the same type and shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outcome {
    Same,
    /// The tensors differ. The numbers are compared only if that was requested and the type allows it.
    Differs(Option<NumbersDiff>),
}

/// The number of bytes of each tensor that are in memory at once; a multiple of the size of every number type.
const CHUNK_BYTES: usize = 512 * 1024;

/// Compares `size` bytes of both: to the end if `numbers` is given, otherwise up to the first difference.
pub(super) fn compare(
    mut one: impl Read,
    mut other: impl Read,
    size: u64,
    numbers: Option<Numbers>,
) -> io::Result<Outcome> {
    let (mut sums, mut differs, mut left) = (Sums::default(), false, size);
    let room = usize::try_from(size).map_or(CHUNK_BYTES, |size| size.min(CHUNK_BYTES));
    let (mut first, mut second) = (vec![0; room], vec![0; room]);
    while left > 0 && !(differs && numbers.is_none()) {
        let length = usize::try_from(left).map_or(room, |left| left.min(room));
        let (first, second) = (&mut first[..length], &mut second[..length]);
        one.read_exact(first)?;
        other.read_exact(second)?;
        differs |= first != second;
        if let Some(Numbers { bytes, look }) = numbers {
            first
                .chunks_exact(bytes)
                .zip(second.chunks_exact(bytes))
                .for_each(|(one, other)| sums.add(one, other, look));
        }
        left -= length as u64;
    }
    Ok(if differs { Outcome::Differs(numbers.map(|_| sums.finish())) } else { Outcome::Same })
}

#[derive(Default)]
struct Sums {
    largest: f64,
    squares: f64,
    squares_of_differences: f64,
    without_difference: u64,
}

impl Sums {
    fn add(&mut self, one: &[u8], other: &[u8], look: fn(&[u8], &[u8]) -> (f64, f64)) {
        let (number, difference) = look(one, other);
        if difference.is_finite() {
            self.largest = self.largest.max(difference.abs());
            self.squares += number * number;
            self.squares_of_differences += difference * difference;
        } else if one != other {
            self.without_difference += 1;
        }
    }

    fn finish(self) -> NumbersDiff {
        let relative = (self.squares_of_differences / self.squares).sqrt();
        let relative = Some(relative).filter(|relative| relative.is_finite());
        NumbersDiff { largest: self.largest, relative, without_difference: self.without_difference }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        element_type: &str,
        one: &[u8],
        other: &[u8],
        (largest, relative, without_difference): (f64, Option<f64>, u64),
    ) {
        let found = compare(one, other, one.len() as u64, numbers_of(element_type)).unwrap();
        let expected = NumbersDiff { largest, relative, without_difference };
        assert_eq!(found, Outcome::Differs(Some(expected)), "{element_type}");
    }

    fn bytes<const N: usize>(numbers: &[[u8; N]]) -> Vec<u8> {
        numbers.concat()
    }

    #[test]
    fn floats_of_all_sizes_are_compared() {
        let of_f64 = |numbers: [f64; 2]| bytes(&numbers.map(f64::to_le_bytes));
        let of_f32 = |numbers: [f32; 2]| bytes(&numbers.map(f32::to_le_bytes));
        check("F64", &of_f64([3.0, 4.0]), &of_f64([3.0, 3.5]), (0.5, Some(0.1), 0));
        check("F32", &of_f32([3.0, -4.0]), &of_f32([3.0, -4.5]), (0.5, Some(0.1), 0));
        // 3 and 4, then 3 and 3.5.
        check("F16", &[0x00, 0x42, 0x00, 0x44], &[0x00, 0x42, 0x00, 0x43], (0.5, Some(0.1), 0));
        check("BF16", &[0x40, 0x40, 0x80, 0x40], &[0x40, 0x40, 0x60, 0x40], (0.5, Some(0.1), 0));
        check("F32", &of_f32([0.0, 0.0]), &of_f32([0.0, 2.0]), (2.0, None, 0));
    }

    #[test]
    fn half_precision_follows_the_standard() {
        for (bits, expected) in [
            (0x0000, 0.0),
            (0x0001, 2_f64.powi(-24)),
            (0x03ff, 1023.0 / 1024.0 * 2_f64.powi(-14)),
            (0x0400, 2_f64.powi(-14)),
            (0x3555, 0.333_251_953_125),
            (0x7bff, 65504.0),
            (0xc000, -2.0),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(half(bits).to_bits(), expected.to_bits(), "{bits:#06x}");
        }
        assert!(half(0x7e00).is_nan());
    }

    #[test]
    fn integers_are_compared_without_loss() {
        check("I8", &[0xff, 4], &[1, 4], (2.0, Some((4.0_f64 / 17.0).sqrt()), 0));
        check("U8", &[255], &[0], (255.0, Some(1.0), 0));
        check("I16", &[0, 0x80], &[0xff, 0x7f], (65535.0, Some(65535.0 / 32768.0), 0));
        let large = i64::MAX - 1;
        check("I64", &large.to_le_bytes(), &i64::MAX.to_le_bytes(), (1.0, Some(1.0 / 2_f64.powi(63)), 0));
        check("U64", &u64::MAX.to_le_bytes(), &0_u64.to_le_bytes(), (2_f64.powi(64), Some(1.0), 0));
    }

    #[test]
    fn numbers_without_a_finite_difference_are_counted_separately() {
        let of = |numbers: [f32; 4]| bytes(&numbers.map(f32::to_le_bytes));
        let (nan, infinite) = (f32::NAN, f32::INFINITY);
        check("F32", &of([nan, infinite, 1.0, 2.0]), &of([nan, infinite, 1.0, 3.0]), (1.0, Some(0.2_f64.sqrt()), 0));
        check("F32", &of([nan, infinite, 1.0, 0.0]), &of([0.0, -infinite, nan, 0.0]), (0.0, None, 3));
        let far = |first: f64| bytes(&[first.to_le_bytes()]);
        check("F64", &far(-f64::MAX), &far(f64::MAX), (0.0, None, 1));
    }

    #[test]
    fn long_tensors_are_compared_to_their_ends() {
        let one = vec![1; 2 * CHUNK_BYTES + 2];
        let mut other = one.clone();
        assert_eq!(compare(&one[..], &other[..], one.len() as u64, numbers_of("U8")).unwrap(), Outcome::Same);
        other[2 * CHUNK_BYTES + 1] = 4;
        let relative = (9.0 / (2.0 * 524_288.0 + 2.0_f64)).sqrt();
        check("U8", &one, &other, (3.0, Some(relative), 0));
        assert_eq!(compare(&one[..], &other[..], one.len() as u64, None).unwrap(), Outcome::Differs(None));
        assert!(compare(&one[..], &other[..], one.len() as u64 + 1, numbers_of("U8")).is_err(), "it ends early");
        assert!(numbers_of("Q4_0").is_none() && numbers_of("BOOL").is_none());
    }

    proptest::proptest! {
        #[test]
        fn only_equal_bytes_are_the_same(one: Vec<u8>, other: Vec<u8>, of in 0_usize..12) {
            let name = ["F64", "F32", "F16", "BF16", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64"][of];
            let size = one.len().min(other.len());
            let outcome = compare(&one[..], &other[..], size as u64, numbers_of(name)).unwrap();
            let same = compare(&one[..], &one[..], size as u64, numbers_of(name)).unwrap();
            proptest::prop_assert_eq!(same, Outcome::Same);
            proptest::prop_assert_eq!(outcome == Outcome::Same, one[..size] == other[..size]);
        }
    }
}
