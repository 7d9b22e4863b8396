"""Modules that have another name since 0.2.0: the old names work, with a warning, until 0.3.0."""

from __future__ import annotations

import warnings
from functools import partial
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

__all__ = ["MOVED", "spec_of"]

_TABLE = """
allocate.account allocate.ledger
allocate.core allocate.relaxation
allocate.diverse evaluate.baselines
allocate.greedy allocate.grow
allocate.one_pass allocate.grow
allocate.polish allocate.grow
allocate.selection allocate.value
cache store.cache
caching.filling caching.request
caching.ledger caching.held
caching.rules caching.providers
chunking.records chunking.entries
cli.replaying cli.replay
clients.chat clients.openai
clients.plain clients.figures
clients.sdk clients.sdk_apis
clients.values clients.reply
columns retrieve.words.columns
constraints pool.units
documents files.documents
embed.graph embed.onnx_graph
embed.pieces embed.word_pieces
evaluate.replay evaluate.cache_run
evaluate.replaying evaluate.cache_task
evaluate.run evaluate.recall_run
evaluate.settings evaluate.limits
evaluate.source evaluate.recall_task
excerpts citations.excerpts
fences citations.fences
files.filling files.background
files.kept files.cut_cache
files.reading files.file_text
files.streams files.text_stream
footprint models.footprint
hub embed.hub
index retrieve.item_vectors
injections citations.injections
integrations.blocks integrations.content
layout pool.layout
lexical retrieve.words.lexical
limits waiting
media tokens.media
media.archives messages.attachments.archives
media.attachments messages.attachments.recognize
media.count tokens.counts
media.decoding messages.attachments.decoding
media.lengths messages.attachments.lengths
media.pages messages.attachments.pages
media.signatures messages.attachments.file_types
media.sizes messages.attachments.sizes
messages.anthropic messages.dialects.anthropic
messages.checking messages.checks
messages.foreign.blocks messages.foreign.content_blocks
messages.groups messages.transcript
messages.openai messages.dialects.openai
messages.origins messages.loading
messages.pieces messages.dialects.fields
messages.plain messages.native
messages.repair messages.repairs
messages.repair_anthropic messages.repairs.anthropic
messages.repair_items messages.repairs.stray_items
messages.repair_messages messages.repairs.each_message
messages.repair_names messages.repairs.function_names
messages.repair_openai messages.repairs.openai
messages.repair_pairs messages.repairs.call_pairs
messages.repair_responses messages.repairs.responses
messages.repair_shapes messages.repairs.shaping
messages.repair_work messages.repairs.work
messages.responses messages.dialects.responses
messages.rules messages.checks.well_formed
messages.rules_anthropic messages.checks.anthropic
messages.rules_openai messages.checks.openai
messages.rules_responses messages.checks.responses
messages.sdk_objects messages.native
messages.shapes messages.checks.shapes
messages.sources messages.loading
messages.values messages.conversation
messages.vocabulary messages.checks.vocabulary
packing.account packing.explain
packing.candidates packing.choose
packing.draft packing.measure
packing.problem packing.choose
packing.relevance packing.judge
packing.render packing.print
packing.sections packing.shorten
packing.task packing.read
picture report.picture
picture.page report.page
picture.plain report.terminal
picture.words report.words
postings retrieve.words.lexical
repomap files.repomap
rerank retrieve.rerank
retrieve.calibration evaluate.recalibration
retrieve.code.whole retrieve.query
retrieve.cosines retrieve.item_vectors
retrieve.cues retrieve.talk.cues
retrieve.dates retrieve.talk.dates
retrieve.fitting retrieve.own_weights
retrieve.graph retrieve.code.graph
retrieve.lazily retrieve.table
retrieve.place retrieve.table
retrieve.sources retrieve.code.sources
retrieve.subject retrieve.query
retrieve.talk.place retrieve.table
retrieve.talk.subject retrieve.query
retrieve.traces retrieve.code.traces
retrieve.whole retrieve.query
retrieve.words.postings retrieve.words.lexical
store.values store.turns
summarize renditions.summarize
syntax chunking.syntax
syntax.reading chunking.syntax.parsing
tokens.counted tokens.counts
tokens.pieces tokens.counts
tokens.rules tokens.overheads
window.bodies window.request_body
window.keeping window.stored_vectors
window.records window.usage
window.settings window.opening
wrapping.bodies wrapping.sdk_body
wrapping.passage wrapping.round_trip
wrapping.passing wrapping.policy
wrapping.relay wrapping.recall_stream
wrapping.splices wrapping.merge_stream
wrapping.streams wrapping.tap
"""
MOVED = {f"ctxwin.{old}": f"ctxwin.{new}" for old, new in (line.split() for line in _TABLE.split("\n") if line)}
"""Old names of modules to new ones; modules below an old package that are not named have kept their own names."""


def spec_of(name: str) -> ModuleSpec | None:
    """Find the module that an old name means.

    Args:
        name: a module of ctxwin that is not there.

    Returns:
        What imports the module by its new name; None for a name that never was.

    Example:
        >>> spec_of("ctxwin.nothing") is None
        True
    """
    new = _new_name(name)
    return spec_from_loader(name, _Renamed(new)) if new else None


def _new_name(name: str) -> str | None:
    known = name
    while known and known not in MOVED:
        known = known.rpartition(".")[0]
    return MOVED[known] + name[len(known) :] if known else None


class _Renamed(Loader):
    """Makes a module of an old name: empty, and whatever is asked of it comes from the module of the new name."""

    def __init__(self, new: str) -> None:
        self._new = new

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the making to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        """Let the module of the new name answer.

        Raises:
            ImportError: there is none.
        """
        warnings.warn(f"{module.__name__} is {self._new} since 0.2.0", DeprecationWarning, stacklevel=2)
        real = import_module(self._new)
        vars(module).update(__doc__=real.__doc__, __path__=[], __getattr__=partial(getattr, real))
