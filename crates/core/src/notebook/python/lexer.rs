//! The state of Python code from line to line: strings, brackets, comments.

/// Follows code line by line.
#[derive(Debug, Clone, Default)]
pub(super) struct Lexer {
    /// The number of open brackets.
    depth: usize,
    string: Option<Quote>,
    /// True if the last line ended with a backslash.
    is_joined: bool,
    /// True if a bracket was closed that is not open, or a string was not closed on its line.
    pub(super) is_broken: bool,
}

/// The quotation marks of a string that is open.
#[derive(Debug, Clone, Copy)]
struct Quote {
    sign: u8,
    is_triple: bool,
    /// True for an f-string, whose expressions are code.
    is_format: bool,
    /// The number of open braces in an f-string.
    braces: usize,
}

impl Lexer {
    /// Returns true if the next line begins within a string.
    pub(super) fn is_in_string(&self) -> bool {
        self.string.is_some()
    }

    /// Returns true if the next line continues the last one.
    pub(super) fn is_inside(&self) -> bool {
        self.string.is_some() || self.depth > 0 || self.is_joined
    }

    /// Returns `line`, which ends with a line feed or is the last one, with spaces in place of comments and of the
    /// content of strings. It has as many bytes as the line.
    pub(super) fn mask(&mut self, line: &str) -> String {
        let bytes = line.as_bytes();
        let mut masked = Vec::with_capacity(bytes.len());
        self.is_joined = false;
        let mut at = 0;
        while at < bytes.len() {
            let taken = if self.string.is_some() {
                self.take_string(bytes, at, &mut masked)
            } else {
                self.take_code(bytes, at, &mut masked)
            };
            at += taken.max(1);
        }
        self.end_line();
        String::from_utf8(masked).unwrap_or_else(|_| " ".repeat(line.len()))
    }

    fn end_line(&mut self) {
        if self.string.is_some_and(|quote| !quote.is_triple) && !self.is_joined {
            self.string = None;
            self.is_broken = true;
        }
    }

    fn take_code(&mut self, bytes: &[u8], at: usize, masked: &mut Vec<u8>) -> usize {
        let sign = bytes[at];
        match sign {
            b'#' => {
                let rest = &bytes[at..];
                let end = rest.iter().position(|sign| *sign == b'\n').unwrap_or(rest.len());
                masked.extend(std::iter::repeat_n(b' ', end));
                return end;
            }
            b'"' | b'\'' => {
                let is_triple = bytes[at..].starts_with(&[sign; 3]);
                let quotes = if is_triple { 3 } else { 1 };
                self.string = Some(Quote { sign, is_triple, is_format: is_format(bytes, at), braces: 0 });
                masked.extend(&bytes[at..at + quotes]);
                return quotes;
            }
            b'(' | b'[' | b'{' => self.depth += 1,
            b')' | b']' | b'}' => match self.depth.checked_sub(1) {
                Some(depth) => self.depth = depth,
                None => self.is_broken = true,
            },
            b'\\' if matches!(&bytes[at + 1..], [] | [b'\n'] | [b'\r', b'\n']) => self.is_joined = true,
            _ => {}
        }
        masked.push(sign);
        1
    }

    fn take_string(&mut self, bytes: &[u8], at: usize, masked: &mut Vec<u8>) -> usize {
        let Some(quote) = &mut self.string else { return 0 };
        let rest = &bytes[at..];
        let sign = rest[0];
        let quotes = if quote.is_triple { 3 } else { 1 };
        if rest.starts_with(&[quote.sign; 3][..quotes]) {
            self.string = None;
            masked.extend(&rest[..quotes]);
            return quotes;
        }
        match sign {
            b'\\' if quote.braces == 0 => {
                let ends_line = matches!(rest, [_] | [_, b'\n'] | [_, b'\r', b'\n']);
                self.is_joined = ends_line;
                masked.push(b' ');
                if ends_line || rest.len() < 2 {
                    return 1;
                }
                masked.push(b' ');
                return 2;
            }
            b'\n' => masked.push(b'\n'),
            b'{' if quote.is_format && rest.starts_with(b"{{") && quote.braces == 0 => {
                masked.extend(b"  ");
                return 2;
            }
            b'{' if quote.is_format => {
                quote.braces += 1;
                masked.push(b' ');
            }
            b'}' if quote.braces > 0 => {
                quote.braces -= 1;
                masked.push(b' ');
            }
            // Brackets and commas would change the structure of the code around the string.
            sign if quote.braces > 0 && (sign.is_ascii_alphanumeric() || b"_.".contains(&sign)) => masked.push(sign),
            _ => masked.push(b' '),
        }
        1
    }
}

/// Returns true if the string whose quotation mark is at `at` has the prefix of an f-string.
fn is_format(bytes: &[u8], at: usize) -> bool {
    let prefix: Vec<_> = bytes[..at].iter().rev().take_while(|sign| sign.is_ascii_alphabetic()).collect();
    prefix.len() <= 2 && prefix.iter().any(|sign| sign.eq_ignore_ascii_case(&b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(code: &str) -> (String, bool) {
        let mut lexer = Lexer::default();
        let text = code.split_inclusive('\n').map(|line| lexer.mask(line)).collect();
        (text, lexer.is_inside() || lexer.is_broken)
    }

    #[test]
    fn strings_and_comments_are_masked() {
        for (code, expected, is_open) in [
            ("x = 'a#b' # c\ny", "x = '   '    \ny", false),
            ("f'a{b.c}d'", "f'  b.c  '", false),
            ("f'{{a}}'", "f'     '", false),
            ("'''a\n'b'''", "''' \n  '''", false),
            (r"'\'' + r'\'", r"'  ' + r'  ", true),
            ("(a,\n b)", "(a,\n b)", false),
            ("(a", "(a", true),
            ("a)", "a)", true),
            ("'a", "' ", true),
            ("a \\\n b", "a \\\n b", false),
            ("'é'", "'  '", false),
        ] {
            assert_eq!(masked(code), (expected.to_owned(), is_open), "{code}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_length_stays_the_same(code in r#"[a'"{}()\\#\nfé]{0,40}"#) {
            proptest::prop_assert_eq!(masked(&code).0.len(), code.len());
        }
    }
}
