"""Read code with tree-sitter: definitions, references, imports, and the places where the code may be cut.

    text, language --grammar--> tree --queries/LANGUAGE.scm--> Syntax

A language is a row in `languages.py` and a file of queries in tree-sitter's own form. The grammar of each language is
a small package, is loaded when first needed, and needs no network.
"""

from .languages import LANGUAGES, is_code, language_of
from .parsing import Cut, Definition, Reference, Syntax, parse

__all__ = ["LANGUAGES", "Cut", "Definition", "Reference", "Syntax", "is_code", "language_of", "parse"]
