"""What stands beside words in the messages of agent frameworks: counted by what it is, shortened where it is text."""

import asyncio
import base64
import io
import random
import wave

import pytest
from agents import Agent, HostedMCPTool
from agents.run import CallModelData, ModelInputData
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic_ai import AudioUrl, BinaryContent, DocumentUrl, ImageUrl, VideoUrl
from pydantic_ai.messages import (
    CompactionPart,
    FilePart,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    NativeToolCallPart,
    NativeToolReturnPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UploadedFile,
    UserPromptPart,
)
from pypdf import PdfWriter

import ctxwin
from ctxwin.integrations.langchain import trim_messages
from ctxwin.integrations.openai_agents import pack_input
from ctxwin.integrations.pydantic_ai import pack_history

TALE = "The roof is red. " * 400 + "The rent rises in May. " + "The shed is dry. " * 400
QUESTION = "When does the rent rise?"
NOISE = random.Random(3).randbytes(3_000)
NAMES = ["harbour", "lantern", "ferry", "tide", "olive", "rudder", "beacon", "gravel"]
WORDS = " ".join(random.Random(4).choices(NAMES, k=900))
RULE = {"model": "gpt-4o", "embedder": "none"}


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def pdf(pages):
    writer, out = PdfWriter(), io.BytesIO()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    writer.write(out)
    return out.getvalue()


def wav(seconds):
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8_000)
        file.writeframes(bytes(8_000 * seconds))
    return out.getvalue()


def gif(width, height):
    return b"GIF89a" + width.to_bytes(2, "little") + height.to_bytes(2, "little") + bytes(9)


PAGE = 2250 + 85 + 170 * 4
"""Tokens of a PDF page for gpt-4o: text, and a picture of 1,275 by 1,650 pixels in four tiles."""


def least(packs, most=60_000):
    """Return the smallest budget that something fits, by halving."""
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        try:
            packs(middle)
            high = middle
        except ctxwin.BudgetError:
            low = middle + 1
    return low


# --- Pydantic AI ---


def asked(*content):
    return [ModelRequest(parts=[UserPromptPart(list(content))])]


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        (BinaryContent(pdf(3), media_type="application/pdf"), 3 * PAGE),
        (BinaryContent(gif(512, 512), media_type="image/png"), 255),
        (BinaryContent(gif(2048, 4096), media_type="image/gif", vendor_metadata={"detail": "low"}), 85),
        (BinaryContent(wav(30), media_type="audio/x-wav"), 300),
        (BinaryContent(wav(30), media_type="application/octet-stream"), 300),
        (BinaryContent(NOISE, media_type="application/x-parquet"), 3_000),
        (DocumentUrl("https://example.org/notes.txt"), 2_500),
        (DocumentUrl("https://example.org/7", media_type="application/msword"), 2_500),
        (DocumentUrl("https://example.org/a.pdf"), 10 * PAGE),
        (DocumentUrl("https://example.org/no-type"), 10 * PAGE),
        (ImageUrl("https://example.org/no-type"), 1_105),
        (AudioUrl("https://example.org/no-type"), 600),
        (VideoUrl("https://example.org/a.mp4"), 60 * 263),
        (UploadedFile("file-1", provider_name="openai", media_type="image/png"), 1_105),
        (UploadedFile("file-1", provider_name="openai", media_type="text/plain"), 2_500),
    ],
    ids=lambda value: getattr(value, "media_type", None) if isinstance(value, BinaryContent) else None,
)
def test_pydantic_counts_by_what_it_is(content, tokens):
    talk = asked("What is this?", content)
    assert least(lambda budget: pack_history(talk, budget=budget, **RULE)) == pytest.approx(tokens, abs=40)
    assert pack_history(talk, budget=60_000, **RULE)[0] is talk[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_pydantic_shortens_a_text_and_encodes_it_as_it_was(encoding):
    text = TALE.replace("red", "größer").encode(encoding)
    content = BinaryContent(text, media_type="text/markdown", identifier="tale", vendor_metadata={"a": 1})
    talk = [*asked("Keep this.", content), ModelResponse(parts=[TextPart("Kept.")]), *asked(QUESTION)]
    kept = pack_history(talk, budget=700, **RULE)
    short = next(one for part in kept[0].parts for one in part.content if isinstance(one, BinaryContent))
    said = short.data.decode(encoding)
    assert "The rent rises in May." in said and len(said) < len(TALE) / 2
    assert (short.media_type, short.identifier, short.vendor_metadata) == ("text/markdown", "tale", {"a": 1})
    assert content.data == text
    assert ModelMessagesTypeAdapter.validate_json(ModelMessagesTypeAdapter.dump_json(kept)) is not None


def test_pydantic_shortens_the_files_of_a_return_and_keeps_its_shape():
    file, picture = (
        BinaryContent(TALE.encode(), media_type="text/plain"),
        BinaryContent(gif(9, 9), media_type="image/gif"),
    )
    call = ModelResponse(parts=[ToolCallPart("read", {"n": 1}, "c1")])
    back = ToolReturnPart(tool_name="read", content=[{"rows": 3}, picture, file, "Done."], tool_call_id="c1")
    talk = [
        *asked("Read."),
        call,
        ModelRequest(parts=[back]),
        ModelResponse(parts=[TextPart("Read.")]),
        *asked(QUESTION),
    ]
    kept = pack_history(talk, budget=700, **RULE)
    (short,) = [part for one in kept for part in one.parts if isinstance(part, ToolReturnPart)]
    assert (short.content[0], short.content[1], short.content[3]) == ({"rows": 3}, picture, "Done.")
    assert b"The rent rises in May." in short.content[2].data
    assert len(short.content[2].data) < len(TALE) / 2


@pytest.mark.parametrize(
    "part",
    [
        ThinkingPart("I think.", signature=b64(WORDS), provider_name="anthropic"),
        ThinkingPart("", provider_details={"raw_content": [WORDS]}, provider_name="openai"),
        TextPart("Yes.", provider_details={"thought_signature": b64(WORDS)}, provider_name="google"),
        CompactionPart(provider_details={"encrypted_content": b64(WORDS)}, provider_name="openai"),
        CompactionPart(WORDS, provider_name="anthropic"),
        FilePart(BinaryContent(WORDS.encode(), media_type="text/plain")),
        NativeToolCallPart("web_search", {"query": WORDS}, "s1", provider_name="anthropic"),
    ],
    ids=lambda part: type(part).__name__,
)
def test_pydantic_counts_what_a_response_holds(part):
    talk = [*asked("Hello."), ModelResponse(parts=[part])]
    least_tokens = least(lambda budget: pack_history(talk, budget=budget, **RULE))
    assert least_tokens > 900
    assert pack_history(talk, budget=60_000, **RULE)[1] is talk[1]


def test_pydantic_counts_what_a_tool_of_the_provider_gave_back():
    page = {"url": "https://example.org", "text": WORDS}
    search = NativeToolCallPart("web_search", {"query": "tides"}, "s1", provider_name="anthropic")
    back = NativeToolReturnPart("web_search", [page, BinaryContent(pdf(2), media_type="application/pdf")], "s1")
    talk = [*asked("Hello."), ModelResponse(parts=[search, back, TextPart("Found.")])]
    tokens = least(lambda budget: pack_history(talk, budget=budget, **RULE))
    assert tokens == pytest.approx(2 * PAGE + 1_060, abs=60)


# --- LangChain ---


def shown(block):
    return [HumanMessage([{"type": "text", "text": "What is this?"}, block])]


PDF, GIF = b64(pdf(3)), b64(gif(512, 512))


@pytest.mark.parametrize(
    ("block", "tokens"),
    [
        ({"type": "file", "base64": PDF, "mime_type": "application/pdf"}, 3 * PAGE),
        ({"type": "file", "base64": PDF, "mime_type": "application/pdf", "filename": "a.pdf"}, 3 * PAGE),
        ({"type": "file", "source_type": "base64", "data": PDF, "mime_type": "application/pdf"}, 3 * PAGE),
        ({"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}"}}, 3 * PAGE),
        ({"type": "input_file", "file_data": f"data:application/pdf;base64,{PDF}", "filename": "a"}, 3 * PAGE),
        ({"type": "media", "mime_type": "application/pdf", "data": pdf(3)}, 3 * PAGE),
        (
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
            3 * PAGE,
        ),
        ({"document": {"format": "pdf", "name": "a", "source": {"bytes": pdf(3)}}}, 3 * PAGE),
        ({"type": "image", "base64": GIF, "mime_type": "image/gif"}, 255),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": GIF}}, 255),
        ({"type": "image_url", "image_url": {"url": f"data:image/gif;base64,{GIF}", "detail": "low"}}, 85),
        ({"type": "input_image", "image_url": f"data:image/gif;base64,{GIF}", "detail": "low"}, 85),
        ({"image": {"format": "gif", "source": {"bytes": gif(512, 512)}}}, 255),
        ({"type": "image", "url": "https://example.org/a"}, 1_105),
        ({"type": "image", "file_id": "file-1"}, 1_105),
        ({"type": "audio", "base64": b64(wav(30)), "mime_type": "audio/wav"}, 300),
        ({"type": "audio", "url": "https://example.org/a"}, 600),
        ({"type": "input_audio", "input_audio": {"data": b64(wav(30)), "format": "wav"}}, 300),
        ({"type": "video", "url": "https://example.org/a", "mime_type": "video/mp4"}, 60 * 263),
        ({"type": "file", "url": "https://example.org/a.md"}, 2_500),
        ({"type": "file", "url": "https://example.org/a", "mime_type": "text/csv"}, 2_500),
        ({"type": "file", "file_id": "file-1"}, 10 * PAGE),
        ({"type": "file", "source_type": "id", "id": "file-1"}, 10 * PAGE),
        ({"type": "file", "base64": b64(NOISE), "mime_type": "application/x-parquet"}, 3_000),
        ({"type": "file", "base64": "no base64 at all " * 100}, 500),
    ],
    ids=str,
)
def test_langchain_counts_by_what_it_is(block, tokens):
    talk = shown(block)
    close = pytest.approx(tokens, abs=40) if tokens != 500 else pytest.approx(800, abs=400)
    assert least(lambda budget: trim_messages(talk, max_tokens=budget, **RULE)) == close
    assert trim_messages(talk, max_tokens=60_000, **RULE)[0] is talk[0]


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ({"type": "file", "base64": b64(TALE), "mime_type": "text/markdown", "id": "f1"}, ("base64",)),
        ({"type": "file", "source_type": "base64", "data": b64(TALE), "mime_type": "text/html"}, ("data",)),
        ({"type": "file", "source_type": "text", "text": TALE, "mime_type": "text/plain"}, ("text",)),
        ({"type": "text-plain", "text": TALE, "mime_type": "text/plain", "title": "Tale"}, ("text",)),
        ({"type": "text-plain", "base64": b64(TALE), "mime_type": "text/plain"}, ("base64",)),
        ({"type": "file", "file": {"file_data": f"data:text/csv;base64,{b64(TALE)}"}}, ("file", "file_data")),
        ({"type": "media", "mime_type": "text/x-python", "data": TALE.encode()}, ("data",)),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": TALE}, "title": "T"},
            ("source", "data"),
        ),
        ({"text": TALE}, ("text",)),
    ],
    ids=str,
)
def test_langchain_shortens_a_text_where_it_stands(block, place):
    before = repr(block)
    talk = [HumanMessage(["Keep this.", block]), AIMessage("Kept."), HumanMessage(QUESTION)]
    kept = trim_messages(talk, max_tokens=500, **RULE)
    found = short = kept[0].content[1]
    for step in place:
        found = found[step]
    if isinstance(found, bytes):
        found = found.decode()
    elif place[-1] in ("base64", "file_data") or (place == ("data",)):
        head, _, found = found.rpartition(",")
        assert head in ("", "data:text/csv;base64")
        found = base64.b64decode(found).decode()
    assert "The rent rises in May." in found and len(found) < len(TALE) / 2
    assert {key for key in block if key != "id"} == {key for key in short if key != "id"}
    assert repr(block) == before


@pytest.mark.parametrize(
    "block",
    [
        {"rows": WORDS},
        {"json": {"rows": [WORDS]}},
        {"type": "custom", "data": WORDS},
        {"type": "custom", "bytes": WORDS.encode()},
        {"type": "text", "text": "Yes.", "annotations": [{"type": "citation", "cited_text": WORDS}]},
        {"type": "reasoning", "reasoning": WORDS},
        {"type": "reasoning", "summary": [], "encrypted_content": b64(WORDS)},
        {"type": "thinking", "thinking": "I think.", "signature": b64(WORDS)},
        {"type": "redacted_thinking", "data": b64(WORDS)},
        {"type": "server_tool_call", "id": "s1", "name": "search", "args": {"query": WORDS}},
        {"type": "server_tool_result", "tool_call_id": "s1", "status": "success", "output": {"pages": [WORDS]}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"title": WORDS}]},
        {"type": "non_standard", "value": {"type": "text", "text": WORDS}},
        {"type": "image", "base64": b64(gif(9, 9)), "mime_type": "image/gif", "extras": {"caption": WORDS}},
        {"type": "image", "base64": b64(gif(9, 9)), "mime_type": WORDS},
        {"type": "image", "base64": b64(NOISE), "mime_type": "image/png"},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": WORDS}]}},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}, "caller_note": WORDS},
        {"type": ["image"], "url": WORDS},
        {"type": None, "note": WORDS},
        {"note": WORDS, "deep": {"er": [1, None, True]}},
    ],
    ids=str,
)
def test_langchain_lets_nothing_through_for_free(block):
    talk = [HumanMessage("Hello."), AIMessage([block])]
    if block.get("type") == "tool_use":
        talk.append(ToolMessage("1", tool_call_id="c1"))
    tokens = least(lambda budget: trim_messages(talk, max_tokens=budget, **RULE))
    assert tokens > 800
    kept = trim_messages(talk, max_tokens=60_000, **RULE)
    assert kept[1] is talk[1]


SAMPLES = [
    {"type": "image", "base64": b64(gif(9, 9)), "mime_type": "image/gif"},
    {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": b64(gif(9, 9))}},
    {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
    {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}"}},
    {"type": "file", "url": "https://example.org/a.md"},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Ebb."}},
    {"type": "text", "text": "Ebb."},
]
KEYS = [
    "unheard_of",
    "url",
    "data",
    "base64",
    "file_url",
    "detail",
    "index",
    "filename",
    "mime_type",
    "title",
    "extras",
]


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
@pytest.mark.parametrize("form", [str, lambda text: {"deep": [text]}], ids=["words", "object"])
def test_langchain_counts_a_long_string_under_any_key(sample, form):
    def sent(block, budget):
        return trim_messages([HumanMessage("Hello."), AIMessage([block])], max_tokens=budget, **RULE)

    def costs_more_than(tokens, block):
        with pytest.raises(ctxwin.BudgetError):
            sent(block, tokens)
        return True

    before = least(lambda budget: sent(sample, budget))
    inside = next((key for key, value in sample.items() if isinstance(value, dict)), None)
    for key in KEYS:
        if key not in sample:
            assert costs_more_than(before + 800, {**sample, key: form(WORDS)}), key
        if inside is not None and key not in sample[inside]:
            deeper = {**sample, inside: {**sample[inside], key: form(WORDS)}}
            assert costs_more_than(before + 800, deeper), key


def test_langchain_takes_results_of_any_shape():
    call = AIMessage("", tool_calls=[{"id": "c1", "name": "f", "args": {}}])
    for content in ([{"temp": 22}], [{"text": "22 C"}], [{"json": {"t": 22}}], ["22 C"], [{}], [{"type": 7}]):
        talk = [HumanMessage("q"), call, ToolMessage(content=content, tool_call_id="c1"), HumanMessage("z")]
        assert trim_messages(talk, max_tokens=300, **RULE) == talk


def test_langchain_reads_calls_that_stand_in_the_content_alone():
    block = {"type": "tool_use", "id": "c1", "name": "f", "input": {"words": WORDS}}
    talk = [HumanMessage("q"), AIMessage([block]), ToolMessage("22 C", tool_call_id="c1"), HumanMessage("z")]
    assert trim_messages(talk, max_tokens=3_000, **RULE) == talk
    kept = trim_messages(talk, max_tokens=300, **RULE)
    assert not any(isinstance(one, ToolMessage) for one in kept)


def test_langchain_counts_what_a_message_holds_beside_its_content():
    said = AIMessage("Yes.", additional_kwargs={"reasoning": {"encrypted_content": "x", "summary": [{"text": WORDS}]}})
    talk = [HumanMessage("Hello."), said]
    assert least(lambda budget: trim_messages(talk, max_tokens=budget, **RULE)) > 900
    assert trim_messages(talk, max_tokens=60_000, **RULE)[1] is said


# --- OpenAI Agents ---


def packed(items, budget, **agent):
    data = CallModelData(ModelInputData(items, None), Agent(name="A", model="gpt-4o", **agent), None)
    return asyncio.run(pack_input(budget=budget, **RULE)(data)).input


def test_agents_files_are_what_they_are():
    file = {"type": "input_file", "filename": "a.txt", "file_data": f"data:text/plain;base64,{b64(TALE)}"}
    talk = [
        {"role": "user", "content": [file, {"type": "input_text", "text": "Keep this."}]},
        {"role": "assistant", "content": "Kept."},
        {"role": "user", "content": QUESTION},
    ]
    short = packed(talk, 500)[0]["content"][0]
    said = base64.b64decode(short["file_data"].partition(",")[2]).decode()
    assert "The rent rises in May." in said and len(said) < len(TALE) / 2
    pages = {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}
    seen = [{"role": "user", "content": [pages]}]
    assert least(lambda budget: packed(seen, budget)) == pytest.approx(3 * PAGE, abs=40)


def test_agents_hosted_tools_are_counted_with_what_is_set():
    config = {"type": "mcp", "server_label": "s", "server_url": "https://example.org", "server_description": WORDS}
    tools = [HostedMCPTool(tool_config=config)]
    talk = [{"role": "user", "content": "Hello."}]
    assert least(lambda budget: packed(talk, budget, tools=tools)) > 800
