//! Reading the parts of a certificate that its verification does not show: names, times and the usage of the key (RFC
//! 5280, section 4.1).

use std::fmt;

use jiff::Timestamp;
use spki::der::asn1::{AnyRef, GeneralizedTime, UtcTime};
use spki::der::{self, Decode, Encode, ErrorKind, Header, Reader, SliceReader, Tag, TagNumber, Tagged};

use super::error::CertificateError;
use super::extensions::{Extensions, skip};
use crate::trust::key::{PublicKey, pem};

/// A certificate, which may be of anyone.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    spki: Vec<u8>,
    not_before: Timestamp,
    not_after: Timestamp,
    is_self_issued: bool,
    extensions: Extensions,
}

impl Certificate {
    /// Reads the certificates of a PEM file.
    pub fn read_pem(text: &[u8]) -> Result<Vec<Self>, CertificateError> {
        let text = std::str::from_utf8(text).map_err(|_| CertificateError::NotPem)?;
        let blocks = pem::read_all(text).map_err(|_| CertificateError::NotPem)?;
        if blocks.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        let read = |block: pem::Block| match block.label.as_str() {
            "CERTIFICATE" => Self::read(&block.content),
            _ => Err(CertificateError::NotACertificate(block.label.clone())),
        };
        blocks.into_iter().map(read).collect()
    }

    /// Reads the DER of a certificate.
    pub fn read(der: &[u8]) -> Result<Self, CertificateError> {
        let mut reader = SliceReader::new(der).map_err(|_| CertificateError::Damaged)?;
        let read = reader.sequence(|certificate| {
            let body = certificate.sequence(Body::decode)?;
            // The algorithm and the signature.
            skip(certificate)?;
            skip(certificate)?;
            Ok(body)
        });
        let body = read.and_then(|body| reader.finish(body)).map_err(|_| CertificateError::Damaged)?;
        let timestamp = |seconds| Timestamp::from_second(seconds).map_err(|_| CertificateError::Damaged);
        Ok(Self {
            der: der.to_owned(),
            spki: body.spki,
            not_before: timestamp(body.not_before)?,
            not_after: timestamp(body.not_after)?,
            is_self_issued: body.is_self_issued,
            extensions: body.extensions,
        })
    }

    /// The DER of the certificate.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The key that the certificate is about.
    pub fn public_key(&self) -> Result<PublicKey, CertificateError> {
        PublicKey::from_spki(&self.spki).map_err(CertificateError::Key)
    }

    /// The e-mail addresses and URIs that identify the owner of the key.
    pub fn identities(&self) -> &[String] {
        &self.extensions.identities
    }

    /// The provider that confirmed the identity to the authority, if the certificate names one.
    pub fn issuer(&self) -> Option<&str> {
        self.extensions.issuer.as_deref()
    }

    /// The beginning of the time in which the certificate is valid.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The end of the time in which the certificate is valid.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Returns true if issuer and subject are the same, as in the certificate of a root.
    pub(super) fn is_self_issued(&self) -> bool {
        self.is_self_issued
    }

    /// Returns true if the key may sign.
    pub(super) fn may_sign(&self) -> bool {
        self.extensions.is_for_code_signing || self.extensions.is_for_signatures
    }

    /// Returns true if the certificate says that it is for code signing.
    pub(super) fn is_for_code_signing(&self) -> bool {
        self.extensions.is_for_code_signing
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate(of {})", self.extensions.identities.join(", "))
    }
}

/// The part of a certificate that is signed.
struct Body {
    spki: Vec<u8>,
    not_before: i64,
    not_after: i64,
    is_self_issued: bool,
    extensions: Extensions,
}

impl Body {
    fn decode<'a>(reader: &mut impl Reader<'a>) -> der::Result<Self> {
        const VERSION: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber::N0 };
        const EXTENSIONS: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber::N3 };
        if reader.peek_header()?.tag == VERSION {
            skip(reader)?;
        }
        // The serial number and the algorithm of the signature.
        skip(reader)?;
        skip(reader)?;
        let issuer = reader.tlv_bytes()?;
        let (not_before, not_after) = reader.sequence(|times| Ok((time(times)?, time(times)?)))?;
        let is_self_issued = reader.tlv_bytes()? == issuer;
        let spki = reader.tlv_bytes()?.to_owned();
        let mut extensions = Extensions::default();
        while !reader.is_finished() {
            let Header { tag, .. } = reader.peek_header()?;
            let any = AnyRef::decode(reader)?;
            if tag == EXTENSIONS {
                extensions = Extensions::read(any.value())?;
            }
        }
        Ok(Self { spki, not_before, not_after, is_self_issued, extensions })
    }
}

/// Reads a time as seconds since 1970.
fn time<'a>(reader: &mut impl Reader<'a>) -> der::Result<i64> {
    let any = AnyRef::decode(reader)?;
    let der = any.to_der()?;
    let duration = match any.tag() {
        Tag::UtcTime => UtcTime::from_der(&der)?.to_unix_duration(),
        _ => GeneralizedTime::from_der(&der)?.to_unix_duration(),
    };
    i64::try_from(duration.as_secs()).map_err(|_| ErrorKind::Overflow.into())
}
