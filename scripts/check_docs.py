"""Checks links in the Markdown files, and runs the command blocks that are marked as runnable.

scripts/docs.sh and scripts/test.sh call it.

A runnable block is a ```console block below one of these comments, which neither GitHub nor mdBook shows:

    <!-- run -->             every command must succeed
    <!-- run: exit 1 -->     the last command must exit with 1
    <!-- run: excerpt -->    the page shows only some lines of the output; also `exit 1, excerpt`

Each line of output in the page must be in the output, apart from numbers, digests and the spaces of a table; in an
excerpt, `…` stands for any text, and --update changes only its digests.

and, for steps that a reader does not need to see:

    <!-- setup
    cp -R "$PROJECT/examples/digits" .
    -->

    <!-- file deploy/Dockerfile -->   writes the fenced block below it to a file; the page shows the block

A command is a line that begins with `$ `, and continues on the next line after a backslash, or if that begins with
`> `. The blocks of one page run in order, in one shell, in a temporary folder with a KIT_HOME of its own. They must not
need a network: a page that names `registry.example`, `inside.example`, `localhost:5000` or `proxy.example:3128` in a
command gets registries and a proxy of its own (scripts/docs_servers.py); `tracking.example:5000` is a free port.
`$PEERS` is the folder with the programs of tests/peers/requirements.txt; pages that use it are not run if
KIT_TEST_PEERS is `missing`.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from docs_servers import Authority, Servers

PROJECT = Path(__file__).resolve().parent.parent
DOCS = PROJECT / "docs"
PEERS = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target")).resolve() / "tmp/peers/bin"
MARK = re.compile(r"^<!-- (?:(run)(?:: (exit \d+|excerpt|exit \d+, excerpt))? -->|(setup)|(file) (\S+) -->)$")
SERVED = re.compile(r"(registry|inside)\.example|localhost:5000|proxy\.example:3128|tracking\.example:5000")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
DIGEST = re.compile(r"sha256:[0-9a-f]{12,64}")
STEP_TIMEOUT_SECONDS = 120
PAGES_AT_ONCE = 4


@dataclass
class Step:
    """A command of a page, and the lines of the page that show its output."""

    line: int
    command: str
    expected_status: int = 0
    shown: range | None = None
    is_excerpt: bool = False
    printed: list[str] = field(default_factory=list)


def pages():
    names = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/README.md", "examples/deploy/README.md"]
    return [PROJECT / name for name in names] + sorted(page for page in DOCS.rglob("*.md") if not page.is_symlink())


def without_code(text):
    """Blanks out fenced blocks, comments and code spans, so that what looks like a link in them is not one."""
    text = re.sub(r"^(```+).*?^\1[ ]*$", lambda found: "\n" * found[0].count("\n"), text, flags=re.M | re.S)
    text = re.sub(r"<!--.*?-->", lambda found: "\n" * found[0].count("\n"), text, flags=re.S)
    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


def anchors(path):
    """The anchors that GitHub and mdBook give to the headings of a page."""
    text = re.sub(r"^(```+).*?^\1[ ]*$", "", path.read_text(), flags=re.M | re.S)
    titles = re.findall(r"^#+ (.*)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def check_links(page):
    """Reports each relative link whose file or anchor does not exist, and each link that leaves the book."""
    problems = []
    text = without_code(page.read_text())
    for found in LINK.finditer(text):
        link = found[1]
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        where = f"{page.relative_to(PROJECT)}:{text.count(chr(10), 0, found.start()) + 1}"
        if not target.exists():
            problems.append(f"{where}: `{link}` does not exist")
        elif anchor and anchor not in anchors(target):
            problems.append(f"{where}: `{link}` has no such heading")
        elif page.is_relative_to(DOCS) and not target.is_relative_to(DOCS):
            problems.append(f"{where}: `{link}` leaves the book")
    return problems


def steps(lines):
    """Finds the commands of the marked blocks of a page."""
    found, index = [], 0
    while index < len(lines):
        mark = MARK.match(lines[index])
        index += 1
        if not mark:
            continue
        if mark[3]:
            end = lines.index("-->", index)
            found.append(Step(index, "\n".join(lines[index:end])))
        else:
            start = next(at for at in range(index, len(lines)) if lines[at])
            end = lines.index("```", start + 1)
            if mark[4]:
                found.append(Step(index, write_command(mark[5], lines[start + 1 : end])))
            elif lines[start].startswith("```console"):
                found.extend(block_steps(lines, start + 1, end, mark[2] or ""))
            else:
                sys.exit(f"line {index}: `run` is not followed by a console block")
        index = end
    return found


def write_command(name, lines):
    """The command that writes lines to a file."""
    name = shlex.quote(name)
    return f"mkdir -p $(dirname {name}) && printf '%s\\n' {' '.join(map(shlex.quote, lines))} > {name}"


def block_steps(lines, start, end, option):
    """Splits a block into its commands, each with the lines of its output."""
    begins = [at for at in range(start, end) if lines[at].startswith("$ ")]
    found = []
    for begin, after in zip(begins, begins[1:] + [end]):
        last = begin
        while lines[last].endswith("\\") or lines[last + 1].startswith("> "):
            last += 1
        command = "\n".join(line.removeprefix("> ") for line in lines[begin : last + 1])[2:]
        shown = range(last + 1, after)
        found.append(Step(begin + 1, command, shown=shown, is_excerpt=option.endswith("excerpt")))
    if option.startswith("exit"):
        found[-1].expected_status = int(option.split()[1].rstrip(","))
    return found


def run(commands, kit, authority):
    """Runs the commands of a page, with the servers that they need, in a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        if not any(SERVED.search(step.command) for step in commands):
            return run_in(Path(folder), commands, environment(folder, kit), {})
        servers = Servers(Path(folder, "servers"), authority)
        try:
            return run_in(Path(folder), commands, environment(folder, kit) | servers.environment(), servers.names())
        finally:
            servers.stop()


def environment(folder, kit):
    """The variables of the shell: those of this process, such as proxies and credentials, are not among them."""
    return {name: os.environ[name] for name in ("LANG", "LC_ALL") if name in os.environ} | {
        "PATH": f"{kit.parent}:{os.environ['PATH']}",
        "HOME": folder,
        "KIT_HOME": str(Path(folder, "home")),
        "PROJECT": str(PROJECT),
        "PEERS": str(PEERS),
        "TZ": "UTC",
    }


def run_in(folder, commands, variables, names):
    """Runs the commands in one shell, and reports each that exits with another code than expected."""
    mark = "--- end of step"
    work = folder / "work"
    work.mkdir()
    script = "".join(f"{step.command}\nprintf '\\n{mark} %s\\n' $?\n" for step in commands)
    for name, address in names.items():
        script = script.replace(name, address)
    ended = subprocess.run(
        ["bash", "-c", script],
        cwd=work,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=STEP_TIMEOUT_SECONDS * len(commands),
    )
    for name, address in names.items():
        ended.stdout = ended.stdout.replace(address, name)
    problems = []
    pieces = re.split(rf"\n{mark} (\d+)\n", ended.stdout)
    if len(pieces) != 2 * len(commands) + 1:
        return [(commands[-1], "the shell ended early", ended.stdout)]
    for step, output, status in zip(commands, pieces[::2], pieces[1::2]):
        output = output.replace(str(work), "/work").replace(str(folder), "/home/ada")
        step.printed = output.strip("\n").split("\n") if output.strip() else []
        if int(status) != step.expected_status:
            problems.append((step, f"exit code {status}, expected {step.expected_status}", output))
    return problems


def not_printed(step, lines):
    """Returns the lines of output in the page that the command has not printed."""
    shown = [lines[at] for at in step.shown or [] if lines[at].strip()]
    return [line for line in shown if not printed_line(step, line)]


def printed_line(step, line):
    """Returns the line of the output that a line of the page shows; the page may leave out its end."""
    pattern = ".*".join(re.escape(part) for part in comparable(line).split("…"))
    return next((found for found in step.printed if re.match(pattern, comparable(found))), None)


def comparable(line):
    """A line without what differs from run to run: rates, digests, commits, numbers, the widths of columns, and the
    folder in which the page runs."""
    line = line.replace("/work/", "")
    line = re.sub(r" · [\d.]+ ([KMG]iB|B)/s", "", line)
    line = re.sub(r"sha256:[0-9a-f]{12,64}…?", "DIGEST", line)
    line = re.sub(r"\b[0-9a-f]{10,64}\b", "ID", line)
    line = re.sub(r"\d+(\.\d+)?( [KMG]iB| B)?\b", "N", line)
    return re.sub(r"\s+", " ", line).strip()


def rewrite(page, lines, commands):
    """Puts the output of the commands into the page. An empty line before the next command stays."""
    for step in reversed(commands):
        if step.is_excerpt:
            for at in step.shown:
                lines[at] = with_new_digests(lines[at], printed_line(step, lines[at]))
        elif step.shown is not None:
            gap = [""] if step.shown and lines[step.shown.stop - 1] == "" else []
            lines[step.shown.start : step.shown.stop] = step.printed + gap
    page.write_text("\n".join(lines))


def with_new_digests(line, printed):
    """Replaces the digests in a line of the page, which may be short, with those of the output."""
    new = iter(DIGEST.findall(printed or ""))
    return DIGEST.sub(lambda old: next(new, old[0])[: len(old[0])], line)


def pages_left_out():
    """Names the pages of the book that its table of contents does not list."""
    listed = {(DOCS / found[1]).resolve() for found in LINK.finditer((DOCS / "SUMMARY.md").read_text())}
    listed.add(DOCS / "SUMMARY.md")
    return [f"{page.relative_to(PROJECT)}: docs/SUMMARY.md does not list it"
            for page in pages() if page.is_relative_to(DOCS) and page not in listed]


def main():
    parser = argparse.ArgumentParser(description="Checks links and runs the marked command blocks")
    parser.add_argument("--kit", type=Path, required=True, help="the binary to run")
    parser.add_argument("--update", action="store_true", help="rewrite the output in the pages")
    parser.add_argument("--check-only", action="store_true", help="accepted, and does the same")
    parser.add_argument("pages", nargs="*", type=Path, help="run only the commands of these pages")
    arguments = parser.parse_args()

    links = [problem for page in pages() for problem in check_links(page)] + pages_left_out()
    print(*links, sep="\n", end="\n" if links else "", file=sys.stderr)
    failed, count, start = bool(links), 0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        with ThreadPoolExecutor(PAGES_AT_ONCE) as threads:
            chosen = [page.resolve() for page in arguments.pages] or pages()
            for commands, problems in threads.map(lambda page: check_commands(page, arguments, authority), chosen):
                count += commands
                failed = failed or problems
    if failed:
        sys.exit(1)
    seconds = time.monotonic() - start
    print(f"{len(pages())} pages: every relative link leads somewhere, and {count} commands work ({seconds:.0f} s)")


def check_commands(page, arguments, authority):
    """Runs the commands of a page, reports problems, and returns the number of commands and whether some failed."""
    lines = page.read_text().split("\n")
    commands = steps(lines)
    if any("$PEERS" in step.command for step in commands):
        if os.environ.get("KIT_TEST_PEERS") == "missing":
            print(f"{page.relative_to(PROJECT)}: NOT RUN, because the Python packages of tests/peers are missing")
            return 0, False
        if not (PEERS / "python").exists():
            sys.exit(f"{page.relative_to(PROJECT)}: {PEERS}/python is missing: scripts/docs.sh installs it")
    problems = run(commands, arguments.kit.resolve(), authority) if commands else []
    if not problems:
        problems = [
            (step, f"the output has no line `{line}`", "\n".join(step.printed))
            for step in commands
            if step.is_excerpt or not arguments.update
            for line in not_printed(step, lines)
        ]
        if arguments.update:
            rewrite(page, lines, commands)
    for step, reason, output in problems:
        print(f"{page.relative_to(PROJECT)}:{step.line}: {reason}\n$ {step.command}\n{output}", file=sys.stderr)
    return len(commands), bool(problems)


if __name__ == "__main__":
    main()
