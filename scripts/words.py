#!/usr/bin/env python3
"""Checks the words and the width of every text in the repository: see `scripts/words.sh --help`.

Words are looked for in comments, string literals and documents, never in code. A phrase is also found where a line breaks in it.
"""

import argparse
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path

MAX_COLUMNS = 120
CHECKED = {".md", ".rs", ".sh", ".toml", ".yml", ".yaml", ".py"}
WIDTH_CHECKED = {".md", ".rs", ".sh", ".toml"}
# Texts of others, stored results, and this program, which has to name the words.
EXCLUDED = re.compile(r"(^|/)(LICENSE|golden|fixtures|corpus)(/|$)|^scripts/words\.|^Cargo\.lock$")
# The guides pack these projects and show the digests, so their bytes stay as they are.
PACKED = re.compile(r"^examples/digits")

# name, pattern (a space matches any white space; a match with the group `fine` is not reported), advice
RULES = [
    ("tell", r"tell|tells|telling|told", "use show, print, report, return, contain, mean, identify or distinguish"),
    ("person", r"nobody|somebody|whoever|whomever", "name who it is: a user, another process, the caller"),
    ("anew", r"anew", "use again, or from the start"),
    ("all-the-same", r"all the same", "use still or anyway, or say that they are equal"),
    ("as-ever", r"as ever", "use as before or as usual"),
    ("be-it", r"be it", "use whether or even if"),
    ("is-no", r"(?P<fine>there )?(?:is|are|was|were) (?:none|no(?! longer| more| less| fewer| \w+er than))",
     "use is not a, has no, or there is no"),
    ("go-tool", r"(?:the )?go tool", "use KitOps"),
    ("go-on", r"(?:go|goes|going|gone|went) on", "use continue, proceed or resume"),
    ("what-is-about", r"what is about", "use referrers"),
    ("making", r"records? of the making", "use provenance attestation"),
    ("metaphor", r"rooms?|doors?|floors?", "use module, directory, space or lower limit"),
]
# The map of the modules may use the words that it explains.
ALLOWED = {"metaphor": re.compile(r"(^|/)lib\.rs$|(^|/)architecture\.rs$|^docs/design|^CONTRIBUTING\.md$")}

DOC_START = re.compile(r"^\s*//[/!] (?:What|Where|Whether|Who|Whose|How|Which)\b")
DOC_ADVICE = "begin a doc line with a noun or a third-person verb"

URL = re.compile(r"https?://[^\s)>\"'`]+")
CODE_SPAN = re.compile(r"`[^`\n]+`")
CONSOLE = re.compile(r"^```console\n.*?^```$", re.DOTALL | re.MULTILINE)
RUST_TEXT = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<raw>\b[bc]?r(?P<hashes>\#*)".*?"(?P=hashes))
      | (?P<string>"(?:\\.|[^"\\])*")
      | (?P<char>'(?:\\.[^']*|[^\\'])')""",
    re.DOTALL | re.VERBOSE,
)


def main():
    options = arguments()
    if options.self_test:
        return self_test()
    findings = [finding for path in files(options.paths) for finding in check(path, Path(path).read_text("utf-8"))]
    if options.count:
        for folder, count in sorted(Counter(str(Path(path).parent) for path, *_ in findings).items()):
            print(f"{count:6} {folder}")
    else:
        for path, line, word, advice in findings:
            print(f"{path}:{line}: {word}: {advice}")
    if findings:
        print(f"words: {len(findings)} to correct", file=sys.stderr)
    return 1 if findings else 0


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/words.sh", description="Checks words and line width of all texts.")
    parser.add_argument("paths", nargs="*", help="check only these files and directories")
    parser.add_argument("--count", action="store_true", help="print only how many findings each directory has")
    parser.add_argument("--self-test", action="store_true", help="check that each rule finds what it should")
    return parser.parse_args()


def files(paths):
    """Every file that git tracks or would track, without what is excluded."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths],
        check=True, stdout=subprocess.PIPE, encoding="utf-8",
    ).stdout
    for path in sorted(set(listed.split("\0"))):
        if Path(path).suffix in CHECKED and not EXCLUDED.search(path) and Path(path).is_file():
            yield path


def check(path, text):
    """Yields (path, line number, word, advice) for everything that is wrong in `text`."""
    findings = words(path, text) + doc_starts(path, text) + widths(path, text)
    return sorted(((path, *finding) for finding in findings), key=lambda finding: finding[1])


def words(path, text):
    prose = CODE_SPAN.sub(hide, prose_of(path, text))
    return [
        (prose.count("\n", 0, found.start()) + 1, " ".join(found.group().split()), advice)
        for name, pattern, advice in COMPILED
        if not (name in ALLOWED and ALLOWED[name].search(path))
        for found in pattern.finditer(prose)
        if not found.groupdict().get("fine")
    ]


def doc_starts(path, text):
    if not path.endswith(".rs"):
        return []
    found = ((number, DOC_START.match(line)) for number, line in enumerate(text.split("\n"), 1))
    return [(number, start.group().split()[-1], DOC_ADVICE) for number, start in found if start]


def widths(path, text):
    if Path(path).suffix not in WIDTH_CHECKED or PACKED.search(path):
        return []
    data = data_lines(text) if path.endswith(".rs") else console_lines(text) if path.endswith(".md") else set()
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        is_table = path.endswith(".md") and line.lstrip().startswith("|")
        width = columns(URL.sub("", line))
        if width > MAX_COLUMNS and not is_table and number not in data:
            found.append((number, f"{width} columns", f"break the line at {MAX_COLUMNS}"))
    return found


def prose_of(path, text):
    """The text with every other character hidden, so that positions and lines stay what they are."""
    if path.endswith(".md"):
        return text
    if path.endswith(".rs"):
        return rust_prose(text)
    if path.endswith(".py"):
        # A comparison, which is code.
        text = re.sub(r"\bis None\b", hide, text)
    return re.sub(r"^\s*#+", hide_marker, text, flags=re.MULTILINE)


def rust_prose(text):
    prose, end = [], 0
    for token in RUST_TEXT.finditer(text):
        prose.append(hide(text[end:token.start()]))
        prose.append(rust_token(token))
        end = token.end()
    prose.append(hide(text[end:]))
    return "".join(prose)


def rust_token(token):
    text = token.group()
    if token["comment"]:
        return re.sub(r"^//[/!]?", hide_marker, text)
    if token["raw"]:
        return text
    if token["string"]:
        # A line that ends in a backslash continues on the next one; `\n` and the like separate words.
        return re.sub(r"\\[nrt\n]", lambda escape: " " + (escape.group()[1] if escape.group()[1] == "\n" else " "), text)
    return hide(text)


def hide(text):
    """Replaces what is not prose by a character that no rule matches, so that no phrase reaches across it."""
    text = text if isinstance(text, str) else text.group()
    return re.sub(r"\S", "\0", text)


def hide_marker(marker):
    return re.sub(r"\S", " ", marker.group())


def data_lines(text):
    """The lines within a raw string literal, which cannot be broken."""
    lines = set()
    for token in RUST_TEXT.finditer(text):
        if token["raw"]:
            first = text.count("\n", 0, token.start()) + 1
            lines.update(range(first + 1, first + token.group().count("\n") + 1))
    return lines


def console_lines(text):
    """The lines of blocks with commands and their output, which cannot be broken."""
    lines = set()
    for block in CONSOLE.finditer(text):
        first = text.count("\n", 0, block.start()) + 1
        lines.update(range(first, first + block.group().count("\n")))
    return lines


def columns(line):
    """How wide a terminal shows the line."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def compiled(pattern):
    return re.compile(r"\b(?:" + pattern.replace(" ", r"\s+") + r")\b", re.IGNORECASE)


COMPILED = [(name, compiled(pattern), advice) for name, pattern, advice in RULES]

# path, text, the words that have to be found
CASES = [
    ("a.rs", "// It tells the digest.\n", ["tells"]),
    ("a.rs", "/// Goes\n/// on with the next.\n", ["Goes on"]),
    ("a.rs", 'fail("the upload goes \\\n      on");\n', ["goes on"]),
    ("a.rs", 'fail("one\\ntold");\n', ["told"]),
    ("a.rs", 'let room = tell(floor);\n', []),
    ("a.rs", "let nobody = '\"'; // \"fine\"\nlet anew = 1;\n", []),
    ("a.rs", "fn f<'a>(told: &'a str) { '\\'' }\n", []),
    ("a.rs", "// `floor` is a method\n", []),
    ("a.rs", "// This is no layer.\n", ["is no"]),
    ("a.rs", "// The others are none.\n", ["are none"]),
    ("a.rs", "// There is no layer.\n// It is no longer\n// there.\n", []),
    ("a.rs", "// There\n// is no layer, and 3 is no larger than 4.\n", []),
    ("a.rs", "// A room behind a door.\n", ["room", "door"]),
    ("src/lib.rs", "//! Rooms on floors.\n", []),
    ("a.rs", "    /// Whether it is there.\n", ["Whether"]),
    ("a.rs", "//! How it works.\n", ["How"]),
    ("a.rs", "/// The digest,\n/// which is stored.\n// What for\n", []),
    ("a.rs", "//" + "x" * 119 + "\n", ["121 columns"]),
    ("a.rs", "//" + "x" * 118 + "\n", []),
    ("a.rs", "//" + "重" * 60 + "\n", ["122 columns"]),
    ("a.rs", 'expect![[r#"\n' + "x" * 130 + '\n"#]]\n', []),
    ("a.md", "Whoever comes anew, be it all the same as ever.\n", ["Whoever", "anew", "be it", "all the same", "as ever"]),
    ("a.md", "The Go tool, and what is about it.\n", ["The Go tool", "what is about"]),
    ("a.md", "| " + "x" * 130 + " |\n[a](https://" + "x" * 130 + ")\n", []),
    ("a.md", "x" * 130 + "\n", ["130 columns"]),
    ("a.md", "```console\n" + "x" * 130 + "\n```\n", []),
    ("a.md", "```console\nhe told\n```\n\n```\n" + "x" * 130 + "\n```\n", ["told", "130 columns"]),
    ("examples/digits/README.md", "x" * 130 + "\n", []),
    ("a.sh", "# Nobody\n", ["Nobody"]),
    ("a.sh", "# It goes\n# on.\n", ["goes on"]),
    ("a.yml", "name: a record of the making\n", ["record of the making"]),
    ("a.py", "x" * 130 + "\n", []),
    ("a.py", "if layer is None:  # there is none\n", []),
    ("a.py", "# This is none.\n", ["is none"]),
]


def self_test():
    failed = 0
    for path, text, expected in CASES:
        found = [word for _, _, word, _ in check(path, text)]
        if sorted(found) != sorted(expected):
            failed += 1
            print(f"words: self-test: {path} {text!r}: found {found}, expected {expected}", file=sys.stderr)
    print(f"words: self-test: {len(CASES) - failed} of {len(CASES)} cases pass")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
