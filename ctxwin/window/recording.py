"""Stores the messages and answers of callers that use a window at the same time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

from ..clients import Reply
from ..errors import UnknownModel
from ..models import Model
from ..store import Store, Turn
from .calls import Call, Calls
from .contents import Contents
from .matching import split_request
from .opening import StoredSettings, row_of
from .packer import CACHED, Packer
from .usage import record_of

__all__ = ["Recording"]


class Recording(ABC):
    """The part of a window that stores requests and replies, each under the window's lock."""

    id: str
    _calls: Calls
    _contents: Contents
    _given: dict[str, Any]
    _settings: StoredSettings
    _last: Call
    _lock: RLock
    _packer: Packer
    _row: Model | None
    _store: Store

    def sync(self, request: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Call:
        """Store the messages of a request that are not stored yet, and its system prompt where it differs.

        A request may hold the whole conversation, its end, or only new messages. The request's model becomes the
        window's if the window was opened without a model.

        Returns:
            The request's call; give it to `pack` and `record` when others use the window at the same time.

        Raises:
            MessageError: a message is malformed; nothing is stored.
        """
        with self._lock:
            self._refresh()
            dialect, prompt, raws = split_request(request, self._settings.now.dialect)
            if self._settings.now.dialect is None:
                self._settings.change(dialect=dialect)
                self._contents.speak(dialect)
            if prompt is not None and prompt != self._settings.now.system:
                self._set_system(prompt)
            with self._ordered():
                self._last = call = self._calls.take(self._contents, raws, dialect)
            self._follow(request)
        self._packer.prepare()
        return call

    def record(self, reply: Reply, call: Call | None = None) -> None:
        """Store a reply behind its request, and learn from the usage that the provider reported.

        Args:
            reply: the reply to a request.
            call: the request's call, from `sync`. Default: the request that was packed last.
        """
        with self._lock:
            self._refresh()
            call = call or self._last
            unsealed = self._packer.unseal(reply, self._contents.talk.dialect)
            with self._ordered():
                turns = self._contents.append(reply.messages, behind=call.last) if reply.messages else ()
            self._calls.answered(call, [turn.position for turn in turns])
            position = turns[0].position if turns else None
            self._store.record_usage(self.id, record_of(reply, self._packer, call, position))
            if self._packer.answered(call, reply) or unsealed:
                self._settings.remember(**self._packer.state)
        self._packer.prepare()

    def begin(self, message: str | Mapping[str, Any] | None) -> Call:
        """Store a caller's message and return its call; None begins a call to answer the last message."""
        with self._lock:
            if message is not None:
                return self._calls.begin([self.add(message).position])
            self._refresh()
            return self._calls.begin([turn.position for turn in self._contents.turns[-1:]])

    def go_on(self, call: Call, messages: Sequence[Mapping[str, Any]]) -> None:
        """Store messages that follow a call's answer, such as tool results, before the call is sent again."""
        with self._lock:
            self._refresh()
            with self._ordered():
                turns = self._contents.append(messages, behind=call.last)
            self._calls.went_on(call, [turn.position for turn in turns])
        self._packer.prepare()

    def leave(self, call: Call) -> None:
        """Mark a call as ended without an answer; its messages stay stored."""
        with self._lock:
            self._calls.leave(call)

    def marked(self, body: Mapping[str, Any], call: Call | None = None) -> Mapping[str, Any]:
        """Return the body of a call's request (default: the last one) marked for the provider's prompt cache."""
        return self._packer.marked(body, self._contents.talk.dialect, call or self._last)

    def _follow(self, request: object) -> None:
        """Count and price as the request's model does, if the window was opened without a model."""
        name = request.get("model") if isinstance(request, Mapping) else None
        if self._given["model"] is not None or not isinstance(name, str) or name == self._settings.now.model:
            return
        try:
            self._row = row_of(name, self._settings.now.budget)
        except UnknownModel:  # of an unknown window: what packs says what to do
            return
        self._settings.change(model=name)
        self._forget_requests()  # another model has another cache
        self._packer = self._new_packer()

    def _refresh(self) -> None:
        """Take in changes by other processes; forgotten or erased turns must not survive in earlier requests."""
        if self._contents.refresh():
            self._forget_requests()
            self._packer.begin_anew()

    def _set_system(self, prompt: Any) -> None:
        self._settings.change(system=prompt)
        self._contents.talk.system = prompt

    @contextmanager
    def _ordered(self) -> Iterator[None]:
        """Forget earlier requests and reload counts if turns were stored between others."""
        before = self._contents.talk
        try:
            yield
        finally:
            if self._contents.talk is not before:
                self._forget_requests()
                self._packer.begin_anew()

    def _forget_requests(self) -> None:
        self._packer.forget_requests()
        self._settings.remember(**{CACHED: None})

    @abstractmethod
    def add(self, *messages: str | Mapping[str, Any], time: str | None = None) -> Turn:
        """Store messages and return the last one's turn."""

    @abstractmethod
    def _new_packer(self) -> Packer:
        """Return a packer with the present settings."""
