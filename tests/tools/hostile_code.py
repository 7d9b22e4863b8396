"""Hostile texts in every language: nests, runs, what never ends, soup of a grammar's own words, damaged code.

`shapes(language)` names what `text_of(language, shape, size)` makes; `costs` reads texts as users do, each in a process
of its own with 3 GB at most, so that one that fails takes no other along.
"""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import ctxwin
from ctxwin.chunking.syntax import LANGUAGES, parse
from ctxwin.chunking.syntax.languages import _BY_SUFFIX, GRAMMARS
from ctxwin.chunking.syntax.tree import _grammar
from ctxwin.renditions.signatures import definitions_in

SIZE = 200_000
SECONDS, MEGABYTES = 2.0, 500
"""What a text may cost."""
MEMORY, PATIENCE = 3 << 30, 20
"""Bytes and seconds of a core at which a process is ended."""

RUNS = {
    "brackets": ("( [ { < ([{ a( a[ a{ a< {a: ({ [( {[ (a, [a, a=[ {{ [[ (( a(b[ ${ #{ \\( $( <( {% {{a"),
    "closed": (") ] } > )]} a) a} ()  [] {} <> (a) [a] {a} <a> (a)( ;} ;) ); }{"),
    "types": (
        "a< a<b( List< a<b>(c <a> (a<b>) a<b, A<B<C>> a<b>. (int) (A) (a,b)=> a<b&& a<?, Map<K,V>> <T, <<< >>> "
        "template<class·T> a<a>:: typename·a:: impl<T>"
    ),
    "operators": (
        "- ! * & + ~ @ ? : = | ^ % / \\ , . ; -- ++ ** && || ?? :: -> => <- |> .. ... >> << == === != <=> a+ a- a* "
        "a/ a% a. a, a; a| a& a^ a= a== a? a: a:: a-> a=> a<- a.. a&& a|| a?? a?. a?b: a?: a!! a<< a>> -a !a *a &a "
        "1+ 1. a=b= a.b. a.b( a().b() a[b] a[0][ a::<b> +a- not· -·- a·if·b·else· a·and· a·in· a·is· a·as·"
    ),
    "quotes": (
        '" \' ` """ \'\'\' "a\' \'a" "${ `${ "#{ "\\( f"{ f\'{a f"{f\' $" $@" @" "\\ R"( r#" r##" #" b\' %q( %w[ '
        '%( ?a :" $\' $" "$( "`'
    ),
    "comments": ("/* // # -- <!-- /** /// ;; (* {- % =begin¶ */ --> /*/ //¶ #¶ --[[ /*a*/ {/* #| ''' ///a¶"),
    "heredocs": ("<<A¶ <<-A¶ <<~A¶ <<<A¶ <<<'A'¶ <<\"A\"¶ $(<<A¶ <<A·<<B¶"),
    "marks": (
        "@a· @a( @a¶ #[a] #[a( [a]¶ #![ @@ @a.b· $a $$ $a[ #a #if·a¶ #if¶ #else¶ #elif·a¶ #endif¶ #define·a¶ "
        '#define·a(b)·\\¶ #include·" #pragma· a!( a![ a!{ macro_rules!·a{ $(a)* __attribute__(( [[a]] [[a'
    ),
    "heads": (
        "if(a) if·a:¶· if·a· if(a){ else·if(a) elif·a:¶ else· for(;;) for·a·in·b: while(a) do· do{ switch(a){ "
        "case·a: case·1:¶ default: try{ catch(a){ try:¶ with·a: match·a{ a=>{ when(a){ if·a;then if·a·then¶ "
        "case·a·in begin¶ end¶ then¶ select· select·*·from·( from·a·join· where· union·select·1· and·a=1· label: "
        "a:¶ goto·a; return· throw· yield· await· async· new· new·a( delete· typeof· sizeof( void· static· const· "
        "let·a= var·a= function·a(){ function( fn·a(){ fn( func·a(){ func( fun·a(){ def·a¶ def·a:¶· def·a(b=( "
        "lambda·a: lambda: ->{ a->{ ·a· {·a· a=>a=> \\a-> class·A{ class·A:¶· class·A< class·A¶ struct·a{ enum·a{ "
        "enum·a{b, namespace·a{ namespace·a:: interface·a{ impl·a{ trait·a{ mod·a{ module·A¶ object·a{ package·a. "
        'import·a import·{ import·a,¶ use·a::{ using·a= extern·"C"{ public· private·static· unsafe{ operator· '
        "override· property· where·T:A, typedef· int·a, int·* int(* void(*( a(*)( auto·a=[]{ [&]{ [=](a){ "
        "co_await· requires· concept·a= friend· asm("
    ),
    "tags": (
        '<a> <a·  </a> <div><p> <a·b=" <a·b={ <a>{ <>  <!  <? <?php· <?=  ?> <![CDATA[ &amp; & <script> </script> '
        "<style> <table><tr><td> <br> <p> <li> <a/> <a.b> <{ {<a>"
    ),
    "data": (
        '{"a": {"a":[ [1, [[ ,  : "a":1, null, -  -·-· -·a:¶· a:·  ?· ?·?· a:·&a· *a· !!a· !a· |¶ >¶·· --- ---¶ '
        '...¶ &a·*a¶ {a:·b,  [a]¶ [[a]]¶ [a.b.c.d] a.b.c=1¶ a=[ a={ a=""" %a·b¶ a:·b¶ a:¶ -·¶ <<:·*a¶ 1e 0x 1_ 1: '
        "2001-01-01·"
    ),
    "styles": (
        "a{ .a .a{ #a{ a> a·b· a,b @media·a{ @import· :not( :is( ::a calc( url( a:b; --a:b; a:var( & &{ [a= "
        "!important· @a{ @a· U+"
    ),
    "shells": (
        "$( $(( `a` ${a ${a:- ${a//a/ $((1+ a·| a·&&· a;· [[·a· [· test·  {·a;· (a;  a()·{· case·a·in· a)·;; "
        "for·a·in·b;do while·a;do if·a;then· >a· <(a· a=( a=$ <<<·a· !· &· 2>&1· esac· fi· done· $'"
    ),
    "space": (
        "\xb7 \xb7\xb7 \t \r \xb6 \r\xb6 \xb7\xb6 \xb6\xb7 \xb6\t \\\xb6 \x0c \x0b \x00 a\x00 \xa0 \u200b \ufeff "
        "\u2028 \xb6\xb7\xb7a"
    ),
    "letters": (
        "a 1 _ $ A1 a\xb7 a\xb6 1\xb6 1\xb7 ab\xb7cd\xb7 \xe9 \u4e2d \u3042 \u4e2d\xb7 \U0001f600 e\u0301 \u202e "
        "0x 1e 1.1 a1_ 10¶, aA"
    ),
}
"""What is repeated, by kind; `·` stands for a space, `¶` for a line end."""

NESTS = (
    *(("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"), ("a(", ")"), ("a[", "]"), ("{a:", "}"), ('{"a":', "}")),
    *(("[1,", "]"), ("a<", ">"), ("List<", ">"), ("/*", "*/"), ("(a+", ")"), ("f(a, ", ")"), ("${", "}")),
    *(('"${', '}"'), ("`${", "}`"), ('"#{', '}"'), ('"\\(', ')"'), ('f"{', '}"'), ("$(", ")"), ('"$(', ')"')),
    *(("`", "`"), ("if(a){", "}"), ("a?(", "):b"), ("<div>", "</div>"), ("<a>", "</a>"), ("begin\n", "end\n")),
    *(("if a\n", "end\n"), ("do |a|\n", "end\n"), ("(function(){", "})()"), ("()=>{", "}"), ("a=>(", ")")),
    *(("class A{", "}"), ("class A\n", "end\n"), ("namespace a{", "}"), ("switch(a){case 1:", "}")),
    *(("if a; then\n", "fi\n"), ("while a; do\n", "done\n"), ("case a in a) ", ";; esac ")),
    *(("#if a\n", "#endif\n"), ("(select ", ")"), ("case when a then ", " end"), ("&(", ")"), ("*(", ")")),
    *(("-(", ")"), ("!(", ")"), ("new A(", ")"), ("try{", "}catch(a){}"), ("@media a{", "}"), (":not(", ")")),
    *(("a{", "}"), ("m!(", ")"), ("{|a| ", "}"), ("->{", "}"), ("a?b:", ""), ("else if(a){", "}")),
    *(("lambda a: (", ")"), ("a if b else (", ")"), ("<a b={", "}/>"), ("{<a>", "</a>}"), ("[[a]]{", "}")),
    *(("a.b(c->", ")"), ("when(a){b->", "}")),
)  # fmt: skip
"""What opens and what closes it again."""
DEPTHS = (45, 190, 2_000, 0)
"""Levels of a nest, repeated until the text is long enough; 0: one nest."""

SOUPS = 12
"""Texts of a grammar's own words in random order."""
HEADS = {
    "php": "<?php\nfunction f($a) {\n",
    "java": "class A {\n  int f(int a) {\n    return ",
    "csharp": "class A {\n  int F(int a) {\n    return ",
    "cpp": "int f(int a) {\n  return ",
    "c": "int f(int a) {\n  return ",
    "go": "package p\nfunc f(a int) int {\n\treturn ",
    "rust": "fn f(a: i32) -> i32 {\n    ",
    "kotlin": "fun f(a: Int): Int {\n    return ",
    "swift": "func f(a: Int) -> Int {\n    return ",
    "javascript": "function f(a) {\n  return ",
    "typescript": "class A { f(a: B<C>): D {\n  return ",
    "tsx": "const A = () => <div>{",
    "ruby": "class A\n  def f(a)\n    b = ",
    "python": "class A:\n    def f(self, a):\n        b = ",
    "shell": "f() {\n  a=",
    "sql": "SELECT a FROM b WHERE c = ",
    "html": '<html><body><script>"',
    "css": "a { b: ",
    "yaml": "a:\n  - b: ",
    "toml": "[a]\nb = ",
    "json": '{"a": [',
    "markdown": "# A\n\n```\n",
    "notebook": "# %% [markdown]\n",
    "csv": 'a,"b,c\n',
}
"""How a text begins that is read in the midst of code."""
SAMPLES: dict[str, str] = {
    "html": '<!doctype html>\n<html><head><style>a { b: c }</style></head>\n<body id="a">'
    "<p>One &amp; two</p></body></html>\n",
    "css": "@import 'a.css';\n.a > b:hover, #c { color: red; --d: calc(1px + 2em); }\n"
    "@media (max-width: 9em) { a { b: c } }\n",
    "yaml": "---\na: &b\n  - c: 1\n    d: 'e'\n  - {f: [1, 2]}\ng: |\n  text\n  more\nh: *b\n",
    "toml": 'title = "a"\n[b.c]\nd = [1, 2, {e = "f"}]\n[[g]]\nh = 1979-05-27T07:32:00Z\ni = """\na\n"""\n',
    "json": '{"a": [1, 2.5e3, null, true, {"b": "c\\n\\u00e9"}], "d": {}}\n',
    "sql": "CREATE TABLE a (b int PRIMARY KEY, c text DEFAULT 'd');\n"
    "SELECT a.b, count(*) FROM a JOIN e ON a.b = e.b WHERE c IN (1, 2) "
    "GROUP BY a.b HAVING count(*) > 1;\nINSERT INTO a VALUES (1, 'x''y');\n",
    "shell": 'f() {\n  local a="$(b "${c:-d}" | e)"\n  if [[ -z $a ]]; then echo "$((1 + 2))"; fi\n}\n'
    "cat <<A > b\ntext $a\nA\n",
    "markdown": "# A\n\nOne *two* [three](four).\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
    "```py\nx = 1\n```\n\n- a\n  - b\n\n> c\n",
}
"""A little of what is no program; what is, is taken from the tests of `ctxwin.chunking.syntax`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one text costs."""

    language: str
    shape: str
    seconds: float
    megabytes: float
    code: int = 0
    """With which the process ended; 0 where it went well."""

    @property
    def is_over(self) -> bool:
        return self.code != 0 or self.seconds > SECONDS or self.megabytes > MEGABYTES


def pieces() -> Iterator[str]:
    """Yield what is repeated."""
    for kind in RUNS.values():
        yield from (word.replace("·", " ").replace("¶", "\n") for word in kind.split(" ") if word)


def shapes(language: str) -> list[str]:
    """Name the shapes of a language."""
    names = [f"{where} {piece!r}" for piece in dict.fromkeys(pieces()) for where in ("run", "inside", "varied")]
    names += [f"nest {depth} {opens!r}" for opens, _ in NESTS for depth in DEPTHS]
    names += [f"soup {i}" for i in range(SOUPS)]
    names += [f"damaged {i}" for i in range(4)]
    return [*names, "one line", "lines", "long name", "unended string", "unended comment", "indented", "mixed"]


def text_of(language: str, shape: str, size: int = SIZE) -> str:
    """Make a text of about so many characters."""
    kind, _, rest = shape.partition(" ")
    if kind == "run":
        return filled(eval(rest), size)
    if kind == "inside":
        return HEADS.get(language, "a = ") + filled(eval(rest), size)
    if kind == "varied":
        return HEADS.get(language, "a = ") + varied(eval(rest), size)
    if kind == "nest":
        depth, _, opens = rest.partition(" ")
        closes = next(after for before, after in NESTS if before == eval(opens))
        return nest(eval(opens), closes, int(depth), size)
    if kind == "soup":
        return soup(language, int(rest), size)
    if kind == "damaged":
        return damaged(language, int(rest), size)
    return {
        "one line": lambda: filled("word and (another) ", size),
        "lines": lambda: filled("a\n", size),
        "long name": lambda: HEADS.get(language, "") + "a" * size,
        "unended string": lambda: HEADS.get(language, "") + '"' + filled("a b\\\n", size),
        "unended comment": lambda: HEADS.get(language, "") + "/* <!-- " + filled("a b\n", size),
        "indented": lambda: "".join(" " * n + "if a:\n" for n in range(int((2 * size) ** 0.5))),
        "mixed": lambda: "".join(random.Random(1).choices([*pieces()], k=size // 3))[:size],
    }[shape]()


def filled(piece: str, size: int) -> str:
    return (piece * (size // len(piece) + 1))[:size]


def varied(piece: str, size: int) -> str:
    """Repeat a piece with other names each time, so that no two are equal."""
    draw = random.Random(piece)
    names = [f"{draw.choice('abcdefgh')}{draw.randrange(10**6)}" for _ in range(2_000)]
    found: list[str] = []
    length = 0
    while length < size:
        name = draw.choice(names)
        found.append(re.sub(r"\b[aA]\b", name, piece) if re.search(r"\b[aA]\b", piece) else piece + name)
        length += len(found[-1])
    return "".join(found)


def nest(opens: str, closes: str, depth: int, size: int) -> str:
    depth = depth or size // (len(opens) + len(closes))
    one = opens * depth + "a" + closes * depth + "\n"
    return one * max(1, size // len(one))


def words(language: str) -> list[str]:
    """Return the words and signs of a grammar."""
    grammar = _grammar(language)
    if grammar is None:
        return [*pieces()]
    kinds = [grammar.node_kind_for_id(i) for i in range(grammar.node_kind_count) if not grammar.node_kind_is_named(i)]
    return sorted({kind for kind in kinds if kind and "_token" not in kind and not kind.startswith("_")})


def soup(language: str, seed: int, size: int) -> str:
    """Mix words: all of them in some texts, a few in others; with names between, line ends and without."""
    draw = random.Random(f"{language} {seed}")
    few = words(language)
    few = few if seed % 4 == 0 else draw.sample(few, min(len(few), (3, 8, 20)[seed % 4 - 1]))
    between = draw.choice(([" "], [" ", "\n"], ["", " "], [" a ", " "], [" 1 ", "\n", "\n  "]))
    found: list[str] = [HEADS.get(language, "") if seed % 2 else ""]
    length = 0
    while length < size:
        found += (draw.choice(few), draw.choice(between))
        length += len(found[-1]) + len(found[-2])
    return "".join(found)


def damaged(language: str, seed: int, size: int) -> str:
    """Repeat code and change it at random places: signs go, are doubled or replaced, slices move."""
    from test_syntax import CODE, PYTHON

    draw = random.Random(f"{language} {seed}")
    sample = {"python": PYTHON, **CODE, **SAMPLES}.get(language, "A line of text, (with signs): 1.\n\n")
    text = filled(sample, size)
    for _ in range((20, 500, 5_000, 20)[seed]):
        at = draw.randrange(len(text))
        length = draw.choice((1, 1, 2, 5, 30))
        new = draw.choice(("", text[at : at + length] * 2, draw.choice("()[]{}<>\"'`;:,\n #/*"), "\n"))
        text = text[:at] + new + text[at + length :]
    return text.replace(")", "").replace("}", "").replace("]", "")[:size] if seed == 3 else text


def read(path: str, language: str, text: str) -> None:
    """Do with a text what is done with users' files: cut, count, outline, shorten, pack."""
    ctxwin.pack(query="Where is the cookie of the session signed?", files=[path], budget=1_500, embedder="none")
    definitions_in(text, language)


def suffix_of(language: str) -> str:
    return next(
        suffix for suffix, name in _BY_SUFFIX.items() if name == language and suffix not in ("docx", "pdf", "ipynb")
    )


def languages() -> list[str]:
    """Return the languages that have a text of their own: all but documents, which are converted first."""
    return [name for name in dict.fromkeys((*GRAMMARS, *LANGUAGES)) if name not in ("pages", "notebook")]


def costs(cases: Iterable[tuple[str, str]], size: int = SIZE) -> Iterator[Cost]:
    """Measure texts, given by (language, shape), one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        warm = Path(folder, "warm.py")
        warm.write_text("def warm():\n    pass\n" * 200)
        read(str(warm), "python", "")
        for name in GRAMMARS:
            parse("x", name)
        for language, shape in dict.fromkeys(cases):
            yield cost(folder, language, shape, size)


def cost(folder: str, language: str, shape: str, size: int) -> Cost:
    text = text_of(language, shape, size)
    path = Path(folder, f"a.{suffix_of(language)}")
    path.write_bytes(text.encode("utf-8", "replace"))
    told, tells = os.pipe()
    child = os.fork()
    if child == 0:
        _child(tells, str(path), language, text)
    os.close(tells)
    with os.fdopen(told) as pipe:
        before = pipe.read()
    _, status, usage = os.wait4(child, 0)
    size_before = float(before or 0)
    return Cost(
        language=language,
        shape=shape,
        seconds=usage.ru_utime + usage.ru_stime,
        megabytes=usage.ru_maxrss / 1024 - size_before,
        code=status,
    )


def _child(tells: int, path: str, language: str, text: str) -> None:
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    here = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()  # what the tests' process has
    resource.setrlimit(resource.RLIMIT_AS, (here + MEMORY, here + MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.write(tells, str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024).encode())
    os.close(tells)
    code = 1
    try:
        read(path, language, text)
        code = 0
    except ctxwin.CtxwinError as error:
        code = 0 if "no readable file" in str(error) or "binary" in str(error) else 1
        print(error, file=sys.stderr)
    finally:
        os._exit(code)
