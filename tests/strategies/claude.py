"""Random Anthropic logs."""

from functools import cache

from hypothesis import strategies as st

from .common import NAMES, Ids, arguments, pngs, tagged, texts, words


def _text(text):
    return {"type": "text", "text": text}


@cache
@st.composite
def _claude_shown(draw):
    """A block that a user or a tool result may show."""
    form = draw(st.sampled_from(["text", "image", "url", "document", "search", "pdf"]))
    match form:
        case "image":
            source = {"type": "base64", "media_type": "image/png", "data": draw(pngs())}
            return {"type": "image", "source": source}
        case "url":
            return {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
        case "document":
            source = {"type": "text", "media_type": "text/plain", "data": draw(texts())}
            return {"type": "document", "title": "Lease", "source": source}
        case "pdf":
            source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjcK"}
            return {"type": "document", "source": source}
        case "search":
            content = [_text(draw(words()))]
            return {
                "type": "search_result",
                "source": "https://example.org",
                "title": "A",
                "content": content,
            }
    return _text(draw(words()))


@cache
@st.composite
def _claude_user(draw):
    content = draw(st.one_of(words(), st.lists(_claude_shown(), min_size=1, max_size=3)))
    return [{"role": "user", "content": content}]


@cache
@st.composite
def _claude_assistant(draw):
    thought = {"type": "thinking", "thinking": draw(texts()), "signature": "c2ln"}
    hidden = {"type": "redacted_thinking", "data": "ZGF0YQ=="}
    before = draw(st.sampled_from([[], [thought], [hidden]]))
    text = draw(words())
    return [{"role": "assistant", "content": [*before, _text(text)] if before else text}]


@st.composite
def _claude_exchange(draw, ids, whole=True):
    """Parallel calls and their results, in one user message or in several that make one turn."""
    calls = [
        {
            "type": "tool_use",
            "id": ids.new(),
            "name": draw(st.sampled_from(NAMES)),
            "input": draw(arguments()),
        }
        for _ in range(draw(st.integers(1, 3)))
    ]
    before = draw(
        st.sampled_from([[], [_text("Let me look.")], [{"type": "thinking", "thinking": "", "signature": ""}]])
    )
    messages = [{"role": "assistant", "content": [*before, *calls]}]
    if not whole:
        return messages
    results = []
    for call in draw(st.permutations(calls)):
        content = draw(st.one_of(st.none(), texts(), st.just([]), st.lists(_claude_shown(), min_size=1, max_size=2)))
        results.append(tagged({"type": "tool_result", "tool_use_id": call["id"], "content": content}))
    cut = draw(st.integers(0, len(results) - 1))
    messages += [{"role": "user", "content": some} for some in (results[:cut], results[cut:]) if some]
    if draw(st.booleans()):
        messages[-1]["content"].append(_text(draw(words())))
    return messages


@st.composite
def _claude_nested(draw, ids):
    """Code that runs on the server and calls a tool of ours; its own result comes an answer later."""
    outer, inner = ids.new("srvtoolu"), ids.new()
    caller = {"type": "code_execution_20250825", "tool_id": outer}
    code = {
        "type": "code_execution_result",
        "stdout": draw(texts()),
        "stderr": "",
        "return_code": 0,
        "content": [],
    }
    return [
        {
            "role": "assistant",
            "content": [
                {
                    "type": "server_tool_use",
                    "id": outer,
                    "name": "code_execution",
                    "input": {"code": "await search()"},
                },
                {
                    "type": "tool_use",
                    "id": inner,
                    "name": "search",
                    "input": draw(arguments()),
                    "caller": caller,
                },
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": inner, "content": draw(texts())}],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "code_execution_tool_result", "tool_use_id": outer, "content": code},
                _text(draw(words())),
            ],
        },
    ]


@st.composite
def _claude_server(draw, ids):
    call_id = ids.new("srvtoolu")
    hit = {
        "type": "web_search_result",
        "url": "https://example.org",
        "title": "Tides",
        "encrypted_content": "eA==",
    }
    return [
        {
            "role": "assistant",
            "content": [
                {"type": "server_tool_use", "id": call_id, "name": "web_search", "input": {"query": "tides"}},
                {"type": "web_search_tool_result", "tool_use_id": call_id, "content": [hit]},
                _text(draw(words())),
            ],
        }
    ]


@cache
@st.composite
def _claude_told(draw):
    """A system message in the middle: after a user, before an answer."""
    system = {"role": "system", "content": draw(words())}
    return [*draw(_claude_user()), system, *draw(_claude_assistant())]


@cache
@st.composite
def anthropic_logs(draw):
    """A request body of Anthropic Messages, or its messages."""
    ids = Ids()
    steps = [
        _claude_user(),
        _claude_assistant(),
        _claude_exchange(ids),
        _claude_exchange(ids),
        _claude_nested(ids),
        _claude_server(ids),
        _claude_told(),
    ]
    messages = draw(_claude_user())
    for block in draw(st.lists(st.one_of(*steps), max_size=10)):
        messages += block
    end = [st.just([]), _claude_user(), _claude_exchange(ids), _claude_exchange(ids, whole=False)]
    messages += draw(st.one_of(*end))
    if messages[-1]["role"] == "user" and draw(st.integers(0, 9)) == 0:
        messages.append({"role": "assistant", "content": ""})
    system = draw(
        st.one_of(st.none(), texts().filter(lambda text: not text or text.strip()), st.just([_text("Be brief.")]))
    )
    if draw(st.integers(0, 3)) == 0:
        return messages
    tool = {"name": "search", "input_schema": {"type": "object", "properties": {}}}
    return tagged(
        {
            "model": "claude-sonnet-4-5",
            "max_tokens": 1024,
            "system": system,
            "messages": messages,
            "tools": [tool],
        }
    )
