"""Reads conversations of other programs: each form is one file of this folder with one `FORM`.

To add a form, write its file and put its `FORM` into `FORMS`.
"""

from __future__ import annotations

from typing import Any

from . import (
    agents_items,
    bedrock_converse,
    chatgpt,
    claude_ai,
    claude_code_session,
    codex_session,
    gemini_contents,
    gemini_saved,
    gemini_session,
    inspect_log,
    langchain_dump,
    markdown_talk,
    ollama_chat,
    pydantic_ai_dump,
    saved_window,
    sharegpt,
    slack,
    table_talk,
    tau_bench,
    telegram,
    transcript_text,
    vercel_parts,
    whatsapp,
)
from .form import ExportFolder, ForeignForm, ForeignTalk, said

__all__ = ["FORMS", "ExportFolder", "ForeignForm", "ForeignTalk", "recognise", "said"]

FORMS: tuple[ForeignForm, ...] = (
    saved_window.FORM,
    chatgpt.FORM,
    claude_ai.FORM,
    inspect_log.FORM,
    tau_bench.FORM,
    claude_code_session.FORM,
    codex_session.FORM,
    langchain_dump.FORM,
    pydantic_ai_dump.FORM,
    gemini_session.FORM,
    gemini_saved.FORM,
    gemini_contents.FORM,
    bedrock_converse.FORM,
    vercel_parts.FORM,
    ollama_chat.FORM,
    agents_items.FORM,
    slack.FORM,
    telegram.FORM,
    sharegpt.FORM,
    whatsapp.FORM,
    table_talk.FORM,
    markdown_talk.FORM,
    transcript_text.FORM,
)
"""All forms; the first that recognises a value reads it. So forms with many distinctive keys stand before forms with
few, and texts without any marks stand last."""


def recognise(value: Any) -> ForeignForm | None:
    """Return the form of a value, given as loaded JSON or as a text; None if it has none of the forms."""
    return next((form for form in FORMS if form.recognise(value)), None)
