//! The tokens of a Jinja template.

/// A token, or the text between two tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A string, with its escapes decoded.
    Text(String),
    /// A word.
    Name(String),
    /// A number.
    Number(usize),
    /// A sign.
    Sign(char),
    /// The text after a tag, up to the next one.
    Data(String),
}

/// Returns the tokens in the tags of `template`, each with its line.
pub(super) fn tokens(template: &str) -> Vec<(Token, usize)> {
    let mut lexer = Lexer { rest: template, line: 1, tokens: Vec::new() };
    while let Some(start) = next_tag(lexer.rest) {
        let is_comment = lexer.rest[start..].starts_with("{#");
        lexer.data(start);
        lexer.skip(2);
        lexer.skip(usize::from(lexer.rest.starts_with(['-', '+'])));
        if is_comment {
            let end = lexer.rest.find("#}").map_or(lexer.rest.len(), |end| end + 2);
            lexer.skip(end);
        } else {
            lexer.tag();
        }
    }
    lexer.data(lexer.rest.len());
    lexer.tokens
}

/// Returns the beginning of the next tag or comment.
fn next_tag(text: &str) -> Option<usize> {
    text.as_bytes().windows(2).position(|two| two[0] == b'{' && matches!(two[1], b'{' | b'%' | b'#'))
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<(Token, usize)>,
}

impl Lexer<'_> {
    fn skip(&mut self, bytes: usize) {
        let (skipped, rest) = self.rest.split_at(bytes);
        self.line += memchr::memchr_iter(b'\n', skipped.as_bytes()).count();
        self.rest = rest;
    }

    fn push(&mut self, token: Token, bytes: usize) {
        self.tokens.push((token, self.line));
        self.skip(bytes);
    }

    fn data(&mut self, bytes: usize) {
        let text = self.rest[..bytes].to_owned();
        self.push(Token::Data(text), bytes);
    }

    /// Reads the tokens of a tag and its end.
    fn tag(&mut self) {
        while let Some(first) = self.rest.chars().next() {
            let end = self.rest.strip_prefix(['-', '+']).unwrap_or(self.rest);
            if end.starts_with("}}") || end.starts_with("%}") {
                self.skip(self.rest.len() - end.len() + 2);
                return;
            }
            let while_is = |is: fn(char) -> bool| self.rest.find(|next| !is(next)).unwrap_or(self.rest.len());
            match first {
                '\'' | '"' => {
                    let (text, bytes) = string(self.rest, first);
                    self.push(Token::Text(text), bytes);
                }
                _ if first.is_ascii_digit() => {
                    let bytes = while_is(|next| next.is_ascii_digit());
                    let number = self.rest[..bytes].parse().unwrap_or(usize::MAX);
                    self.push(Token::Number(number), bytes);
                }
                _ if first.is_alphabetic() || first == '_' => {
                    let bytes = while_is(|next| next.is_alphanumeric() || next == '_');
                    let name = self.rest[..bytes].to_owned();
                    self.push(Token::Name(name), bytes);
                }
                _ if first.is_whitespace() => self.skip(first.len_utf8()),
                _ => self.push(Token::Sign(first), first.len_utf8()),
            }
        }
    }
}

/// Decodes the string that begins with `quote`, and returns it with the number of its bytes.
fn string(source: &str, quote: char) -> (String, usize) {
    let (mut text, mut rest) = (String::new(), &source[quote.len_utf8()..]);
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        if next == quote {
            break;
        }
        if next == '\\' {
            rest = escape(rest, &mut text);
        } else {
            text.push(next);
        }
    }
    (text, source.len() - rest.len())
}

/// Decodes what follows a backslash, as Python does, and returns the rest.
fn escape<'a>(source: &'a str, text: &mut String) -> &'a str {
    let Some(first) = source.chars().next() else { return source };
    let rest = &source[first.len_utf8()..];
    let digits = match first {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        '0'..='7' => {
            let octal = source.bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            text.extend(u32::from_str_radix(&source[..octal], 8).ok().and_then(char::from_u32));
            return &source[octal..];
        }
        _ => {
            text.push(match first {
                'n' => '\n',
                't' => '\t',
                other => other,
            });
            return rest;
        }
    };
    let number = rest.get(..digits).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    text.extend(number.and_then(char::from_u32));
    rest.get(digits..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_names_and_signs_are_separated() {
        let name = |text: &str| Token::Name(text.to_owned());
        let text = |text: &str| Token::Text(text.to_owned());
        let found: Vec<_> =
            tokens("a\n{%- set x_1='b\\'\\x5f\\137\\u005f%}'[2] %}c{# 'd' #}{{ e").into_iter().collect();
        let expected = [
            (Token::Data("a\n".to_owned()), 1),
            (name("set"), 2),
            (name("x_1"), 2),
            (Token::Sign('='), 2),
            (text("b'___%}"), 2),
            (Token::Sign('['), 2),
            (Token::Number(2), 2),
            (Token::Sign(']'), 2),
            (Token::Data("c".to_owned()), 2),
            (Token::Data(String::new()), 2),
            (name("e"), 2),
            (Token::Data(String::new()), 2),
        ];
        assert_eq!(found, expected);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_tokens(text in "\\PC*|(\\{\\{|'|\"|\\\\|x|u|7|\\}\\}|é|\\{%|\n)*") {
            tokens(&text);
        }
    }
}
