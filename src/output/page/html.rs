//! Elements of HTML and SVG. A text becomes part of a page only through this module, which escapes it.

use std::fmt::{Display, Write as _};

use kit_core::problem::is_hidden;

/// Finished markup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Html(String);

impl Html {
    /// Escapes an untrusted text.
    pub(crate) fn text(text: &str) -> Self {
        Self(escaped(text))
    }

    /// Takes markup that is part of this program.
    pub(crate) fn markup(markup: &'static str) -> Self {
        Self(markup.to_owned())
    }

    /// The markup.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl FromIterator<Self> for Html {
    fn from_iter<I: IntoIterator<Item = Self>>(parts: I) -> Self {
        Self(parts.into_iter().map(|part| part.0).collect())
    }
}

/// An element that is being built. Names are part of this program; values and content are escaped.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    name: &'static str,
    attributes: String,
    content: String,
}

/// Begins an element.
pub(crate) fn element(name: &'static str) -> Element {
    Element { name, attributes: String::new(), content: String::new() }
}

impl Element {
    /// Adds an attribute.
    pub(crate) fn with(mut self, name: &'static str, value: impl Display) -> Self {
        let value = escaped(&value.to_string());
        write!(self.attributes, " {name}=\"{value}\"").expect("writing to a string does not fail");
        self
    }

    /// Adds the attribute `class`.
    pub(crate) fn class(self, class: &'static str) -> Self {
        self.with("class", class)
    }

    /// Adds a text at the end of the content.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.content.push_str(&escaped(text));
        self
    }

    /// Adds markup at the end of the content.
    pub(crate) fn add(mut self, part: impl Into<Html>) -> Self {
        self.content.push_str(&part.into().0);
        self
    }

    /// Adds several parts at the end of the content.
    pub(crate) fn all<P: Into<Html>>(self, parts: impl IntoIterator<Item = P>) -> Self {
        parts.into_iter().fold(self, Self::add)
    }
}

impl From<Element> for Html {
    fn from(Element { name, attributes, content }: Element) -> Self {
        let line = if LINES.contains(&name) { "\n" } else { "" };
        Self(format!("<{name}{attributes}>{content}</{name}>{line}"))
    }
}

/// The elements that end a line, so that the page can be read and compared as a text.
const LINES: [&str; 13] =
    ["div", "dl", "figure", "h1", "h2", "h3", "header", "li", "p", "section", "svg", "table", "tr"];

/// Replaces every character that has a meaning in markup, and shows hidden ones as escapes.
///
/// Runners of continuous integration obey lines that begin with `::` and texts like `##[…]` in the output of a command.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = '\n';
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            ':' if before == ':' => escaped.push_str("&#58;"),
            '#' if before == '#' => escaped.push_str("&#35;"),
            '\n' => escaped.push('\n'),
            hidden if is_hidden(hidden) => escaped.extend(hidden.escape_default()),
            other => escaped.push(other),
        }
        before = letter;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        for (text, expected) in [
            ("</script><b>", "&lt;/script&gt;&lt;b&gt;"),
            ("\" onload='x'", "&quot; onload=&#39;x&#39;"),
            ("&amp;", "&amp;amp;"),
            ("a\u{202e}b\u{0}\u{1b}", "a\\u{202e}b\\u{0}\\u{1b}"),
            ("a\n::error::x ##[group]", "a\n:&#58;error:&#58;x #&#35;[group]"),
            ("ü😀 plain", "ü😀 plain"),
        ] {
            assert_eq!(Html::text(text).into_string(), expected, "{text:?}");
        }
    }

    #[test]
    fn elements_escape_attributes_and_texts() {
        let inner = element("b").text("<i>");
        let outer =
            element("span").with("title", "\"><script>").text("&").add(inner).all([Html::text("1"), Html::text("2")]);
        let expected = "<span title=\"&quot;&gt;&lt;script&gt;\">&amp;<b>&lt;i&gt;</b>12</span>";
        assert_eq!(Html::from(outer).into_string(), expected);
    }
}
