"""Adapts model clients to one interface: it sends a request's body, returns the provider's own answer, and reads it.

    adapt(client) ──send(body)──▶ the provider's response or stream ──read, gather──▶ Reply(messages, text, usage)

No SDK is imported: a client is recognized by the module of its type. To add an SDK that is made like OpenAI's (Groq,
Together, Cerebras and others), add a line to `SDKS` in `sdk_apis.py`; if its answers have a form of their own, add a
file next to `openai.py` that reads them.
"""

from __future__ import annotations

from .adapting import adapt
from .completing import completing
from .endpoint import Endpoint
from .reply import Client, Gather, Reply, Usage
from .sdk_apis import ApiName

__all__ = ["ApiName", "Client", "Endpoint", "Gather", "Reply", "Usage", "adapt", "completing"]
