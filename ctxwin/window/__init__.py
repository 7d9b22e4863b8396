"""Stores a conversation safely, packs it for each request and sends it: `Window`."""

from __future__ import annotations

from .window import Window

__all__ = ["Window"]
