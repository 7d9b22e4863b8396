"""A conversation that is stored safely, packed for each request and sent: `Window`."""

from __future__ import annotations

from .window import Window

__all__ = ["Window"]
