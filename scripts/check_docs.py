"""Checks links in the Markdown files, and runs the command blocks that are marked as runnable.

scripts/docs.sh calls it.

A runnable block is a ```console block below one of these comments, which neither GitHub nor mdBook shows:

    <!-- run -->             every command must succeed
    <!-- run: exit 1 -->     the last command must exit with 1
    <!-- run: excerpt -->    the page shows only a part of the output, so --update leaves it alone

and, for steps that a reader does not need to see:

    <!-- setup
    cp -R "$PROJECT/examples/digits" .
    -->

A command is a line that begins with `$ `, and continues on the next line after a backslash. The blocks of one page run
in order, in one shell, in a temporary folder with a KIT_HOME of its own. They must not need a network.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
DOCS = PROJECT / "docs"
MARK = re.compile(r"^<!-- (run|setup)(?:: (exit \d+|excerpt))?(?: -->)?$")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
STEP_TIMEOUT_SECONDS = 120


@dataclass
class Step:
    """A command of a page, and the lines of the page that show its output."""

    line: int
    command: str
    expected_status: int = 0
    shown: range | None = None
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
        if mark[1] == "setup":
            end = lines.index("-->", index)
            found.append(Step(index, "\n".join(lines[index:end])))
        else:
            start = next(at for at in range(index, len(lines)) if lines[at])
            if not lines[start].startswith("```console"):
                sys.exit(f"line {index}: `run` is not followed by a console block")
            end = lines.index("```", start + 1)
            found.extend(block_steps(lines, start + 1, end, mark[2] or ""))
        index = end
    return found


def block_steps(lines, start, end, option):
    """Splits a block into its commands, each with the lines of its output."""
    begins = [at for at in range(start, end) if lines[at].startswith("$ ")]
    found = []
    for begin, after in zip(begins, begins[1:] + [end]):
        last = begin
        while lines[last].endswith("\\"):
            last += 1
        command = "\n".join(lines[begin : last + 1])[2:]
        shown = None if option == "excerpt" else range(last + 1, after)
        found.append(Step(begin + 1, command, shown=shown))
    if option.startswith("exit"):
        found[-1].expected_status = int(option.split()[1])
    return found


def run(commands, kit):
    """Runs the commands of a page in one shell, and reports each that exits with another code than expected."""
    mark = "--- end of step"
    script = "".join(f"{step.command}\nprintf '\\n{mark} %s\\n' $?\n" for step in commands)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "home")
        work = Path(folder, "work")
        work.mkdir()
        environment = {name: os.environ[name] for name in ("LANG", "LC_ALL") if name in os.environ} | {
            "PATH": f"{kit.parent}:{os.environ['PATH']}",
            "HOME": folder,
            "KIT_HOME": str(home),
            "PROJECT": str(PROJECT),
            "TZ": "UTC",
        }
        ended = subprocess.run(
            ["bash", "-c", script],
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=STEP_TIMEOUT_SECONDS * len(commands),
        )
    problems = []
    pieces = re.split(rf"\n{mark} (\d+)\n", ended.stdout)
    if len(pieces) != 2 * len(commands) + 1:
        return [(commands[-1], "the shell ended early", ended.stdout)]
    for step, output, status in zip(commands, pieces[::2], pieces[1::2]):
        step.printed = output.replace(str(work), "/work").strip("\n").split("\n") if output.strip() else []
        if int(status) != step.expected_status:
            problems.append((step, f"exit code {status}, expected {step.expected_status}", output))
    return problems


def rewrite(page, lines, commands):
    """Puts the output of the commands into the page. An empty line before the next command stays."""
    for step in reversed(commands):
        if step.shown is not None:
            gap = [""] if step.shown and lines[step.shown.stop - 1] == "" else []
            lines[step.shown.start : step.shown.stop] = step.printed + gap
    page.write_text("\n".join(lines))


def main():
    parser = argparse.ArgumentParser(description="Checks links and runs the marked command blocks")
    parser.add_argument("--kit", type=Path, required=True, help="the binary to run")
    parser.add_argument("--update", action="store_true", help="rewrite the output in the pages")
    parser.add_argument("--check-only", action="store_true", help="accepted, and does the same")
    arguments = parser.parse_args()

    failed = False
    count = 0
    for page in pages():
        for problem in check_links(page):
            failed = True
            print(problem, file=sys.stderr)
        lines = page.read_text().split("\n")
        commands = steps(lines)
        if not commands:
            continue
        count += len(commands)
        problems = run(commands, arguments.kit.resolve())
        for step, reason, output in problems:
            failed = True
            print(f"{page.relative_to(PROJECT)}:{step.line}: {reason}\n$ {step.command}\n{output}", file=sys.stderr)
        if arguments.update and not problems:
            rewrite(page, lines, commands)
    if failed:
        sys.exit(1)
    print(f"{len(pages())} pages: every relative link leads somewhere, and {count} commands work")


if __name__ == "__main__":
    main()
