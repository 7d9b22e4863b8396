"""What is kept of a request that was answered."""

from __future__ import annotations

from ..clients import Reply, Usage
from ..store import UsageRecord
from .calls import Call
from .packer import Packer

__all__ = ["record_of"]


def record_of(reply: Reply, packer: Packer, call: Call, position: int | None) -> UsageRecord:
    """Return what is kept of a request that was answered.

    Args:
        reply: with the usage that the provider reported; where it reported none, tokens are those that ctxwin counts.
        packer: packed the request.
        call: the request.
        position: of the reply's first turn.
    """
    packed, row = call.packed, packer.row
    usage = reply.usage
    if usage is None or not usage.input:
        usage = Usage(input=packed.tokens if packed else 0, output=packer.tokenizer.count_many([reply.text])[0])
    fresh = max(0, usage.input - usage.cached - usage.written)
    price = row.cost(fresh, output=usage.output, cached=usage.cached, written=usage.written) if row else None
    return UsageRecord(
        input=usage.input,
        cached=usage.cached,
        written=usage.written,
        output=usage.output,
        model=row.name if row else reply.model,
        position=position,
        counted=packed.tokens if packed else None,
        unpacked=packed.report.given if packed else None,
        cost=price,
    )
