"""Model providers behind one interface: a request's body in, the provider's own answer out, and how to read it.

    adapt(client) ──send(body)──▶ the provider's response or stream ──read, gather──▶ Reply(messages, text, usage)

A client is never imported: it is known by the module of its type. To add one that is made like OpenAI's
(Groq, Together, Cerebras and others), add a line to `SDKS` in `sdk.py`; where its answers have a form of their
own, one file beside `chat.py` says how they are read.
"""

from __future__ import annotations

from .adapting import adapt
from .endpoint import Endpoint
from .reply import Client, Gather, Reply, Usage
from .sdk_apis import ApiName

__all__ = ["ApiName", "Client", "Endpoint", "Gather", "Reply", "Usage", "adapt"]
