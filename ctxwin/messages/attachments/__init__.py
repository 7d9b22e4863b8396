"""Tells from an attachment's bytes what it is, how large and long it is, and its text."""

from __future__ import annotations

from .recognize import Attachment, AttachmentKind, attachment

__all__ = ["Attachment", "AttachmentKind", "attachment"]
