"""A stored conversation with its budget: added to, packed, sent, for years."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import Any, Self

from ..clients import Client, Endpoint, Reply, adapt
from ..embed import CachedEmbedder, get_embedder
from ..errors import InputError
from ..items import Budget
from ..messages import Dialect
from ..models import Model, get_model
from ..packing import Packed, pack
from ..recall import recall_tool
from ..store import Settings, Store, Turn, UsageRecord, open_store
from ..tokens import Tokenizer, get_tokenizer
from .bodies import request_body
from .contents import Contents
from .matching import new_messages

__all__ = ["Window"]
