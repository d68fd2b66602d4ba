//! Timestamps of RFC 3161.

use sha2::{Digest, Sha256};

use super::certificate::Key;
use super::der::{ecdsa, integer, octets, oid, sequence, set, sha256, value};

const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const TIMESTAMP: &str = "1.2.840.113549.1.9.16.1.4";

/// The answer of an authority that confirms that `signature` existed at `time`, which is of the form
/// `20240601120000Z`. Its certificate has this issuer and the serial number 2.
pub(super) fn of_signature(signature: &[u8], time: &str, issuer: &[u8], key: &Key) -> Vec<u8> {
    let imprint = sequence(&[&sha256(), &octets(&Sha256::digest(signature))]);
    let time = value(0x18, time.as_bytes());
    let info = sequence(&[&integer(1), &oid("1.2.3.4"), &imprint, &integer(1), &time]);
    let kind = sequence(&[&oid("1.2.840.113549.1.9.3"), &set(&[&oid(TIMESTAMP)])]);
    let digest = sequence(&[&oid("1.2.840.113549.1.9.4"), &set(&[&octets(&Sha256::digest(&info))])]);
    let attributes = set(&[&kind, &digest]);
    let signature = key.sign(&attributes);
    let mut tagged = attributes;
    tagged[0] = 0xa0;
    let signer =
        sequence(&[&integer(1), &sequence(&[issuer, &integer(2)]), &sha256(), &tagged, &ecdsa(), &octets(&signature)]);
    let content = sequence(&[&oid(TIMESTAMP), &value(0xa0, &octets(&info))]);
    let document = sequence(&[&integer(3), &set(&[&sha256()]), &content, &set(&[&signer])]);
    let token = sequence(&[&oid(SIGNED_DATA), &value(0xa0, &document)]);
    sequence(&[&sequence(&[&integer(0)]), &token])
}
