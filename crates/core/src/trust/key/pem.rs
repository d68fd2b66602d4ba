//! PEM blocks (RFC 7468), read as leniently as OpenSSL reads them: text around a block is ignored, and lines may have
//! any length.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pem_rfc7468::LineEnding;
use zeroize::Zeroizing;

use super::error::KeyError;

/// A PEM block.
pub(in crate::trust) struct Block {
    pub(in crate::trust) label: String,
    pub(in crate::trust) content: Zeroizing<Vec<u8>>,
}

/// Blocks that describe the curve of a key in the next block, and add nothing to it.
const PARAMETERS: &str = "EC PARAMETERS";

/// Reads the only block of a file. A block `EC PARAMETERS` before it is ignored.
pub(super) fn read_one(text: &[u8]) -> Result<Block, KeyError> {
    let text = std::str::from_utf8(text).map_err(|_| KeyError::NotPem)?;
    let mut blocks = read_all(text)?;
    blocks.retain(|block| block.label != PARAMETERS);
    match blocks.len() {
        0 => Err(KeyError::NotPem),
        1 => Ok(blocks.swap_remove(0)),
        count => Err(KeyError::Several(count)),
    }
}

/// Reads all blocks of a file.
pub(in crate::trust) fn read_all(mut text: &str) -> Result<Vec<Block>, KeyError> {
    let mut blocks = Vec::new();
    while let Some((_, rest)) = text.split_once("-----BEGIN ") {
        let (label, rest) = rest.split_once("-----").ok_or(KeyError::NotPem)?;
        let (body, rest) = rest.split_once(&format!("-----END {label}-----")).ok_or(KeyError::NotPem)?;
        blocks.push(Block { label: label.to_owned(), content: decode(body)? });
        text = rest;
    }
    Ok(blocks)
}

fn decode(body: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    // Headers such as `Proc-Type: 4,ENCRYPTED` (RFC 1421).
    if body.contains(':') {
        return Err(KeyError::EncryptedPem);
    }
    let digits: Zeroizing<Vec<u8>> = Zeroizing::new(body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect());
    let mut content = Zeroizing::new(vec![0; base64::decoded_len_estimate(digits.len())]);
    let length = STANDARD.decode_slice(&*digits, &mut content).map_err(|_| KeyError::NotPem)?;
    content.truncate(length);
    Ok(content)
}

/// Writes a PEM block with lines of 64 characters.
pub(super) fn write(label: &'static str, content: &[u8]) -> String {
    pem_rfc7468::encode_string(label, LineEnding::LF, content).expect("a label of capital letters can be encoded")
}
