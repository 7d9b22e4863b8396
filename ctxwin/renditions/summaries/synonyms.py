"""Tell words that say the same, words that say the opposite, and words that describe.

English words are read as stems, after irregular forms and plain synonyms are put together, so that "departed" bears
"left" out. The lists hold the commonest words of talk and reports; they know no field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from functools import cache

from ...retrieve.words.lexical import STOP_WORDS, tokenize

__all__ = ["described", "opposite", "opposites_of", "same_words"]

_SAME = """
say said says tell told state report mention note explain inform according announce speak spoke spoken
think thought believe view opinion consider
ask asked request inquire wonder
answer reply respond response replied
want wish
suggest propose recommend suggestion proposal recommendation advise
leave left depart departure departed
come came arrive arrival arrived
go went gone goes
begin began begun start commence
end finish complete conclude
buy bought purchase
sell sold
get got receive obtain gotten
give gave given hand provide
take took taken
make made create produce
pay paid payment cost charge price fee
find found detect discover
see saw seen notice observe
know knew known aware
run ran execute
write wrote written draft
send sent submit
keep kept retain remain stay stayed
lose lost loss
fall fell fallen drop decrease decline shrink shrank reduce reduction cut lower
rise rose risen increase grow grew grown climb higher
break broke broken damage
fix repair mend
need require requirement
use usage utilise utilize
show display indicate reveal
check verify inspect test
change alter modify modification amend
move migrate migration shift transfer
remove delete drop eliminate
replace replacement substitute swap
choose chose chosen select pick opt
build built construct
meet met meeting
hold held
allow permit permission
forbid ban prohibit forbidden
refuse reject decline turned rejected
agree approve accept accepted consent
fail failure failed
stop cease halt
help assist assistance
own owner belong
reason because cause due
problem issue fault bug error trouble
big large
small little
fast quick quickly rapid
cheap inexpensive
delay late postpone postponed
job task work
customer client guest
house home flat apartment
child children kid kids
mother mum mom
father dad
doctor dr
people persons person
man men
woman women
money cash
car vehicle
picture photo photograph
holiday vacation leave
company firm
staff employee employees
worker employee
quote quotation offer
bill invoice
tablet pill
teach taught teacher
bring brought
spend spent
think suspect
withdraw withdrew
attend join participate
cover include contain
exclude omit except
plan schedule intend
total sum overall
about roughly approximately around some
per each every
do did done does perform
have had
become became
put set
speak talk discuss
hear heard
drive drove driven
eat ate eaten
drink drank
sleep slept
feel felt
catch caught
win won
lend lent
grew grow
wait await
connect connection
deliver delivery
analyse analysis
decide decision
install installation
"""
_OPPOSITE = """
rise increase grow improve climb | fall decrease decline shrink drop worsen
high higher | low lower
more | less fewer
fast faster quick | slow slower
cheap cheaper | expensive dear
better | worse
early earlier | late later
before | after
approve accept agree | refuse reject
allow permit | forbid ban prohibit
include | exclude
open | close
begin start | stop cease end finish
pass | fail
succeed success successful | fail failure
win | lose
buy | sell
lend | borrow
arrive | depart
add | remove
enable | disable
online | offline
above exceed | below
hot | cold
left | right
big large | small
long longer | short shorter
first | last
north | south
east | west
upgrade | downgrade
import | export
morning | evening
public | private
minimum | maximum
least | most
white | black
male | female
safe | dangerous
full | empty
easy | difficult hard
strong | weak
support favour | oppose against
push | pull
upload | download
encrypt | decrypt
credit | debit
profit | loss
inside | outside
"""
_OPPOSITE_CHINESE = """
高于 超过 | 低于 不足
增长 上涨 上升 增加 提高 涨了 升到 | 下降 下跌 减少 降低 降了 降到
延长 | 缩短
同意 批准 接受 | 拒绝 驳回
成功 | 失败
提前 | 推迟 延后
更贵 偏高 | 便宜 更低
更快 | 更慢
打开 开启 启用 | 关闭 停用 禁用
左 | 右
东侧 东边 东区 东门 | 西侧 西边 西区 西门
南侧 南边 南区 南门 | 北侧 北边 北区 北门
冷敷 | 热敷
上线 | 下线
最多 至多 | 至少 最少
上午 早上 | 下午 晚上
收入 | 支出
免费 | 收费
允许 | 禁止
"""
_DESCRIBING = re.compile(
    r"\w{3,}(?:ful|fully|ous|ously|ively|less|ish|ingly|edly|nally|ically|ily|kly|tly|ply|nic|tic|tty|ely)"
)
_NEUTRAL = frozenset(
    """
    previous precise
    only early daily weekly monthly yearly hourly annually currently previously formerly originally initially finally
    approximately roughly nearly mostly mainly partly fully completely entirely additionally respectively subsequently
    immediately recently already directly likely possibly probably apparently reportedly allegedly specifically instead
    yesterday today city day party company family body any many every very why key money reply supply apply study carry
    country story copy way may pay say they play stay key day policy necessary mandatory primary temporary preliminary
    several total final initial original actual general usual individual additional optional internal external
    local current recent present different sufficient available unavailable unable possible impossible responsible
    applicable able separately together quarterly verbally orally manually automatically consequently accordingly
    proposal approval arrival renewal refusal removal trial meal deal material employment payment agreement comment
    department statement event client agent student patient accident content amount account percent restaurant
    assistant important relevant public topic traffic basic specific metric library summary history category memory
    factory inventory salary january february delivery battery security identity quantity quality facility activity
    majority minority party inquiry query entry retry directory repository july try buy family supply notify verify
    specify modify clarify identify rely deny apply unwilling willing negative positive alternative effective active
    still yet overall there free due valid over back out off away ready there part sure unclear down up left
    relative respective inactive table variable cable enable disable sure they their technical financial medical
    """.split()  # noqa: SIM905
)


@cache
def _same() -> dict[str, str]:
    table: dict[str, str] = {}
    for line in _SAME.strip().splitlines():
        terms = [term for word in line.split() for term in tokenize(word)]
        for term in terms:
            table.setdefault(term, terms[0])
    return table


@cache
def _opposites(said: str) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    sides = ([frozenset(side.split()) for side in line.split("|")] for line in said.strip().splitlines())
    return tuple(pair for one, other in sides for pair in ((one, other), (other, one)))


def opposites_of(word: str) -> set[str]:
    """Return the words that say the opposite of a word.

    Example:
        >>> sorted(opposites_of("slower"))
        ['fast', 'faster', 'quick']
    """
    pairs = (*_opposites(_OPPOSITE), *_opposites(_OPPOSITE_CHINESE))
    return {other for like, unlike in pairs if word in like for other in unlike}


def same_words(terms: Iterable[str]) -> tuple[str, ...]:
    """Return terms with one term for all that say the same.

    Example:
        >>> same_words(tokenize("The train departed.")) == same_words(tokenize("The train left."))
        True
    """
    table = _same()
    return tuple(table.get(term, term) for term in terms)


_WORD = re.compile(r"(?<!\w)[A-Za-z]+(?!\w)")
_COPULA = re.compile(r"\b(?:is|are|was|were|be|been|very|too|quite|much|so) $")
_END = re.compile(r"\W*$|,| and | or | to (?:the|a|him|her|them|his|us)\b")
_PARTICIPLE = re.compile(r"(?:ed|en|er|aid|ing|ne|wn|nt|pt|ft|ld|ght)$")
_NOT_PREFIX = re.compile(r"^(?:un|in|im|ir|dis|non)(?=\w{4})")
_VERY = re.compile(r"(?:很|非常|十分|特别|相当|极其|极为)([\u4e00-\u9fff]{2})")
_BASE = re.compile(r"(?:ed|d|s|es|ing)$")


def _bases(word: str) -> set[str]:
    base = _BASE.sub("", word)
    return {word, base, base + "e", re.sub(r"(.)\1$", r"\1", base), word.removesuffix("d"), word.removesuffix("s")}


def _words(text: str) -> set[str]:
    return {base for word in _WORD.findall(text.lower()) for base in _bases(_FORMS.get(word, word))}


_FORMS = {
    form: line.split()[0]
    for line in (
        "rise rose risen", "fall fell fallen", "grow grew grown", "shrink shrank shrunk", "win won", "lose lost",
        "buy bought", "sell sold", "lend lent", "begin began begun", "forbid forbade forbidden",
    )
    for form in line.split()
}  # fmt: skip


def opposite(claim: str, source: str) -> str:
    """Return a word of a claim of which the source has the opposite, and not the word or one like it; else "".

    Example:
        >>> opposite("Reports rose to 120.", "Reports fell from 120 to 35.")
        'rise'
    """
    mine, theirs = _words(claim), _words(source)
    for like, unlike in _opposites(_OPPOSITE):
        if (here := mine & like) and theirs.isdisjoint(like) and theirs & unlike and mine.isdisjoint(unlike):
            return min(here)
    for like, unlike in _opposites(_OPPOSITE_CHINESE):
        has, had = ([[word for word in side if word in text] for side in (like, unlike)] for text in (claim, source))
        if has[0] and not has[1] and not had[0] and had[1]:
            return has[0][0]
    return ""


def described(text: str, known: Set[str]) -> str:
    """Return the first word by which a text describes something in a way of its own; "" if there is none.

    Describing words are told by their form ("scenic", "quickly"), or by standing behind "is", "very" or 很; neutral
    ones ("weekly", "responsible") are none.

    Args:
        text: a clause of a summary.
        known: the terms of the source.

    Example:
        >>> described("The bus is a scenic one.", {"bus"}), described("The weekly bus.", {"bus"})
        ('scenic', '')
    """
    starts = {term[:4] for term in known}
    for found in _WORD.finditer(text):
        word = found[0].lower()
        predicate = _COPULA.search(text, max(0, found.start() - 12), found.start())
        plain = _NOT_PREFIX.sub("", word)
        if (
            word in STOP_WORDS
            or word in _NEUTRAL
            or word[:4] in starts
            or plain[:4] in starts
            or not found[0].islower()
        ):
            continue
        if known.isdisjoint(same_words(tokenize(word))) and (
            _DESCRIBING.fullmatch(word)
            or (predicate and _END.match(text, found.end()) and not _PARTICIPLE.search(word))
        ):
            return word
    for found in _VERY.finditer(text):
        if found[1] not in known and not known & set(found[1]):
            return found[0]
    return ""
