"""The places that settings come from, and whether any of them holds something: a look that imports no pydantic."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["OPENAI", "PREFIX", "anything_set", "project_file", "user_file"]

PREFIX = "CTXWIN_"
"""Prefix of a setting's name in the environment."""
OPENAI = "OPENAI_BASE_URL"
"""Variable with the address of the endpoint, for every program that asks OpenAI; CTXWIN_BASE_URL goes before it."""
CACHE = "CTXWIN_CACHE"
"""Variable with the folder of the caches, which is no setting."""


def user_file() -> Path:
    """Return the path of the user's own file; it need not exist."""
    return platformdirs.user_config_path("ctxwin") / "config.toml"


def project_file() -> Path:
    """Return the path of the working folder's file; it need not exist."""
    try:
        return Path.cwd() / "ctxwin.toml"
    except OSError:  # the working folder has gone, and nothing is in it
        return Path("ctxwin.toml")


def anything_set() -> bool:
    """Tell whether a variable or a file may hold a setting; reading them takes .15 s, with pydantic."""
    names = {name.upper() for name in os.environ}
    asked = OPENAI in names or any(name.startswith(PREFIX) and name != CACHE for name in names)
    return asked or any(os.path.lexists(path) for path in (project_file(), user_file()))
