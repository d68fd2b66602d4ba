//! Licences as they are written in a Kitfile: an SPDX identifier, an SPDX expression or another text.

use spdx::Expression;

/// A licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum License {
    /// One identifier of the SPDX licence list.
    Id(String),
    /// An expression of several identifiers, or a `LicenseRef`.
    Expression(String),
    /// A text that is neither.
    Text(String),
}

impl License {
    /// Reads the text of a Kitfile; none if it is empty.
    pub(super) fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        Some(if spdx::license_id(text).is_some_and(|id| id.name == text) {
            Self::Id(text.to_owned())
        } else if Expression::parse(text).is_ok() {
            Self::Expression(text.to_owned())
        } else {
            Self::Text(text.to_owned())
        })
    }

    /// An SPDX expression. A text becomes a `LicenseRef` with its letters.
    pub(super) fn to_expression(&self) -> String {
        match self {
            Self::Id(text) | Self::Expression(text) => text.clone(),
            Self::Text(text) => {
                let letters: String =
                    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
                format!("LicenseRef-{letters}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_expressions_and_texts_are_distinguished() {
        let id = |text: &str| Some(License::Id(text.to_owned()));
        let expression = |text: &str| Some(License::Expression(text.to_owned()));
        let text = |text: &str| Some(License::Text(text.to_owned()));
        for (given, expected) in [
            ("Apache-2.0", id("Apache-2.0")),
            (" MIT ", id("MIT")),
            ("MIT OR Apache-2.0", expression("MIT OR Apache-2.0")),
            ("GPL-2.0-only WITH Classpath-exception-2.0", expression("GPL-2.0-only WITH Classpath-exception-2.0")),
            ("LicenseRef-own", expression("LicenseRef-own")),
            ("Llama 3.1 Community", text("Llama 3.1 Community")),
            ("gemma", text("gemma")),
            ("", None),
        ] {
            assert_eq!(License::of(given), expected, "{given}");
        }
        assert_eq!(License::of("Llama 3.1 (Meta)").unwrap().to_expression(), "LicenseRef-Llama-3.1--Meta-");
    }
}
