"""Definitions, references, imports and cuts of code, in every language, whatever the text is."""

import re
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxwin.chunking.syntax import LANGUAGES, is_code, language_of, parse
from ctxwin.chunking.syntax.languages import GRAMMARS

PYTHON = '''import os, a.b as c
from .json import provider
from . import util
LIMIT: int = 3

# why
@cache
def load(path) -> Foo:
    return open(path)


class Store(Base, mod.Other):
    """Doc."""
    size = 0

    @property
    def get(self, k: Bar):
        def inner(): pass
        return self.rows[k]
'''

CODE = {
    "javascript": (
        'import a from "./a";\nconst b = require("b");\nclass A extends B { get(k) { return load(k); } }\n'
        "export const go = (x) => new C(x);\nexports.put = function () {};\n"
    ),
    "typescript": (
        'import { a } from "./a";\n/** doc */\nexport class A<T> implements I {\n'
        "  get(k: K): V { return this.load(k); }\n}\n"
        "export interface I { f(): void }\ntype U = X;\nenum E { P }\n"
    ),
    "tsx": 'import a from "./a";\nexport const View = () => <Panel a={1} />;\n',
    "go": (
        'package p\nimport (\n\t"fmt"\n\tx "net/http"\n)\n// doc\ntype A struct{ b B }\n'
        "func (a *A) Get(k K) error { return fmt.Errorf(load(k)) }\nconst Max = 3\n"
    ),
    "rust": (
        "use std::io;\n/// Doc.\n#[inline]\npub fn load(k: &K) -> V { go(k.x(), Foo::new()) }\nstruct A;\n"
        "impl Tr for A { fn get(&self) {} }\ntrait Tr { fn need(&self); }\n"
    ),
    "java": (
        "import java.util.List;\n/** Doc */\nclass A extends B implements I {\n  int k = 1;\n"
        "  V get(K k) { return load(new C()); }\n}\n"
    ),
    "c": (
        '#include "a.h"\n#define MAX 3\n/* doc */\nstatic int *load(struct k *k) { return go(k); }\n'
        "struct A { int b; };\n"
    ),
    "cpp": (
        '#include "a.h"\nnamespace n {\ntemplate <class T> class A : public B { V get(K k) { return load<T>(k); } };\n'
        "}\n"
        "V n::A::put(K k) { return new C(); }\n"
    ),
    "ruby": 'require "a"\n# doc\nclass A < B\n  def get(k)\n    C.new(load(k))\n  end\nend\n',
    "csharp": (
        "using A.B;\nnamespace N { /// doc\nclass A : B { int k; V Get(K k) { return Load(new C()); }\n"
        "  int P { get; } } }\n"
    ),
    "php": "<?php\nuse A\\B;\nrequire 'a.php';\nclass A extends B { function get(K $k) { return load(new C()); } }\n",
    "kotlin": "import a.B\nclass A : B() {\n  fun get(k: K): V {\n    return load(k)\n  }\n}\ntypealias T = Int\n",
    "swift": "import UIKit\nclass A: B {\n  func get(k: K) -> V { return load(k) }\n}\ntypealias T = Int\n",
    "shell": ". ./a.sh\n# doc\nload() { go | sort; }\nMAX=3\n",
    "sql": "CREATE TABLE s.users (id int);\nCREATE VIEW v AS SELECT * FROM users;\n",
    "html": '<html><script src="a.js">x</script><div id="main"><p>Hello</p></div></html>\n',
    "css": '@import "a.css";\n/* doc */\n.a > b { c: d }\n@media (max-width: 3px) { .e { f: g } }\n',
    "yaml": "a: 1\n# doc\nb:\n  c: [1]\n",
    "toml": "a = 1\n# doc\n[tool.x]\nb = 2\n",
    "json": '{"a": 1, "b": {"c": [1]}}\n',
}
EXPECTED = {  # definitions, some references, imports
    "javascript": ("b A A.get go exports.put", "B load C require", ("./a", "b")),
    "typescript": ("A A.get I I.f U E", "I K V load", ("./a",)),
    "tsx": ("View", "Panel", ("./a",)),
    "go": ("A A.Get Max", "B K Errorf load", ("fmt", "net/http")),
    "rust": ("load A A A.get Tr Tr.need", "K V go x Foo new Tr", ("std::io",)),
    "java": ("A A.k A.get", "B I K V load C", ("java.util.List",)),
    "c": ("MAX load A", "k go", ("a.h",)),
    "cpp": ("n n.A n.A.get n.A.put", "B K load C", ("a.h",)),
    "ruby": ("A A.get", "B C load", ("a",)),
    "csharp": ("N N.A N.A.k N.A.Get N.A.P", "B K V Load C", ("A.B",)),
    "php": ("A A.get", "B K load C", ("A\\B", "a.php")),
    "kotlin": ("A A.get T", "B K load", ("a.B",)),
    "swift": ("A A.get T", "B K V load", ("UIKit",)),
    "shell": ("load MAX", "go sort", ("./a.sh",)),
    "sql": ("s.users v", "users", ()),
    "html": ("script main", "", ("a.js",)),
    "css": (".a > b|(max-width: 3px)|(max-width: 3px)..e", "", ("a.css",)),
    "yaml": ("a b b.c", "", ()),
    "toml": ("a tool.x", "", ()),
    "json": ("a b b.c", "", ()),
}


def test_python_is_read() -> None:
    found = parse(PYTHON, "python")
    assert [(one.kind, one.name, one.parent) for one in found.definitions] == [
        ("constant", "LIMIT", None),
        ("function", "load", None),
        ("class", "Store", None),
        ("field", "Store.size", 2),
        ("method", "Store.get", 2),
        ("function", "Store.get.inner", 4),
    ]
    signatures = {one.name: PYTHON[one.start : one.body].rstrip() for one in found.definitions}
    assert signatures["load"] == "# why\n@cache\ndef load(path) -> Foo:"
    assert signatures["Store"] == "class Store(Base, mod.Other):"
    assert signatures["Store.get"] == "    @property\n    def get(self, k: Bar):"
    assert [one.name for one in found.references] == ["int", "cache", "Foo", "open", "Base", "Other", "property", "Bar"]
    assert all(PYTHON.startswith(one.name, one.at) for one in found.references)
    assert found.imports == ("os", "a.b", ".json", ".json.provider", ".", ".util")
    assert [PYTHON[cut.at :].split("\n")[0] for cut in found.cuts] == [
        "from .json import provider", "from . import util", "LIMIT: int = 3", "# why", "class Store(Base, mod.Other):",
    ]  # fmt: skip


@pytest.mark.parametrize("language", sorted(GRAMMARS.keys() - {"python"}))
def test_every_grammar_finds_definitions_references_and_imports(language: str) -> None:
    text = CODE[language]
    names, references, imports = EXPECTED[language]
    found = parse(text, language)
    assert [one.name for one in found.definitions] == names.split("|" if "|" in names else None)
    assert set(references.split()) <= {one.name for one in found.references}
    assert found.imports == imports
    for one in found.definitions:
        if "/doc" in (head := re.sub(r"\W*(?i:doc)\W", "/doc", text[one.start : one.body])):
            assert head.startswith("/doc"), "a comment goes with what stands below it"


@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_a_definition_is_found_after_an_error(language: str) -> None:
    text = CODE.get(language, PYTHON)
    assert parse(text + "\n)]}>'\"(((\n", language) is not None


PIECES = st.sampled_from(
    [
        *" \n\t(){}[]<>'\"`#/*$:=;,.-?!&|%@\\\x00", "é", "日本", "\ud800", "👨‍👩‍👧", "\r\n", "def f():", "class A",
        "fn ", "/*", "*/", '"""', "<div>", "</div>", "<<EOF\n", "EOF\n", "${", "#{", "- ", "a: ", "# c\n", "// c\n",
        "<?php", "select", "if x ", "x = 1",
    ]
)  # fmt: skip


@given(text=st.lists(PIECES, max_size=80).map("".join), language=st.sampled_from(sorted(GRAMMARS)))
def test_offsets_are_characters_in_order_whatever_the_text(text: str, language: str) -> None:
    found = parse(text, language)
    if found is None:
        return
    for one in found.definitions:
        assert 0 <= one.start <= one.body <= one.end <= len(text)
        assert one.name
        if one.parent is not None:
            outer = found.definitions[one.parent]
            assert outer.start <= one.start <= one.end <= outer.end
    assert [one.start for one in found.definitions] == sorted(one.start for one in found.definitions)
    assert all(0 <= one.at < len(text) for one in found.references)
    assert all(a.at < b.at for a, b in pairwise(found.cuts))
    assert all(text[cut.at - 1] == "\n" for cut in found.cuts)


@pytest.mark.parametrize("unit", ["é日本👨‍👩‍👧", "\ud800", "\u2028"])
def test_offsets_count_characters_behind_any_others(unit: str) -> None:
    text = f"x = '{unit}'\n" + PYTHON
    found = parse(text, "python")
    assert [text[one.start : one.end].split("\n")[-1] for one in found.definitions if one.name == "load"] == [
        "    return open(path)"
    ]
    assert all(text.startswith(one.name, one.at) for one in found.references)


@pytest.mark.parametrize("language", ["python", "javascript", "html", "cpp", "yaml", "json", "shell"])
@pytest.mark.parametrize("unit", ["(", "[", "{", "<div>", "- ", "a: ", "if x {\n", '"${', "class A{"])
def test_nests_without_end_are_bounded(language: str, unit: str) -> None:
    parse(unit * (30_000 // len(unit)), language)


def test_yaml_that_nests_too_deep_for_its_scanner_does_not_crash() -> None:
    for text in (
        "'- ' * 2_000",
        "''.join(' ' * i + 'a:\\n' for i in range(600))",
        "'? ' * 500",
        "'a:\\n- b:\\n' * 3_000",
    ):
        code = f"from ctxwin.chunking.syntax import parse; parse({text}, 'yaml')"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_language_without_a_grammar_has_no_syntax() -> None:
    assert [parse("x", language) for language in ("text", "markdown", "code", "klingon")] == [None] * 4


def test_a_missing_grammar_is_no_error() -> None:
    code = (
        "import sys; sys.modules['tree_sitter_go'] = None\n"
        "from ctxwin.chunking import chunk; from ctxwin.chunking.syntax import parse\n"
        "assert parse('package a', 'go') is None\n"
        "print([one.title for one in chunk('func Get() {\\n}\\nfunc Put() {\\n}\\n', source='a.go', size=4)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['Get', 'Put']\n"


def test_nothing_is_loaded_before_it_is_needed() -> None:
    code = "import sys, ctxwin, ctxwin.chunking.syntax; print([name for name in sys.modules if 'tree_sitter' in name])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a/b.PY", "python"),
        ("x.hpp", "cpp"),
        ("Gemfile", "ruby"),
        ("Dockerfile", "code"),
        ("a.pdf", "pages"),
        (None, "text"),
    ],
)
def test_a_name_tells_the_language(path: str | None, language: str) -> None:
    assert language_of(path) == language
    assert language in LANGUAGES


def test_code_and_data_are_told_from_prose() -> None:
    assert [name for name in LANGUAGES if not is_code(name)] == ["text", "markdown", "rest", "asciidoc", "pages", "log"]
