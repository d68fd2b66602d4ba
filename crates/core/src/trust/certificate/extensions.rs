//! The extensions of a certificate that are used (RFC 5280, section 4.2.1).

use spki::ObjectIdentifier;
use spki::der::asn1::{AnyRef, BitStringRef, OctetStringRef, Utf8StringRef};
use spki::der::{self, Decode, Reader, SliceReader, Tag, TagNumber, Tagged};

const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const ALTERNATIVE_NAMES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");

/// The provider that confirmed the identity, as Fulcio writes it: a string in DER, and before as it is.
const ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.8");
const OLD_ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.1");

/// The e-mail addresses and the URIs among the alternative names.
const EMAIL: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber::N1 };
const URI: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber::N6 };

/// The first bit of the key usage.
const DIGITAL_SIGNATURE: u8 = 0x80;

/// The facts that the extensions state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    pub(super) identities: Vec<String>,
    pub(super) issuer: Option<String>,
    old_issuer: Option<String>,
    pub(super) is_for_signatures: bool,
    pub(super) is_for_code_signing: bool,
}

impl Extensions {
    /// Reads the DER of the list of extensions.
    pub(super) fn read(der: &[u8]) -> der::Result<Self> {
        let mut extensions = Self::default();
        for_each(der, |list| {
            list.sequence(|extension| {
                let kind = ObjectIdentifier::decode(extension)?;
                let mut value = AnyRef::decode(extension)?;
                // It may say whether it is critical, which the verification of the chain checks.
                if value.tag() == Tag::Boolean {
                    value = AnyRef::decode(extension)?;
                }
                extensions.add(kind, value.decode_as::<OctetStringRef<'_>>()?.as_bytes())
            })
        })?;
        extensions.issuer = extensions.issuer.or_else(|| extensions.old_issuer.take());
        Ok(extensions)
    }

    fn add(&mut self, kind: ObjectIdentifier, value: &[u8]) -> der::Result<()> {
        match kind {
            KEY_USAGE => {
                let bits = BitStringRef::from_der(value)?;
                self.is_for_signatures = bits.raw_bytes().first().is_some_and(|byte| byte & DIGITAL_SIGNATURE != 0);
                Ok(())
            }
            EXTENDED_KEY_USAGE => for_each(value, |list| {
                self.is_for_code_signing |= ObjectIdentifier::decode(list)? == CODE_SIGNING;
                Ok(())
            }),
            ALTERNATIVE_NAMES => for_each(value, |list| {
                let name = AnyRef::decode(list)?;
                if [EMAIL, URI].contains(&name.tag()) && name.value().is_ascii() {
                    self.identities.push(String::from_utf8_lossy(name.value()).into_owned());
                }
                Ok(())
            }),
            ISSUER => {
                self.issuer = Some(Utf8StringRef::from_der(value)?.as_str().to_owned());
                Ok(())
            }
            OLD_ISSUER => {
                self.old_issuer = std::str::from_utf8(value).ok().map(str::to_owned);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Calls `read` for each item of a sequence.
fn for_each<'a>(
    der: &'a [u8],
    mut read: impl FnMut(&mut der::NestedReader<'_, SliceReader<'a>>) -> der::Result<()>,
) -> der::Result<()> {
    let mut reader = SliceReader::new(der)?;
    reader.sequence(|list| {
        while !list.is_finished() {
            read(list)?;
        }
        Ok(())
    })?;
    reader.finish(())
}

pub(super) fn skip<'a>(reader: &mut impl Reader<'a>) -> der::Result<()> {
    AnyRef::decode(reader).map(drop)
}
