//! The names that a statement defines, uses and changes.

use std::collections::BTreeSet;

use super::imports::imports;
use super::statement::{Statement, StatementKind};
use super::structure::{assignment_sides, logical_lines, parts, without_subscripts};

/// The names of a statement, as far as they can be seen without parsing it. Rather too many are `used` than too few.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::notebook) struct Names {
    /// The names that exist afterwards.
    pub(in crate::notebook) defined: BTreeSet<String>,
    /// Those of them with an annotation.
    pub(in crate::notebook) annotated: BTreeSet<String>,
    /// The names that must exist when the statement runs.
    pub(in crate::notebook) used: BTreeSet<String>,
    /// The names that must exist when a function or a class of the statement is used.
    pub(in crate::notebook) late: BTreeSet<String>,
    /// The names whose values the statement changes in place.
    pub(in crate::notebook) changed: BTreeSet<String>,
    /// The names whose values a function or a class of the statement changes in place when it is used.
    pub(in crate::notebook) changed_late: BTreeSet<String>,
}

/// An identifier that is not an attribute, and not the name of an argument.
#[derive(Debug, Clone, Copy)]
pub(in crate::notebook) struct Identifier<'a> {
    pub(in crate::notebook) name: &'a str,
    /// The code after it, without spaces.
    pub(in crate::notebook) rest: &'a str,
}

const KEYWORDS: [&str; 38] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "case", "class", "continue", "def",
    "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "match",
    "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield", "self",
];

/// Methods that change their object, by their names.
const CHANGING: [&str; 22] = [
    "fit",
    "partial_fit",
    "train",
    "append",
    "extend",
    "update",
    "add",
    "insert",
    "remove",
    "pop",
    "clear",
    "sort",
    "load_state_dict",
    "compile",
    "step",
    "add_module",
    "register",
    "load_weights",
    "prepare",
    "setdefault",
    "reverse",
    "set_params",
];

/// Returns the identifiers in masked code, without keywords.
pub(in crate::notebook) fn identifiers(masked: &str) -> Vec<Identifier<'_>> {
    let mut found = Vec::new();
    let (mut at, mut before, mut depth) = (0, ' ', 0_usize);
    while let Some(sign) = masked[at..].chars().next() {
        if !(sign.is_alphanumeric() || sign == '_') {
            match sign {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            before = if sign.is_whitespace() && sign != '\n' { before } else { sign };
            at += sign.len_utf8();
            continue;
        }
        let end = masked[at..].find(|sign: char| !(sign.is_alphanumeric() || sign == '_'));
        let end = end.map_or(masked.len(), |end| at + end);
        let (name, rest) = (&masked[at..end], masked[end..].trim_start_matches([' ', '\t']));
        let is_prefix = rest.len() + end == masked.len() && rest.starts_with(['"', '\'']);
        let is_argument = depth > 0 && matches!(before, '(' | ',') && rest.starts_with('=') && !rest.starts_with("==");
        let is_name = !sign.is_numeric() && !KEYWORDS.contains(&name) && before != '.';
        if is_name && !is_prefix && !is_argument {
            found.push(Identifier { name, rest });
        }
        before = 'x';
        at = end;
    }
    found
}

/// Returns the names of a statement.
pub(in crate::notebook) fn names_of(statement: &Statement) -> Names {
    match statement.kind {
        StatementKind::Comment => Names::default(),
        StatementKind::Import => {
            let defined = imports(statement).into_iter().flat_map(|import| import.names).collect();
            Names { defined, ..Names::default() }
        }
        StatementKind::Definition => of_definition(statement),
        StatementKind::Other => of_block(&statement.masked),
    }
}

fn of_definition(statement: &Statement) -> Names {
    let mut names = Names::default();
    let start = statement.masked.find("def ").into_iter().chain(statement.masked.find("class ")).min().unwrap_or(0);
    let text = &statement.masked[start..];
    let name = identifiers(text).first().map(|found| found.name.to_owned());
    // The body follows the colon that ends the first logical line.
    let header_end = parts(text, ':').next().map_or(text.len(), str::len);
    let (header, body) = text.split_at(header_end);
    let parameters = parameters(header);
    let header = format!("{}{}", &statement.masked[..start], header);
    names.used.extend(identifiers(&header).iter().map(|found| found.name.to_owned()));
    names.used.retain(|used| !parameters.contains(used) && Some(used) != name.as_ref());
    let mut inner = assigned_anywhere(body);
    inner.extend(parameters);
    inner.extend(comprehension_names(body));
    names.changed_late = changed_anywhere(body);
    names.changed_late.retain(|changed| !inner.contains(changed));
    names.late.extend(identifiers(body).iter().map(|found| found.name.to_owned()));
    names.late.retain(|used| !inner.contains(used) && Some(used) != name.as_ref());
    if text.starts_with("class ") {
        // The body of a class runs where it is defined, those of its functions do not.
        names.used.extend(of_block(body.trim_start_matches(':')).used);
    }
    names.defined.extend(name);
    names
}

/// The names of the parameters in the first line of a function; none for a class.
fn parameters(header: &str) -> BTreeSet<String> {
    let Some(inside) = header.strip_prefix("def ").and_then(|header| header.split_once('(')) else {
        return BTreeSet::new();
    };
    let inside = inside.1.rsplit_once(')').map_or(inside.1, |(inside, _)| inside);
    let first = |part: &str| {
        let part = part.trim_start_matches(|sign: char| sign.is_whitespace() || sign == '*');
        part.split(|sign: char| !(sign.is_alphanumeric() || sign == '_')).next().unwrap_or_default().to_owned()
    };
    parts(inside, ',').map(first).filter(|name| !name.is_empty()).collect()
}

/// The names that are assigned anywhere in the body of a function or a class, and the parameters of its functions.
fn assigned_anywhere(body: &str) -> BTreeSet<String> {
    let (mut assigned, mut global) = (BTreeSet::new(), BTreeSet::new());
    for line in logical_lines(body) {
        let text = line.trim_start();
        if let Some(names) = text.strip_prefix("global ") {
            global.extend(names.split(',').map(|name| name.trim().to_owned()));
        } else if let Some(rest) = text.strip_prefix("async ").unwrap_or(text).strip_prefix("def ") {
            let header = format!("def {rest}");
            assigned.extend(parameters(parts(&header, ':').next().unwrap_or_default()));
            assigned.extend(identifiers(rest).first().map(|found| found.name.to_owned()));
        } else if text.starts_with("import ") || text.starts_with("from ") {
            assigned.extend(of_block(text).defined);
        } else {
            let mut names = Names::default();
            of_line(text, &mut names);
            assigned.extend(names.defined);
        }
    }
    assigned.retain(|name| !global.contains(name));
    assigned
}

/// The names whose values are changed in place anywhere in the body of a function or a class.
fn changed_anywhere(body: &str) -> BTreeSet<String> {
    let mut names = Names::default();
    for line in logical_lines(body) {
        of_line(line.trim_start_matches([' ', '\t', ':']), &mut names);
    }
    names.changed
}

/// The names of a statement that is neither an import nor a definition, with its blocks.
fn of_block(masked: &str) -> Names {
    let mut names = Names::default();
    // The indentation of a nested function or class whose body is skipped.
    let mut skipped: Option<usize> = None;
    for line in logical_lines(masked) {
        let indent = line.len() - line.trim_start().len();
        let text = line.trim_start();
        if skipped.is_some_and(|skipped| indent > skipped) {
            names.late.extend(identifiers(text).iter().map(|found| found.name.to_owned()));
            continue;
        }
        skipped = None;
        let is_nested = ["def ", "class ", "async def "].iter().any(|word| text.starts_with(word));
        if is_nested {
            skipped = Some(indent);
            let statement = Statement {
                text: text.to_owned(),
                masked: text.to_owned(),
                in_string: vec![false],
                kind: StatementKind::Definition,
            };
            let inner = of_definition(&statement);
            names.defined.extend(inner.defined);
            names.used.extend(inner.used);
            names.changed_late.extend(inner.changed_late);
            continue;
        }
        if text.starts_with("import ") || text.starts_with("from ") {
            let (text, masked) = (text.to_owned(), text.to_owned());
            let import = Statement { text, masked, in_string: vec![false], kind: StatementKind::Import };
            names.defined.extend(imports(&import).into_iter().flat_map(|import| import.names));
            continue;
        }
        parts(text, ';').for_each(|part| of_line(part.trim_start(), &mut names));
    }
    names.late.retain(|name| !names.defined.contains(name));
    names
}

/// Adds the names of one logical line.
fn of_line(line: &str, names: &mut Names) {
    let locals = comprehension_names(line);
    let all = identifiers(line);
    let mut targets = BTreeSet::new();
    let word = line.split(|sign: char| !sign.is_alphanumeric()).next().unwrap_or_default();
    let mut rest = line;
    if ["if", "elif", "else", "for", "while", "with", "try", "except", "finally", "async"].contains(&word) {
        let head = parts(line, ':').next().unwrap_or(line);
        rest = line[head.len()..].trim_start_matches(':').trim_start();
        let head = head.strip_prefix("async ").unwrap_or(head);
        if let Some((target, _)) = head.strip_prefix("for ").and_then(|head| head.split_once(" in ")) {
            targets.extend(target_names(target));
        }
        targets
            .extend(head.split(" as ").skip(1).flat_map(|after| target_names(after.split(',').next().unwrap_or(""))));
    }
    let mut augmented = BTreeSet::new();
    let sides = assignment_sides(rest);
    if let Some((_, assigned)) = sides.split_last() {
        for side in assigned {
            let (side, is_augmented) = match side.trim_end().strip_suffix(AUGMENTED) {
                Some(side) => (side.trim_end_matches(AUGMENTED), true),
                None => (*side, false),
            };
            let target = parts(side, ':').next().unwrap_or(side);
            let found = target_names(target);
            if target.len() < side.len() {
                names.annotated.extend(found.iter().cloned());
            }
            if is_augmented {
                augmented.extend(found.iter().cloned());
            }
            targets.extend(found);
            let changes = |found: &&Identifier<'_>| found.rest.starts_with(['.', '[']);
            names.changed.extend(identifiers(target).iter().filter(changes).map(|found| found.name.to_owned()));
        }
    }
    if let Some(found) = all.first().filter(|found| line.starts_with(found.name)) {
        let method = found.rest.strip_prefix('.').and_then(|rest| rest.split('(').next()).unwrap_or_default();
        if CHANGING.contains(&method.rsplit('.').next().unwrap_or_default()) || line.contains("inplace=True") {
            names.changed.insert(found.name.to_owned());
        }
    }
    let walrus: BTreeSet<_> = all.iter().filter(|found| found.rest.starts_with(":=")).map(|found| found.name).collect();
    let is_loop = matches!(word, "for" | "async" | "with");
    targets.extend(walrus.iter().map(|name| (*name).to_owned()));
    let defined_before = names.defined.clone();
    let mut only_target: BTreeSet<_> = BTreeSet::new();
    for target in &targets {
        let times = all.iter().filter(|found| found.name == target).count();
        if (times == 1 || is_loop || walrus.contains(&**target)) && !augmented.contains(target) {
            only_target.insert(target.clone());
        }
    }
    let used = all.iter().map(|found| found.name.to_owned());
    names.used.extend(
        used.filter(|used| !locals.contains(used) && !only_target.contains(used) && !defined_before.contains(used)),
    );
    names.defined.extend(targets);
}

/// The signs before `=` that make an assignment use the target as well.
const AUGMENTED: [char; 11] = ['+', '-', '*', '/', '%', '&', '|', '^', '@', '<', '>'];

/// The names that a target such as `a, (b, *c)` assigns; not those in `a.b` or `a[b]`.
fn target_names(target: &str) -> BTreeSet<String> {
    let is_simple = |found: &Identifier<'_>| !found.rest.starts_with(['.', '[', '(']);
    let outside: String = without_subscripts(target);
    let names = identifiers(target).into_iter().filter(is_simple).map(|found| found.name.to_owned());
    let outside: BTreeSet<_> = identifiers(&outside).iter().map(|found| found.name.to_owned()).collect();
    names.filter(|name| outside.contains(name)).collect()
}

/// The names that comprehensions and lambdas in a line define for themselves.
fn comprehension_names(line: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let is_statement = line.trim_start().starts_with("for ") || line.trim_start().starts_with("async for ");
    for (index, after) in line.split(" for ").enumerate().skip(1) {
        if !(index == 0 && is_statement)
            && let Some((target, _)) = after.split_once(" in ")
        {
            names.extend(target_names(target));
        }
    }
    for after in line.split("lambda").skip(1) {
        names.extend(parameters(&format!("def f({})", parts(after, ':').next().unwrap_or_default())));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::statement::statements;
    use super::*;

    fn check(code: &str, defined: &str, used: &str, late: &str, changed: &str) {
        let mut all = Names::default();
        for statement in statements(code) {
            let names = names_of(&statement);
            all.used.extend(names.used);
            all.late.extend(names.late);
            all.changed.extend(names.changed);
            all.defined.extend(names.defined);
        }
        let words = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ");
        let found = [words(&all.defined), words(&all.used), words(&all.late), words(&all.changed)];
        assert_eq!(found, [defined, used, late, changed].map(str::to_owned), "{code}");
    }

    #[test]
    fn names_are_found() {
        for (code, defined, used, late, changed) in [
            ("x = a + b.c", "x", "a b", "", ""),
            ("x, (y, *z) = f(k=v)", "x y z", "f v", "", ""),
            ("x[i] = y.z = a", "", "a i x y", "", "x y"),
            ("x: int = 3", "x", "int", "", ""),
            ("x, y = y, z", "x y", "y z", "", ""),
            ("class C:\n    w = v\n    def m(self): return u\n", "C", "v", "u v", ""),
            ("x += 1", "x", "x", "", ""),
            ("x = x.dropna()", "x", "x", "", ""),
            ("x == y", "", "x y", "", ""),
            ("for i, j in zip(a, b):\n    s = i\n", "i j s", "a b zip", "", ""),
            ("with open(p) as f:\n    d = f.read()\n", "d f", "open p", "", ""),
            ("q = [n for n in names if n]", "q", "names", "", ""),
            ("import a.b, c as d\nfrom e import f as g, h\n", "a d g h", "", "", ""),
            ("def f(x, y=z):\n    w = x + v\n    return w\n", "f", "z", "v", ""),
            ("class C(B):\n    def m(self):\n        return k\n", "C", "B", "k", ""),
            ("@app.get('/')\ndef f(): return model\n", "f", "app", "model", ""),
            ("model.fit(x)", "", "model x", "", "model"),
            ("print(f'{a} b')", "", "a print", "", ""),
            ("if (n := len(a)) > 1: y = n", "n y", "a len", "", ""),
            ("g = lambda t: t + u", "g", "u", "", ""),
        ] {
            check(code, defined, used, late, changed);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_code_is_too_strange(code in r#"([a-c=:.,()\[\] é"]|def |for | in |\n|lambda ){0,40}"#) {
            for statement in statements(&code) {
                names_of(&statement);
            }
        }
    }
}
