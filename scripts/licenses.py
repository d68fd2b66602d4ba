#!/usr/bin/env python3
"""Prints the licences of everything that is linked into the program `kit`: the file THIRD-PARTY-LICENSES of a release.

The output has the crates of the target with their licence files, the standard library of Rust, and the C library where
it is linked statically. It depends on Cargo.lock, the target and the compiler only: it has no path and no time.
"""

import argparse
import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent

# The names of files with a licence or a notice. Public-domain dedications have them at the top of a crate only: that of
# `spdx` has a folder with the texts of all licences as data.
TERMS = re.compile(r"(licen[cs]e|copying|copyright|notice)s?([-._].*)?", re.IGNORECASE)
DEDICATION = re.compile(r"unlicense([-._].*)?", re.IGNORECASE)
SOURCE = re.compile(r".*\.(rs|c|h|S|py)")

# zstd has two licences to choose from, and kit uses it under that in `zstd/LICENSE`. The other one is the GPL.
NOT_CHOSEN = {("zstd-sys", "zstd/COPYING")}

# The text for crates that come without a file: the LICENSE of kit is the same one.
STANDARD_TEXTS = {"Apache-2.0": PROJECT / "LICENSE"}

# What is linked statically besides Rust: the end of the target, the name, the licence and the source. The texts are in
# packaging/licenses.
C_LIBRARIES = [
    ("-musl", "musl", "MIT", "https://musl.libc.org"),
    ("-windows-gnu", "mingw-w64", "ZPL-2.1, and others", "https://www.mingw-w64.org"),
]

# The crates of the standard library that its list of notices leaves out.
UNLISTED = {
    "addr2line": "Apache-2.0 OR MIT",
    "adler2": "0BSD OR MIT OR Apache-2.0",
    "memchr": "Unlicense OR MIT",
    "miniz_oxide": "MIT OR Zlib OR Apache-2.0",
    "object": "Apache-2.0 OR MIT",
}

RULE = "-" * 80


@dataclass
class Component:
    """A part of the program, and its licence texts by the names of their files."""

    name: str
    version: str
    licence: str
    source: str
    texts: dict = field(default_factory=dict)

    def title(self):
        return f"{self.name} {self.version}"


def main():
    options = arguments()
    if options.self_test:
        return self_test()
    target = options.target or host()
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    sys.stdout.write(document(target, linked_parts(target)))
    return 0


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/licenses.py", description="Prints the licences of what is in kit.")
    parser.add_argument("target", nargs="?", help="the target that kit is built for, by default that of this machine")
    parser.add_argument("--self-test", action="store_true", help="check this program, and what it prints for this machine")
    return parser.parse_args()


def linked_parts(target):
    return crates(target) + standard_library(target) + c_libraries(target)


def crates(target):
    """The crates that are linked for `target`: without those that only run while it is built, and without our own."""
    tree = output("cargo", "tree", "--locked", "--package", "kit", "--target", target, "--edges",
                  "normal,no-proc-macro", "--prefix", "none", "--format", "{p}")
    linked = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
    found = json.loads(output("cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target))
    return [
        Component(package["name"], package["version"], package["license"], source(package), texts_of(package))
        for package in found["packages"]
        if package["source"] and (package["name"], "v" + package["version"]) in linked
    ]


def source(package):
    return package["repository"] or f"https://crates.io/crates/{package['name']}"


def texts_of(package):
    folder = Path(package["manifest_path"]).parent
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    chosen = {name for name in names if has_terms(name) and (package["name"], name) not in NOT_CHOSEN}
    if package["license_file"]:
        chosen.add(package["license_file"])
    return {name: (folder / name).read_text("utf-8") for name in sorted(chosen)}


def has_terms(path):
    """Whether a file of a crate has a licence or a notice, by its path in the crate."""
    folders, _, name = path.rpartition("/")
    if SOURCE.fullmatch(name):
        return False
    return bool(TERMS.fullmatch(name) or (not folders and DEDICATION.fullmatch(name)))


def standard_library(target):
    """The standard library of Rust and the crates in it, of which the compiler brings a list with notices."""
    sysroot = Path(output("rustc", "--print", "sysroot").strip())
    version = output("rustc", "--version").split()[1]
    libraries = sysroot / "lib" / "rustlib" / target / "lib"
    linked = {re.sub(r"^lib|-[0-9a-f]+$", "", path.stem) for path in libraries.glob("*.rlib")}
    if not linked:
        fail(f"Rust has no standard library for {target}: run `rustup target add {target}`")
    documents = sysroot / "share" / "doc" / "rust"
    notices = documents / "COPYRIGHT-library.html"
    if not notices.is_file():
        fail(f"this Rust comes without {notices.name}: use that of rustup")
    in_tree, listed = read_notices(notices.read_text("utf-8"))
    own = Component("Rust standard library", version, "MIT OR Apache-2.0", "https://github.com/rust-lang/rust")
    own.texts["COPYRIGHT"] = in_tree
    for text in sorted((documents / "licenses").iterdir()):
        if text.stem in in_tree:
            own.texts[text.name] = text.read_text("utf-8")
    unlisted = [
        Component(name, f"in the standard library of Rust {version}", licence, f"https://crates.io/crates/{name}")
        for name, licence in UNLISTED.items()
        if name not in {component.name for component in listed}
    ]
    return [own] + [part for part in listed + unlisted if part.name.replace("-", "_") in linked]


def read_notices(page):
    """Reads COPYRIGHT-library.html: the notices of Rust's own files as text, and a component for each crate."""
    own, found, others = page.partition('<h2 id="out-of-tree-dependencies">')
    own = own.partition('<h2 id="in-tree-files">')[2]
    crates = [read_notice(part) for part in others.split("<h3>")[1:]]
    if not own or not crates:
        fail("COPYRIGHT-library.html has another form than before")
    lines = [" ".join(re.sub(r"<[^>]*>", "", line).split()) for line in re.findall(r"<p>(.*?)</p>", own, re.DOTALL)]
    return unescape("\n".join(lines)), crates


def read_notice(part):
    title = re.match(r"\W*(.+?)-(\d+\.\d+\.\d+\S*)</h3>", part)
    licence = re.search(r"<b>License:</b>([^<]*)", part)
    if not title or not licence:
        fail("a crate in COPYRIGHT-library.html has another form than before")
    name, version = title.groups()
    texts = re.findall(r"<summary><code>(.*?)</code></summary>\s*?<pre>(.*?)</pre>", part, re.DOTALL)
    return Component(
        name, f"{version} in the standard library of Rust", licence[1].strip(), f"https://crates.io/crates/{name}",
        {unescape(file): unescape(text) for file, text in texts},
    )


def c_libraries(target):
    return [
        Component(name, "(C library)", licence, source, {"COPYRIGHT": license_file(name)})
        for end, name, licence, source in C_LIBRARIES
        if target.endswith(end)
    ]


def license_file(name):
    return (PROJECT / "packaging" / "licenses" / name).read_text("utf-8")


def document(target, components):
    """Prints the components, and then each text once, with the components that have it."""
    components = sorted(components, key=lambda component: (component.name.lower(), component.name, component.version))
    texts = Texts()
    entries = [entry(component, texts) for component in components]
    head = (
        f"The program `kit` for {target} contains the parts listed here, which are works of others. The list has the\n"
        "licence of each part, its source, and the numbers of the texts below it: licences and notices of copyright.\n"
        "The licence of `kit` is in the file LICENSE.\n"
    )
    return "\n".join([head, *entries, *texts.sections()])


def entry(component, texts):
    # Old crates separate alternatives by a slash.
    licence = re.sub(r"\s*/\s*", " OR ", component.licence or "see the text")
    lines = [component.title(), f"  licence: {licence}", f"  source:  {component.source}"]
    numbers = [texts.number(text, name, component) for name, text in component.texts.items()]
    if not numbers:
        standard = [id for id in STANDARD_TEXTS if re.search(rf"\b{re.escape(id)}\b(?! WITH)", licence)]
        numbers = [texts.number(STANDARD_TEXTS[id].read_text("utf-8"), id, component) for id in standard]
        lines.append("  it comes without a file with its licence" + (", which has this text" if numbers else ""))
    if numbers:
        lines.append("  texts:   " + ", ".join(str(number) for number in sorted(set(numbers))))
    return "\n".join(lines) + "\n"


class Texts:
    """The different texts, in the order in which they are first named. Spaces and line breaks make no difference."""

    def __init__(self):
        self.found = {}

    def number(self, text, name, component):
        """Returns the number of a text, from 1, and notes that the component has it."""
        key = " ".join(text.split())
        number, _, users = self.found.setdefault(key, (len(self.found) + 1, tidy(text), []))
        user = f"{component.title()}: {name}"
        if user not in users:
            users.append(user)
        return number

    def sections(self):
        for number, text, users in self.found.values():
            yield f"{RULE}\nText {number}\n" + "".join(f"  {user}\n" for user in users) + f"{RULE}\n\n{text}\n"


def tidy(text):
    """The text without spaces at the ends of its lines and without empty lines at its ends."""
    lines = [line.rstrip() for line in text.lstrip("\ufeff").split("\n")]
    return re.sub(r"\A\n+|\n+\Z", "", "\n".join(lines))


def host():
    return re.search(r"^host: (\S+)", output("rustc", "--verbose", "--version"), re.MULTILINE)[1]


def output(*command):
    try:
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8", cwd=PROJECT).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        fail(error)


def fail(problem):
    sys.exit(f"licenses: {problem}")


# The path of a file in a crate, and whether it is printed.
PATHS = [
    ("LICENSE", True),
    ("license-apache-2.0", True),
    ("LICENSE_A2LLVM", True),
    ("LICENCE.md", True),
    ("UNLICENSE", True),
    ("COPYING", True),
    ("NOTICE.txt", True),
    ("third_party/fiat/LICENSE", True),
    ("src/text/licenses/Unlicense-libtelnet", False),
    ("src/detection/license.rs", False),
    ("src/licensee", False),
    ("README.md", False),
]

PAGE = """<h2 id="in-tree-files">In-tree files</h2>
<p><b>File/Directory:</b> <code>.</code></p>
<p><b>License:</b>
 MIT</p>
<h2 id="out-of-tree-dependencies">Out-of-tree dependencies</h2>
    <h3>📦 cfg-if-1.0.4</h3>
    <p><b>License:</b> MIT OR Apache-2.0</p>
    <summary><code>LICENSE-MIT</code></summary>
    <pre>
Copyright &#60;a@b.example&#62;
    </pre>
    <h3>📦 wasi-0.11.1+wasi-snapshot-preview1</h3>
    <p><b>License:</b> MIT</p>
"""

PRINTED = """\
The program `kit` for any-target contains the parts listed here, which are works of others. The list has the
licence of each part, its source, and the numbers of the texts below it: licences and notices of copyright.
The licence of `kit` is in the file LICENSE.

a 1.0.0
  licence: MIT
  source:  https://a.example
  texts:   1, 2

B 2.0.0
  licence: MIT
  source:  https://b.example
  texts:   1

c 3.0.0
  licence: Zlib
  source:  https://c.example
  it comes without a file with its licence

{rule}
Text 1
  a 1.0.0: LICENSE
  B 2.0.0: COPYING
{rule}

  The text

is this.

{rule}
Text 2
  a 1.0.0: NOTICE
{rule}

A notice.
"""

UNLICENSED = """\
d 1.0.0
  licence: MIT OR Apache-2.0
  source:  https://d.example
  it comes without a file with its licence, which has this text
  texts:   1
"""


def self_test():
    in_tree, listed = read_notices(PAGE)
    components = [
        Component("c", "3.0.0", "Zlib", "https://c.example"),
        Component("B", "2.0.0", "MIT", "https://b.example", {"COPYING": "The text is\nthis."}),
        Component("a", "1.0.0", "MIT", "https://a.example",
                  {"LICENSE": "\n  The text \n\nis this.\n\n", "NOTICE": "A notice."}),
    ]
    texts, unlicensed = Texts(), Component("d", "1.0.0", "MIT/Apache-2.0", "https://d.example")
    checks = [(f"has_terms({path!r})", has_terms(path), expected) for path, expected in PATHS]
    checks += [
        ("the notices of Rust's own files", in_tree, "File/Directory: .\nLicense: MIT"),
        ("the crates of the page", [part.title().split()[:2] for part in listed],
         [["cfg-if", "1.0.4"], ["wasi", "0.11.1+wasi-snapshot-preview1"]]),
        ("the texts of a crate", {name: tidy(text) for name, text in listed[0].texts.items()},
         {"LICENSE-MIT": "Copyright <a@b.example>"}),
        ("the document", document("any-target", components), PRINTED.format(rule=RULE)),
        ("the order of the components", document("any-target", components[::-1]), PRINTED.format(rule=RULE)),
        ("a crate without a file", entry(unlicensed, texts), UNLICENSED),
        ("its text", next(texts.sections()).split(RULE)[2].split("\n")[2].strip(), "Apache License"),
    ]
    checks += checks_of_real_parts()
    failed = [(what, found, expected) for what, found, expected in checks if found != expected]
    for what, found, expected in failed:
        print(f"licenses: self-test: {what}: found {found!r}, expected {expected!r}", file=sys.stderr)
    print(f"licenses: self-test: {len(checks) - len(failed)} of {len(checks)} checks pass")
    return 1 if failed else 0


def checks_of_real_parts():
    """What is known of the program for this machine, as (subject, what was found, what is expected)."""
    parts = {part.name: part for part in linked_parts(host())}
    printed = document(host(), list(parts.values()))
    return [
        ("our own crates, those that only run in a build, and those of tests",
         parts.keys() & {"kit", "kit-core", "cc", "serde_derive", "proptest"}, set()),
        ("the C code of zstd", "For Zstandard software" in parts["zstd-sys"].texts["zstd/LICENSE"], True),
        ("the C code of ring", "third_party/fiat/LICENSE" in parts["ring"].texts, True),
        ("licences that are not chosen", "GNU GENERAL PUBLIC LICENSE" in printed, False),
        ("paths of this machine", str(PROJECT) in printed or str(Path.home()) in printed, False),
    ]


if __name__ == "__main__":
    sys.exit(main())
