//! Literals of Python, as far as headers of NumPy need them.

/// The maximum depth of lists in one another.
const MOST_DEPTH: usize = 32;

/// A value. Numbers and booleans are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    Number,
    Boolean,
    /// A list or a tuple.
    List(Vec<Literal>),
    Dictionary(Vec<(Literal, Literal)>),
}

/// Returns the value of a text that consists of one literal, or none if it is anything else.
pub(super) fn parse(text: &str) -> Option<Literal> {
    let mut parser = Parser { rest: text.trim() };
    let value = parser.value(0)?;
    parser.rest.is_empty().then_some(value)
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Option<Literal> {
        if depth > MOST_DEPTH {
            return None;
        }
        match self.rest.chars().next()? {
            '{' => self.dictionary(depth),
            '[' => self.list(']', depth),
            '(' => self.list(')', depth),
            quote @ ('\'' | '"') => self.text(quote),
            '0'..='9' | '-' => {
                self.rest = self.rest[1..].trim_start_matches(|c: char| c.is_ascii_digit());
                // Python 2 has long numbers.
                self.rest = self.rest.strip_prefix('L').unwrap_or(self.rest).trim_start();
                Some(Literal::Number)
            }
            _ => (self.take("True") || self.take("False")).then_some(Literal::Boolean),
        }
    }

    fn list(&mut self, end: char, depth: usize) -> Option<Literal> {
        let mut list = Vec::new();
        self.rest = self.rest[1..].trim_start();
        while !self.rest.starts_with(end) {
            list.push(self.value(depth + 1)?);
            if !self.take(",") && !self.rest.starts_with(end) {
                return None;
            }
        }
        self.rest = self.rest[1..].trim_start();
        Some(Literal::List(list))
    }

    fn dictionary(&mut self, depth: usize) -> Option<Literal> {
        let mut entries = Vec::new();
        self.rest = self.rest[1..].trim_start();
        while !self.take("}") {
            let key = self.value(depth + 1)?;
            self.take(":").then_some(())?;
            entries.push((key, self.value(depth + 1)?));
            if !self.take(",") && !self.rest.starts_with('}') {
                return None;
            }
        }
        Some(Literal::Dictionary(entries))
    }

    /// Takes a text. The escapes stay as they are: types have none.
    fn text(&mut self, quote: char) -> Option<Literal> {
        let inside = &self.rest[1..];
        let mut is_escaped = false;
        let end = inside.find(|c: char| {
            let is_end = c == quote && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_end
        })?;
        let text = inside[..end].to_owned();
        self.rest = inside[end + 1..].trim_start();
        Some(Literal::Text(text))
    }

    fn take(&mut self, word: &str) -> bool {
        let rest = self.rest.strip_prefix(word).map(str::trim_start);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_literals_are_parsed() {
        for text in ["{'a': [1, -2L, (True, False,)], 'b\\'': {}}", "()", "''", "(1)"] {
            assert!(parse(text).is_some(), "{text}");
        }
        for text in
            ["", "f()", "{'a': __import__('os')}", "1 + 1", "'a' 'b'", "[1 2]", "{1}", "['a'", &"[".repeat(1000)]
        {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text: String) {
            drop(parse(&text));
        }
    }
}
