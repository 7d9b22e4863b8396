"""Tell a file's language by its name, and the grammar that reads the language."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

__all__ = ["GRAMMARS", "LANGUAGES", "Grammar", "is_code", "language_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """How one language is parsed."""

    module: str
    """The package that carries the grammar; a package holds one or two, compiled, and needs no network."""
    function: str = "language"
    """The package's function that returns the grammar."""
    queries: tuple[str, ...] = ()
    """Names of the files in `queries/` that define what is a definition, a reference, an import."""
    suffixes: str
    """Suffixes of file names, separated by spaces."""
    names: str = ""
    """Whole names of files, in small letters, separated by spaces."""


GRAMMARS: dict[str, Grammar] = {
    "python": Grammar(module="tree_sitter_python", suffixes="py pyi pyw pyx bzl", names="sconstruct wscript"),
    "javascript": Grammar(
        module="tree_sitter_javascript", suffixes="js jsx mjs cjs es6", queries=("javascript", "jsx"), names="jakefile"
    ),
    "typescript": Grammar(
        module="tree_sitter_typescript", function="language_typescript", suffixes="ts mts cts", queries=("typescript",)
    ),
    "tsx": Grammar(
        module="tree_sitter_typescript", function="language_tsx", suffixes="tsx", queries=("typescript", "jsx")
    ),
    "go": Grammar(module="tree_sitter_go", suffixes="go"),
    "rust": Grammar(module="tree_sitter_rust", suffixes="rs"),
    "java": Grammar(module="tree_sitter_java", suffixes="java"),
    "c": Grammar(module="tree_sitter_c", suffixes="c"),
    "cpp": Grammar(module="tree_sitter_cpp", suffixes="cc cpp cxx c++ h hh hpp hxx h++ ipp tpp inl cu cuh ino"),
    "ruby": Grammar(
        module="tree_sitter_ruby", suffixes="rb rake gemspec ru", names="rakefile gemfile vagrantfile podfile guardfile"
    ),
    "csharp": Grammar(module="tree_sitter_c_sharp", suffixes="cs csx"),
    "php": Grammar(module="tree_sitter_php", function="language_php", suffixes="php php3 php4 php5 phtml"),
    "kotlin": Grammar(module="tree_sitter_kotlin", suffixes="kt kts"),
    "swift": Grammar(module="tree_sitter_swift", suffixes="swift"),
    "shell": Grammar(
        module="tree_sitter_bash", suffixes="sh bash zsh ksh", names=".bashrc .bash_profile .profile .zshrc"
    ),
    "sql": Grammar(module="tree_sitter_sql", suffixes="sql"),
    "html": Grammar(module="tree_sitter_html", suffixes="html htm xhtml vue svelte"),
    "css": Grammar(module="tree_sitter_css", suffixes="css"),
    "yaml": Grammar(module="tree_sitter_yaml", suffixes="yaml yml"),
    "toml": Grammar(module="tree_sitter_toml", suffixes="toml", names="poetry.lock cargo.lock uv.lock pipfile"),
    "json": Grammar(module="tree_sitter_json", suffixes="json jsonc json5 geojson webmanifest"),
}
"""The grammar of each language."""

_OTHERS = {
    "text": "txt",
    "markdown": "md markdown mdx mkd mkdn qmd rmd docx pptx xlsx xls epub",  # documents are read as Markdown
    "rest": "rst rest",
    "asciidoc": "adoc asciidoc asc",
    "pages": "pdf",  # text with a form feed between its pages
    "log": "log",
    "csv": "csv",
    "tsv": "tsv tab",
    "notebook": "ipynb",
    "code": (  # without a grammar: cut by the words that define
        "clj cljs coffee cr dart elm erl ex exs f90 fs fsx glsl gradle groovy hcl hs jl less lisp lua m ml mli mm nim "
        "pas pl pm proto ps1 r sass scala scm scss sol tcl tf v vb vhd vhdl wgsl zig"
    ),
}
_BY_SUFFIX = {
    suffix: language
    for language, suffixes in (*((name, one.suffixes) for name, one in GRAMMARS.items()), *_OTHERS.items())
    for suffix in suffixes.split()
}
_BY_NAME = {name: language for language, grammar in GRAMMARS.items() for name in grammar.names.split()} | dict.fromkeys(
    ("makefile", "gnumakefile", "dockerfile", "containerfile", "justfile", "cmakelists.txt"), "code"
)


LANGUAGES = (*_OTHERS, *GRAMMARS)
"""The languages that a text can be cut by; "code" is any programming language without a grammar."""

_PROSE = frozenset(("text", "markdown", "rest", "asciidoc", "pages", "log"))


def language_of(path: str | None) -> str:
    """Tell a file's language from its name; return "text" if the name does not tell.

    The result is one of `LANGUAGES`.

    Example:
        >>> language_of("src/app.py"), language_of("README.md"), language_of("lib/parser.hpp"), language_of("notes")
        ('python', 'markdown', 'cpp', 'text')
    """
    file = PurePath(path) if path else PurePath()
    return _BY_NAME.get(file.name.lower()) or _BY_SUFFIX.get(file.suffix[1:].lower(), "text")


def is_code(language: str) -> bool:
    """Tell whether a line of this language means little without the lines around it: code, data, tables; not prose."""
    return language not in _PROSE
