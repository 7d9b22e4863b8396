"""Make shorter forms of a text: extracts of the sentences that match the question, and a stub.

    full > extract, several sizes > (summary, where a Summarizer is given) > stub > out

A tool's output has two more. It is folded, if that takes fewer tokens: JSON as tables, lines by their patterns, hits
by file, each read back before it serves. And by its kind it goes without what it repeats (`digests`): passed tests,
unchanged lines of a diff, log lines and rows and hits like others; failures, totals and odd lines stay, and marks count
the rest.

An extract is made of sentences of the text, verbatim and in order; neighbours are joined as they were, and "…"
stands for missing sentences. A form's value is the share of the text's query-relevant content that it keeps:

    share = sum of omega_j over its sentences j
    omega_j = (1 - u) * softmax_j(s_j / T) + u * length_j / length

where s_j in [0, 1] is the share of the question's idf weight that sentence j has, or a part of its neighbours'
share. The constants were chosen by evidence recall on mtrag_un, beam_100k and longmemeval_mini
(whole turns and passages as gold) and cmrc2018_zh (short spans as gold): with BM25 and 512 tokens, and passages
of 450, extracts raise the recall of spans from 67 to 90 percent, and the recall of whole units by -1 to +2 points.
"""

from .extracts import GAP, SIZES, TextForm, match, share_of, text_forms
from .facts import fact_kind, facts
from .fitting import fit_text
from .outputs.digests import digests, fit_digest, kind_of, undominated
from .outputs.folding import TABLES, Folded, fold, unfold
from .sentences import Sentences, sentences, split
from .signatures import definitions_in

__all__ = [
    "GAP",
    "SIZES",
    "TABLES",
    "Folded",
    "Sentences",
    "TextForm",
    "definitions_in",
    "digests",
    "fact_kind",
    "facts",
    "fit_digest",
    "fit_text",
    "fold",
    "kind_of",
    "match",
    "sentences",
    "share_of",
    "split",
    "text_forms",
    "undominated",
    "unfold",
]
