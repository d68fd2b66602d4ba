//! The strings that a template puts together from constants: `'_' ~ '_class_' ~ '_'` is a name that the text of the
//! template does not contain.
//!
//! Only constants, variables that are set to them, and the usual operators, filters and methods of strings are
//! followed. A template that takes a letter from another value is not understood.

use std::collections::HashMap;

use super::tokens::{Token, tokens};
use super::value::{LONGEST, Value, applied, element, filled, length, list_of};

/// The depth of brackets that is followed.
const DEEPEST: usize = 32;

/// The bytes of values that are made for one template. A small template could make many large values.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// The strings that a template puts together.
#[derive(Debug, Default)]
pub(super) struct Folded {
    /// The strings, each with its line.
    pub(super) found: Vec<(String, usize)>,
    /// True if there are more.
    pub(super) is_cut_off: bool,
}

/// Returns the strings that are put together in `template`.
pub(super) fn folded(template: &str) -> Folded {
    let tokens = tokens(template);
    let (variables, found) = (HashMap::new(), Vec::new());
    let mut folder = Folder { tokens: &tokens, at: 0, depth: 0, variables, found, left: MOST_BYTES };
    while folder.at < tokens.len() && folder.left > 0 {
        folder.step();
    }
    Folded { found: folder.found, is_cut_off: folder.left == 0 }
}

struct Folder<'a> {
    tokens: &'a [(Token, usize)],
    at: usize,
    depth: usize,
    variables: HashMap<&'a str, Value>,
    found: Vec<(String, usize)>,
    /// The bytes of values that may still be made.
    left: usize,
}

impl<'a> Folder<'a> {
    fn peek(&self, ahead: usize) -> Option<&'a Token> {
        self.tokens.get(self.at + ahead).map(|(token, _)| token)
    }

    fn is_sign(&self, ahead: usize, sign: char) -> bool {
        self.peek(ahead) == Some(&Token::Sign(sign))
    }

    /// Goes past `sign` if it is next.
    fn take(&mut self, sign: char) -> bool {
        let is_next = self.is_sign(0, sign);
        self.at += usize::from(is_next);
        is_next
    }

    /// Reads an assignment, a loop or an expression, and at least one token.
    fn step(&mut self) {
        let before = self.at;
        match (self.peek(0), self.peek(1), self.peek(2)) {
            (Some(Token::Name(name)), Some(Token::Sign('=')), _) if !self.is_sign(2, '=') => {
                self.at += 2;
                let value = self.sum();
                self.assign(name, value);
            }
            // `{% set name %}value{% endset %}`
            (Some(Token::Name(set)), Some(Token::Name(name)), Some(Token::Data(text))) if set == "set" => {
                self.at += 3;
                self.assign(name, Some(Value::Text(text.trim().to_owned())));
            }
            (Some(Token::Name(of)), Some(Token::Name(name)), Some(Token::Name(within)))
                if of == "for" && within == "in" =>
            {
                self.at += 3;
                let first = self.sum().and_then(|value| element(&value, 0));
                self.assign(name, first);
            }
            _ => drop(self.sum()),
        }
        self.at = self.at.max(before + 1);
    }

    fn assign(&mut self, name: &'a str, value: Option<Value>) {
        // A variable that is set to something unknown in one branch may be known in another one.
        if let Some(value) = value {
            self.variables.insert(name, value);
        }
    }

    /// Reads terms with `+` and `~` between them. What is put together is found even if it is a part of more.
    fn sum(&mut self) -> Option<Value> {
        let (mut run, mut parts, mut is_known) = (None::<Value>, 0, true);
        let line = self.tokens.get(self.at).map_or(0, |(_, line)| *line);
        loop {
            let term = self.product();
            is_known &= term.is_some();
            run = match (run, term) {
                (Some(Value::Text(before)), Some(Value::Text(next))) if before.len() + next.len() <= LONGEST => {
                    parts += 1;
                    Some(Value::Text(before + &next))
                }
                (Some(Value::List(mut before)), Some(Value::List(next))) if before.len() + next.len() <= LONGEST => {
                    before.extend(next);
                    Some(Value::List(before))
                }
                (run, next) => {
                    is_known &= run.is_none();
                    self.note(run.as_ref().filter(|_| parts > 0), line);
                    parts = 0;
                    next
                }
            };
            if !self.take('+') && !self.take('~') {
                break;
            }
        }
        self.note(run.as_ref().filter(|_| parts > 0), line);
        run.filter(|_| is_known)
    }

    fn note(&mut self, value: Option<&Value>, line: usize) {
        if let Some(Value::Text(text)) = value {
            self.left = self.left.saturating_sub(text.len() + 1);
            self.found.push((text.clone(), line));
        }
    }

    /// Reads a value, perhaps repeated or filled in.
    fn product(&mut self) -> Option<Value> {
        let line = self.tokens.get(self.at).map_or(0, |(_, line)| *line);
        let mut value = self.postfix();
        loop {
            let made = match (&value, self.peek(0)) {
                (Some(Value::Text(text)), Some(Token::Sign('*'))) => {
                    self.at += 1;
                    match self.postfix() {
                        Some(Value::Number(times)) if times.saturating_mul(text.len()) <= LONGEST => {
                            Some(Value::Text(text.repeat(times)))
                        }
                        _ => None,
                    }
                }
                (Some(Value::Number(times)), Some(Token::Sign('*'))) => {
                    self.at += 1;
                    match self.postfix() {
                        Some(Value::Text(text)) if times.saturating_mul(text.len()) <= LONGEST => {
                            Some(Value::Text(text.repeat(*times)))
                        }
                        _ => None,
                    }
                }
                (Some(Value::Text(text)), Some(Token::Sign('%'))) => {
                    self.at += 1;
                    let arguments = self.postfix();
                    arguments.map(|arguments| Value::Text(filled(text, &["%s", "%c"], &list_of(arguments))))
                }
                _ => return value,
            };
            self.note(made.as_ref(), line);
            value = made;
        }
    }

    /// Reads a value with the filters, methods and indexes behind it.
    fn postfix(&mut self) -> Option<Value> {
        let line = self.tokens.get(self.at).map_or(0, |(_, line)| *line);
        let mut value = self.primary();
        loop {
            let is_call = match self.peek(0) {
                Some(Token::Sign('|' | '.')) => matches!(self.peek(1), Some(Token::Name(_))),
                Some(Token::Sign('[')) => value.is_some(),
                _ => false,
            };
            if !is_call || value.is_none() {
                return value;
            }
            value = value.and_then(|value| self.changed(value));
            self.note(value.as_ref(), line);
        }
    }

    /// Reads a filter, a method or an index, and applies it to `value`.
    fn changed(&mut self, value: Value) -> Option<Value> {
        if self.take('[') {
            return self.indexed(&value);
        }
        self.at += 1;
        let Some(Token::Name(name)) = self.peek(0) else { return None };
        self.at += 1;
        let arguments = if self.take('(') { self.items(')')? } else { Vec::new() };
        applied(name, value, &arguments)
    }

    /// Reads an index or the slice `[::-1]`, after its bracket.
    fn indexed(&mut self, value: &Value) -> Option<Value> {
        if self.take(':') {
            let is_reverse = self.take(':') && self.take('-') && self.peek(0) == Some(&Token::Number(1));
            self.at += usize::from(is_reverse);
            return if is_reverse && self.take(']') { applied("reverse", value.clone(), &[]) } else { None };
        }
        let is_from_end = self.take('-');
        let Some(Value::Number(index)) = self.sum() else { return None };
        let index = if is_from_end { length(value).checked_sub(index)? } else { index };
        if self.take(']') { element(value, index) } else { None }
    }

    /// Reads a constant, a variable, or values in brackets. Of anything else, reads one token.
    fn primary(&mut self) -> Option<Value> {
        let token = self.peek(0)?;
        self.at += 1;
        match token {
            Token::Text(text) => {
                let mut text = text.clone();
                // Strings that follow each other are one string.
                while let Some(Token::Text(next)) = self.peek(0) {
                    text.push_str(next);
                    self.at += 1;
                }
                // An escape may hide a letter.
                self.note(Some(&Value::Text(text.clone())), self.tokens[self.at - 1].1);
                (text.len() <= LONGEST).then_some(Value::Text(text))
            }
            Token::Number(number) => Some(Value::Number(*number)),
            Token::Name(name) => self.variable(name).or_else(|| self.member()),
            Token::Sign('(') => {
                let items = self.items(')')?;
                if items.len() == 1 { items.into_iter().next() } else { Some(Value::List(items)) }
            }
            Token::Sign('[') => self.items(']').map(Value::List),
            Token::Sign(_) | Token::Data(_) => None,
        }
    }

    /// Reads a member of something unknown that has the name of a variable, such as one of a namespace.
    fn member(&mut self) -> Option<Value> {
        let (Some(Token::Sign('.')), Some(Token::Name(name))) = (self.peek(0), self.peek(1)) else { return None };
        let value = self.variable(name)?;
        self.at += 2;
        Some(value)
    }

    fn variable(&mut self, name: &str) -> Option<Value> {
        let value = self.variables.get(name)?;
        self.left = self.left.saturating_sub(value.bytes());
        Some(value.clone())
    }

    /// Reads values up to the bracket `end`; none if one of them is not known.
    fn items(&mut self, end: char) -> Option<Vec<Value>> {
        if self.depth == DEEPEST {
            return None;
        }
        self.depth += 1;
        let mut items = Some(Vec::new());
        while !self.take(end) {
            let before = self.at;
            let item = match (self.peek(0), self.peek(1)) {
                (Some(Token::Name(name)), Some(Token::Sign('='))) if !self.is_sign(2, '=') => {
                    self.at += 2;
                    let value = self.sum();
                    self.assign(name, value);
                    None
                }
                _ => self.sum(),
            };
            let is_separated = self.take(',') || self.is_sign(0, end);
            if self.at == before || !is_separated {
                items = None;
                break;
            }
            items = items.filter(|items| items.len() < LONGEST).zip(item).map(|(mut items, item)| {
                items.push(item);
                items
            });
        }
        self.depth -= 1;
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_put_together() {
        for template in [
            "{{ x['_'+'_class_'+'_'] }}",
            "{{ x['_' ~ '_class_' ~ '_'] }}",
            "{{ x['_' '_cla' 'ss_' '_'] }}",
            "{{ x[('_' + '_') ~ ('class' + ('_' * 2))] }}",
            "{{ x[2 * '_' + 'class' + '_' * 2] }}",
            "{{ x['__ssalc__'[::-1]] }}",
            "{{ x['__ssalc__' | reverse] }}",
            "{{ x['__CLASS__' | lower] }}",
            "{{ x['++class++'.replace('+', '_')] }}",
            "{{ x['++class++' | replace('+', '_')] }}",
            "{{ x[['__', 'class', '__'] | join] }}",
            "{{ x[['', '', 'class', '', ''] | join('_')] }}",
            "{{ x['_'.join(['', '', 'class', '', ''])] }}",
            "{{ x['%s%s' % ('__cla', 'ss__')] }}",
            "{{ x['%c%cclass%c%c' % (95, 95, 95, 95)] }}",
            "{{ x['%s%s' | format('__cla', 'ss__')] }}",
            "{{ x['{}class{}'.format('__', '__')] }}",
            "{{ x['__cl\\x61ss__'] }}",
            "{{ x['__cl\\141ss__'] }}",
            "{% set u = '_' %}{{ x[u + u + 'class' + u + u] }}",
            "{% set u %}_{% endset %}{{ x[u ~ u ~ 'class' ~ u ~ u] }}",
            "{% with u = '__' %}{{ x[u ~ 'class' ~ u] }}{% endwith %}",
            "{% for u in ['__'] %}{{ x[u ~ 'class' ~ u] }}{% endfor %}",
            "{% set u -%} _ {%- endset %}{{ x[u ~ u ~ 'class' ~ u ~ u] }}",
            "{% set ns = namespace(a=1, u='__') %}{{ x[ns.u ~ 'class' ~ ns.u] }}",
            "{% set ns = namespace() %}{% set ns.u = 'a_'[1] * 2 %}{{ x[ns.u ~ 'class' ~ ns.u] }}",
            "{{ x[('a', '_' * 2)[-1] ~ 'class' ~ ['_'] | first ~ '_'] }}",
            "{% set l = ['_', '_'] + ['class'] %}{{ x[(l + ['_', '_']) | join('')] }}",
            "{{ content + '_' + '_class_' + '_' + content }}",
            "{{ f(1, '_' + '_class_' + '_') }}",
        ] {
            let found = folded(template).found;
            assert!(found.iter().any(|(text, _)| text.contains("__class__")), "{template}: {found:?}");
        }
    }

    #[test]
    fn templates_without_such_strings_have_none() {
        for template in [
            "{% for m in messages %}{{ '<|' + m['role'] + '|>' + '\\n' + m['content'] | trim }}{% endfor %}",
            "{{ '_' + name + '_class_' }}{{ '_' }}{{ messages[0]['a'] ~ '_' }}",
            "{{ '_' == '_class_' }}{{ ['_', 'class'] }}",
        ] {
            let found = folded(template).found;
            assert!(!found.iter().any(|(text, _)| text.contains("__")), "{template}: {found:?}");
        }
    }

    #[test]
    fn large_values_and_deep_brackets_end_the_search() {
        folded(&format!("{{{{ {}'a' }}}}", "(".repeat(100_000)));
        folded(&format!("{{{{ {} }}}}", "'a'*4096*4096".repeat(100)));
        folded(&format!("{{% set a = 'a' %}}{}", "{% set a = a + a %}".repeat(1000)));
        folded(&format!("{{{{ {} }}}}", "[".repeat(5000)));
        let list = format!("{{% set l = [{}] %}}", "'aaaaaaaa',".repeat(4000));
        assert!(folded(&format!("{list}{}", "{{ l | join(l[0] * 500) }}".repeat(40_000))).is_cut_off);
        let text = format!("{{{{ '{}'.replace('', '{}') }}}}", "a".repeat(500_000), "b".repeat(500_000));
        assert!(!folded(&text).is_cut_off);
    }

    proptest::proptest! {
        #[test]
        fn any_template_is_folded(
            template in "(\\{\\{|\\{%|%\\}|\\}\\}|set|for|in| a |'_'|[\\[\\]()+~*%|.,:=1-]|join)*",
        ) {
            folded(&template);
        }
    }
}
