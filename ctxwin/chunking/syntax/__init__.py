"""What stands in code: definitions, references, imports and the places where it may be cut, by tree-sitter.

    text, language --grammar--> tree --queries/LANGUAGE.scm--> Syntax

A language is a row in `languages.py` and a file of queries in tree-sitter's own form. Grammars come as one small
package a language, are loaded when first needed, and need no network.
"""

from .languages import LANGUAGES, is_code, language_of
from .parsing import Cut, Definition, Reference, Syntax, parse

__all__ = ["LANGUAGES", "Cut", "Definition", "Reference", "Syntax", "is_code", "language_of", "parse"]
