"""Make sets of questions about code from packages' releases, to decide what the relevance of code is worth.

    python tests/tools/code_questions.py notes SET werkzeug click npm:koa  # a note of a fix -> the lines it changed
    python tests/tools/code_questions.py docstrings SET werkzeug lark      # a docstring -> its function without it
    ctxwin eval SET --wheels SET/files --budgets 2k,4k,8k

Nothing is kept in the repository. *Notes*: of each two releases, what is new in the change log is asked of the files
of the older one, and the lines that the newer one changed are the gold; where a release has many notes, only those that
name an identifier of few changed places. Gold is never documentation or a test, though both may be packed: features
that push these down are favoured. *Docstrings* are worth less: their words are often those of the name.
"""

import argparse
import ast
import json
import random
import re
import subprocess
import tarfile
import tempfile
import zipfile
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path

RELEASES = 26
"""Newest releases of a package that are compared."""
LARGEST = 2_000_000
"""Bytes of a file that is kept."""
NOTES, FILES, LINES = 2, 4, 80
"""Notes, changed files and changed lines of a release, at most, that are taken to belong together."""
HUNKS = 4
"""Changed places, at most, that hold an identifier which a note of many names."""
ASKED = 60
"""Docstrings of a package that are asked for."""

LOG = re.compile(r"(?:^|/)(?:changes|changelog|history|news|release[-_]?notes)[^/]*$", re.I)
SOURCE = re.compile(r"\.(?:py|js|mjs|cjs|ts|tsx|go|rs|java|rb|c|h|cpp)$")
ASIDE = re.compile(
    r"(?:^|/)(?:tests?|testing|__tests__|docs?|examples?|dist|build|umd|esm?|_?cjs|_esm|_types|_?vendor|benchmarks?)/"
    r"|\.min\.|\.d\.ts$|(?:^|/)(?:test_|conftest|setup\.py|_?version|__about__)|[._-](?:test|spec)\.",
    re.I,
)
DULL = re.compile(
    r"\b(?:docs?|documentation|CI|bump|dependenc\w+|wheels?|readme|releases?|upgrade|python 3\.\d+|licen[cs]e|packag\w+"
    r"|changelog|lint\w*|typing|mypy|translations?)\b",
    re.I,
)
LINKS = re.compile(
    r"https?://\S+|:(?:issue|pr|pull|user|commit)\w*:`[^`]*`,?|\(?#\d+\)?,?|@[\w-]+|\b[0-9a-f]{7,40}\b|Thanks[^.\n]*\.?"
)
BULLET = re.compile(r"( *)(?:[-*+•]|\d+\.)\s+\S")
IDENTIFIER = re.compile(r"`~?([\w.]+)(?:\(\))?`|\b([a-z]+_\w+|[A-Z][a-z]+[A-Z]\w+|[a-z]+[A-Z]\w+)\b")
TRIVIAL = re.compile(r"\s*(?:#|//|\*|/\*|import |from \S+ import|(?:__)?version)", re.I)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def versions(package):
    if package.startswith("npm:"):
        found = json.loads(run("npm", "view", package[4:], "versions", "--json") or "[]")
    else:
        line = re.search(r"Available versions: (.*)", run("pip", "index", "versions", package))
        found = line[1].split(", ") if line else []
    plain = [version for version in found if re.fullmatch(r"[\d.]+", version)]
    return sorted(plain, key=lambda version: [int(part) for part in version.split(".")])


def name_of(package):
    return re.sub(r"\W+", "_", package.lower())


def fetch(package, version, folder):
    """Bring the files of a release and keep them as `ctxwin eval --wheels` finds them."""
    kept = folder / f"{name_of(package)}-{version}-files.whl"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as place:
            if package.startswith("npm:"):
                run("npm", "pack", f"{package[4:]}@{version}", "--silent", "--pack-destination", place)
            else:
                source = ("--no-deps", "--no-binary", ":all:", "--no-build-isolation")
                run("pip", "download", "-q", *source, "--dest", place, f"{package}=={version}")
            for archive in Path(place).iterdir():
                pack(unpacked(archive), kept)
    return read(kept) if kept.exists() else {}


def unpacked(archive):
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as files:
            return {name: files.read(name) for name in files.namelist() if not name.endswith("/")}
    with tarfile.open(archive) as files:
        members = [member for member in files.getmembers() if member.isfile() and member.size <= LARGEST]
        return {member.name.partition("/")[2]: files.extractfile(member).read() for member in members}


def pack(files, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(name, data)


def read(path):
    with zipfile.ZipFile(path) as archive:
        return {
            name: archive.read(name).decode("utf-8", "replace").replace("\r\n", "\n") for name in archive.namelist()
        }


def notes(old, new):
    """Return the items of the change log that the older release has not."""
    found = []
    for name in filter(LOG.search, new):
        before, after = old.get(name, "").split("\n"), new[name].split("\n")
        changes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        added = [line for kind, _, _, a, b in changes if kind in ("insert", "replace") for line in [*after[a:b], ""]]
        indent = None
        for line in added if len(added) <= 150 else ():
            bullet = BULLET.match(line)
            if bullet and (indent is None or len(bullet[1]) <= indent):
                indent = len(bullet[1])
                found.append(line.strip())
            elif not line.strip() or not line.startswith(" "):
                indent = None
            elif indent is not None:
                found[-1] += "\n" + line.strip()
    texts = (re.sub(r"[ \t]+", " ", LINKS.sub("", text)).replace("``", "`").strip(" -*+\n\t:,") for text in found)
    return [text for text in dict.fromkeys(texts) if len(text) >= 40 and not DULL.search(text)]


def hunks(old, new):
    """Yield (file, old lines, changed lines, the words in and around) of each change to a program."""
    for name in old:
        if not SOURCE.search(name) or ASIDE.search(name) or name not in new or old[name] == new[name]:
            continue
        a, b = old[name].split("\n"), new[name].split("\n")
        for kind, a1, a2, b1, b2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
            if kind == "equal" or all(not line.strip() or TRIVIAL.match(line) for line in a[a1:a2] + b[b1:b2]):
                continue
            rows = (a1 - 1, a1) if kind == "insert" else range(a1, a2)  # what is put in lies between two lines
            lines = [row + 1 for row in rows if 0 <= row < len(a) and a[row].strip()]
            near = "\n".join(a[max(0, a1 - 3) : a2 + 3] + b[max(0, b1 - 3) : b2 + 3])
            if lines:
                yield name, lines, max(a2 - a1, b2 - b1), set(re.findall(r"\w+", near))


def ranges(changes):
    gold = {}
    for name, lines, _, _ in changes:
        gold.setdefault(name, []).append([lines[0], lines[-1]])
    return gold


def of_notes(package, folder):
    releases = [(version, fetch(package, version, folder)) for version in versions(package)[-RELEASES:]]
    for (version, old), (after, new) in pairwise(releases):
        texts, changes = notes(old, new), list(hunks(old, new))
        source, qid = f"{name_of(package)}=={version}", f"{name_of(package)}-{after}"
        small = len({name for name, *_ in changes}) <= FILES and sum(size for _, _, size, _ in changes) <= LINES
        if changes and small and 0 < len(texts) <= NOTES:
            yield row(qid, source, "\n".join(texts), "whole", ranges(changes))
        elif len(texts) > NOTES:
            for number, text in enumerate(texts):
                names = {(match[1] or match[2]).split(".")[-1] for match in IDENTIFIER.finditer(text)}
                meant = [change for change in changes if change[3] & {name for name in names if len(name) > 3}]
                if 0 < len(meant) <= HUNKS:
                    yield row(f"{qid}-{number}", source, text, "named", ranges(meant))


def of_docstrings(package, folder):
    version = versions(package)[-1]
    files = fetch(package, version, folder)
    programs = [name for name in files if name.endswith(".py") and not ASIDE.search(name)]
    found = [(name, *one) for name in programs for one in documented(files[name])]
    asked = random.Random(5).sample(found, min(ASKED, len(found)))
    taken = {name: {row for one in asked if one[0] == name for row in range(one[1], one[2] + 1)} for name, *_ in asked}
    for number, (name, _, last, end, text) in enumerate(asked):
        body = [row - sum(gone < row for gone in taken[name]) for row in (last + 1, end)]
        yield row(f"{package}-{number}", f"{name_of(package)}=={version}", text, "docstring", {name: [body]})
    for name, gone in taken.items():
        lines = files[name].split("\n")
        files[name] = "\n".join(line for number, line in enumerate(lines, 1) if number not in gone)
    pack(files, folder / f"{name_of(package)}-{version}-files.whl")


def documented(text):
    """Yield (first and last line of the docstring, last line, first sentence) of functions of a few lines."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError):
        return
    for node in nodes:
        doc = ast.get_docstring(node) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else None
        if doc and 3 <= node.end_lineno - node.body[0].end_lineno <= 40:
            sentence = " ".join(re.split(r"(?<=[.!?])\s|\n\s*\n", doc.strip())[0].split())
            if 6 <= len(sentence.split()) <= 30:
                yield node.body[0].lineno, node.body[0].end_lineno, node.end_lineno, sentence


def row(qid, source, text, category, gold):
    return {
        "qid": qid, "source": source, "query": text, "category": category, "gold": sorted(gold), "gold_ranges": gold,
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=["notes", "docstrings"])
    parser.add_argument("set", type=Path, help="folder that is made")
    parser.add_argument("package", nargs="+", help="of PyPI, or npm:NAME; needs the packages that build it installed")
    given = parser.parse_args()
    files = given.set / "files"
    files.mkdir(parents=True, exist_ok=True)
    make = {"notes": of_notes, "docstrings": of_docstrings}[given.kind]
    with (given.set / "queries.jsonl").open("w", encoding="utf-8") as out:
        for package in given.package:
            rows = list(make(package, files))
            out.writelines(json.dumps(one) + "\n" for one in rows)
            print(f"{package}: {len(rows)} questions")


if __name__ == "__main__":
    main()
