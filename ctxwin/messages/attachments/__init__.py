"""What an attachment is, how large, how long, and what text it has: told from its bytes."""

from __future__ import annotations

from .recognize import Attachment, AttachmentKind, attachment

__all__ = ["Attachment", "AttachmentKind", "attachment"]
