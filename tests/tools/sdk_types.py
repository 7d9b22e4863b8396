"""The request types of the providers' own packages as judges: does a list of messages fit them?"""

import types
import typing
from functools import cache

import pydantic
import typing_extensions as te
from anthropic.types.beta import BetaMessageParam
from openai.types.chat import ChatCompletionMessageParam
from openai.types.responses.response_input_item_param import ResponseInputItemParam

MESSAGES = {"openai": ChatCompletionMessageParam, "responses": ResponseInputItemParam, "anthropic": BetaMessageParam}
CLOSED = {"responses", "anthropic"}
_UNIONS = (typing.Union, types.UnionType)


def refused(messages, dialect):
    """Return what the types of the SDK say against messages; nothing where they fit."""
    told = [_AS_TYPED[dialect](message) for message in messages]
    try:
        _adapter(dialect).validate_python(told, strict=True)
    except pydantic.ValidationError as error:
        return str(error)[:2000]
    return ""


@cache
def _adapter(dialect):
    return pydantic.TypeAdapter(list[_plain(MESSAGES[dialect], dialect in CLOSED)])


@cache
def _plain(kind, closed):
    """The type with lists for iterables, which pydantic reads lazily, without models, and closed to other keys."""
    origin, given = te.get_origin(kind), te.get_args(kind)
    if te.is_typeddict(kind):
        hints = te.get_type_hints(kind, include_extras=True)
        fields = {
            key: te.Required[_plain(hint, closed)]
            if _is_required(kind, key, hint)
            else te.NotRequired[_plain(hint, closed)]
            for key, hint in hints.items()
        }
        made = te.TypedDict(kind.__name__, fields)
        made.__pydantic_config__ = {"extra": "forbid" if closed else "ignore", "defer_build": True}
        return made
    if origin in (te.Required, te.NotRequired, te.Annotated):
        return _plain(given[0], closed)
    if origin in _UNIONS:
        return typing.Union[tuple(_plain(one, closed) for one in _members(kind))]  # noqa: UP007
    name = getattr(origin, "__name__", "")
    if name in ("list", "Iterable", "Sequence") or "SequenceNotStr" in str(origin):
        return list[_plain(given[0], closed)]
    if origin is dict:
        return dict[str, _plain(given[1], closed)]
    return typing.Any if kind is object else kind


def _members(union):
    for one in te.get_args(union):
        while te.get_origin(one) is te.Annotated:
            one = te.get_args(one)[0]
        if te.get_origin(one) in _UNIONS:
            yield from _members(one)
        elif not hasattr(one, "model_fields") and "PathLike" not in str(one) and "IO[" not in str(one):
            yield one


def _is_required(kind, key, hint):
    return key in kind.__required_keys__ or te.get_origin(hint) is te.Required


def _chat(message):
    """A message as the types want it: simulators let the user call tools too."""
    return {**message, "role": "assistant"} if message["role"] == "user" and _calls(message) else message


def _calls(message):
    return message.get("tool_calls") or message.get("function_call")


def _item(item):
    """An item as the types want it, where the API is content with less: ids of answers, the detail of an image."""
    if item.get("type", "message") != "message":
        return item
    if isinstance(item["content"], str):
        return {key: value for key, value in item.items() if key not in ("id", "status")}
    parts = [{"detail": "auto", **part} if part["type"] == "input_image" else part for part in item["content"]]
    if item["role"] == "assistant":
        parts = [{"annotations": [], **part} if part["type"] == "output_text" else part for part in parts]
        return {"id": "msg_1", "status": "completed", "type": "message", **item, "content": parts}
    return {key: value for key, value in item.items() if key != "id"} | {"content": parts}


_AS_TYPED = {"openai": _chat, "responses": _item, "anthropic": dict}
