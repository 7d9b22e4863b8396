"""Records the usage of an answered request."""

from __future__ import annotations

from ..clients import Reply, Usage
from ..store import UsageRecord
from .calls import Call
from .packer import Packer

__all__ = ["record_of"]


def record_of(reply: Reply, packer: Packer, call: Call, position: int | None) -> UsageRecord:
    """Return the usage record of an answered request.

    Args:
        reply: the reply with the provider's reported usage; without a report, ctxwin's own counts are used.
        packer: the packer of the request.
        call: the call of the request.
        position: the position of the reply's first turn; None if nothing was stored.
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
