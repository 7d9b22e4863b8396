"""Inputs of many sorts, each named and packed when it is called: what `vary_constants.py` packs again and again."""

from __future__ import annotations

import base64
import io
import json
import pickle
import struct
import tempfile
import wave
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[2] / "ctxwin"

Make = Callable[[], Any]


def inputs(
    logs: dict[str, list[Any]], sets: Path | None, cache: Path, folder: Path, wanted: Sequence[str] | None
) -> Iterator[tuple[str, Make]]:
    """Yield the name of each input, whose sort stands before the first slash, and what packs it."""
    sorts = {
        of_logs: ("openai", "responses", "anthropic"), of_sample: ("sample",), of_windows: ("window",),
        of_files: ("files",), of_attachments: ("picture", "sound"), of_transcripts: ("transcript",),
        of_replies: ("replies",),
    }  # fmt: skip
    for makes, begin in sorts.items():
        if wanted is None or any(one.startswith(begin) for one in wanted):
            yield from makes(logs, folder)
    if sets is not None:
        yield from of_sets(sets, cache, wanted)


def of_logs(logs: dict[str, list[Any]], folder: Path) -> Iterator[tuple[str, Make]]:
    import ctxwin

    for dialect, drawn in logs.items():
        for place, log in enumerate(drawn):
            for budget in (120, 700, 3_000):
                options = {"budget": budget, "embedder": "none", "tokenizer": "o200k_base"}
                yield f"{dialect}/{place}/{budget}", lambda o=options, log=log: ctxwin.pack(log, **o)  # type: ignore[misc]


def of_sample(logs: Any, folder: Path) -> Iterator[tuple[str, Make]]:
    import ctxwin
    from ctxwin import sample

    talk, files, asked = sample.conversation(), str(sample.files()), sample.questions()
    variants: dict[str, dict[str, Any]] = {
        "words": {"embedder": "none", "budget": 1_000},
        "static": {"embedder": "static", "budget": 1_000},
        "minilm": {"budget": 1_500},
        "files": {"budget": 2_500, "files": [files]},
        "claude": {"model": "claude-sonnet-4-5", "budget": 2_000},
        "gemini": {"model": "gemini-2.5-flash", "budget": 2_000},
        "exact": {"solver": "exact", "budget": 800},
        "shares": {"files": [files], "shares": {"files": (0.3, 0.5)}, "budget": 1_500},
        "pins": {"pins": [3, 8], "budget": 1_200},
        "model": {"model": "gpt-4o-mini"},
        "unbudgeted": {},
        "map": {"query": "How is this project organised?", "files": [files], "budget": 2_000},
        "relevance": {"strategy": "relevance", "budget": 1_500},
        "recency": {"strategy": "recency", "budget": 1_500},
        "summaries": {"budget": 900, "summarizer": lambda texts: [text[: len(text) // 3] for text in texts]},
        "reranked": {"budget": 900, "reranker": lambda query, texts: [len(set(query) & set(text)) for text in texts]},
    }
    for name, options in variants.items():
        for one in asked[:3]:
            yield f"sample-{name}/{one.id}", lambda o={"query": one.text} | options: ctxwin.pack(talk, **o)  # type: ignore[misc]
    yield "sample-compact/0", lambda: ctxwin.pack(talk[:-1], budget=1_000, query="")
    long = [{"role": "user", "content": "\n\n".join(str(one["content"]) for one in talk)}, *talk[-3:]]
    for budget in (600, 1_500):
        yield f"sample-long/{budget}", lambda b=budget: ctxwin.pack(long, budget=b, query=asked[0].text)  # type: ignore[misc]


def of_windows(logs: Any, folder: Path) -> Iterator[tuple[str, Make]]:
    import ctxwin
    from ctxwin import sample

    def send(model: str | None) -> list[Any]:
        found, where = [], folder / f"{model}.db"
        window = ctxwin.Window(budget=1_500, store=str(where), id="w", model=model)
        for place, message in enumerate(sample.conversation()):
            if place % 5 == 4 and isinstance(message["content"], str):
                found.append(window.pack(message["content"]))
            window.add(message)
        window.close()
        for one in folder.glob(f"{model}.db*"):
            one.unlink()
        return found

    for model in ("claude-sonnet-4-5", "gpt-5-mini", None):
        yield f"window/{model}", lambda m=model: send(m)  # type: ignore[misc]


def of_files(logs: Any, folder: Path) -> Iterator[tuple[str, Make]]:
    """Code, prose, tables, a notebook, a document, a large log."""
    import ctxwin

    made = folder / "made"
    made.mkdir(exist_ok=True)
    table = "\n".join(
        f"{n},P-{n * 37 % 1009},{n * 13 % 97}.{n % 10},{'open' if n % 3 else 'closed'}" for n in range(900)
    )
    (made / "parts.csv").write_text("number,part,price,state\n" + table)
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Prices of parts\n", "What part P-37 costs."]},
        {
            "cell_type": "code",
            "metadata": {},
            "execution_count": 1,
            "source": ["for n in range(60):\n", "    print(n, n * 37)"],
            "outputs": [{"output_type": "stream", "name": "stdout", "text": [f"{n} {n * 37}\n" for n in range(60)]}],
        },
    ]
    (made / "prices.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    (made / "latin.txt").write_bytes(
        "Der Prüfstand für Teil P-74 steht in Köln, größer als früher.\n".encode("latin-1") * 9
    )
    (made / "settings.env").write_text("API_KEY=sk-a81fKd93LmQ02xVb7TzR5eYw\nDEBUG=1\npassword: hunter2-Zq81\n")
    (made / "notes.md").write_text(
        "\n\n".join(
            f"## Part P-{n * 37}\n\n" + f"The part P-{n * 37} was measured on day {n}. " * 12 for n in range(40)
        )
    )
    large = folder / "large"
    large.mkdir(exist_ok=True)
    line = "2026-03-{:02d}T{:02d}:{:02d}:07 worker {} finished job {} for customer C-{} in {} ms\n"
    rows = (
        line.format(1 + n // 1440 % 28, n // 60 % 24, n % 60, n % 7, n, n * 31 % 5003, n * 17 % 900)
        for n in range(40_000)
    )
    (large / "service.log").write_text("".join(rows))
    ask: dict[str, tuple[list[str], tuple[str, ...]]] = {
        "code": ([str(PACKAGE / "allocate"), str(PACKAGE / "retrieve" / "words")], (
            "where is the price of a token found by bisection?",
            'File "ctxwin/allocate/polish.py", line 60, in exchange\nValueError: no exchange',
            "How is this project organised?",
        )),
        "made": ([str(made)], ("What does part P-37 cost?", "What was measured on day 12?", "Which folders are here?")),
        "large": ([str(large)], ("What did job 31337 take?", "What was on 2026-03-05 at 10:17?", "customer C-961")),
    }  # fmt: skip
    for name, (paths, questions) in ask.items():
        for nth, question in enumerate(questions):
            for budget in (1_000, 4_000):
                yield (
                    f"files-{name}/{nth}/{budget}",
                    lambda p=paths, q=question, b=budget: ctxwin.pack(
                        [], query=q, files=p, budget=b, embedder="static"
                    ),  # type: ignore[misc]
                )


def of_attachments(logs: Any, folder: Path) -> Iterator[tuple[str, Make]]:

    import ctxwin

    def png(width: int, height: int) -> str:
        head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)

        def chunk(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        data = zlib.compress(b"".join(b"\0" + bytes(width) for _ in range(height)))
        whole = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
        return base64.b64encode(whole).decode()

    sound = io.BytesIO()
    with wave.open(sound, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8_000)
        out.writeframes(bytes(8_000 * 2 * 12))
    wav = base64.b64encode(sound.getvalue()).decode()
    tool = {
        "type": "function",
        "function": {
            "name": "look_up",
            "description": "Looks something up.",
            "parameters": {
                "type": "object",
                "properties": {"what": {"type": "string", "description": "What?"}, "size": {"enum": [1, 2]}},
            },
        },
    }
    filler = [
        {"role": r, "content": f"{r} says that picture {n} of the harbour is fine. " * 9}
        for n in range(8)
        for r in ("user", "assistant")
    ]
    for width, height in ((200, 300), (700, 1_400), (2_000, 900)):
        picture = png(width, height)
        url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}
        block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": picture}}
        for model in (
            "gpt-4o",
            "gpt-5",
            "gemini-2.5-flash",
            "claude-sonnet-4-5",
            "gpt-4.1-mini",
            "qwen2.5-vl-72b-instruct",
        ):
            part = block if model.startswith("claude") else url
            talk = [
                *filler[:6],
                {"role": "user", "content": [{"type": "text", "text": "What is this?"}, part]},
                *filler[6:],
            ]
            talk.append({"role": "user", "content": "Which picture shows a ship?"})

            def make(talk: Any = talk, model: str = model) -> Any:
                tools = None if model.startswith("claude") else [tool]
                return ctxwin.pack(talk, budget=2_600, model=model, tools=tools, embedder="none")

            yield f"picture-{model}/{width}x{height}", make
    audio = {"type": "input_audio", "input_audio": {"data": wav, "format": "wav"}}
    for model in ("gpt-4o-audio-preview", "gemini-2.5-flash"):
        talk = [*filler, {"role": "user", "content": [{"type": "text", "text": "Listen."}, audio]}, *filler[:2]]
        yield f"sound/{model}", lambda t=talk, m=model: ctxwin.pack(t, budget=1_500, model=m, embedder="none")  # type: ignore[misc]


def of_transcripts(logs: Any, folder: Path) -> Iterator[tuple[str, Make]]:
    import ctxwin
    from ctxwin.messages.loading import load

    names = ("Ada", "Grace")
    says = [
        f"I think that step {n} of the plan needs {n + 2} days, and the harbour is closed on day {n}."
        for n in range(30)
    ]
    forms = {
        "plain": "\n".join(f"{names[n % 2]}: {one}" for n, one in enumerate(says)),
        "markdown": "\n\n".join(f"## {('User', 'Assistant')[n % 2]}\n\n{one}" for n, one in enumerate(says)),
        "whatsapp": "\n".join(
            f"[{1 + n % 28:02d}/03/2024, 10:{n:02d}:00] {names[n % 2]}: {one}" for n, one in enumerate(says)
        ),
        "table": "time,speaker,text\n"
        + "\n".join(f'2024-03-01T10:{n:02d},{names[n % 2]},"{one}"' for n, one in enumerate(says)),
        "lines": "\n".join(
            json.dumps({"role": ("user", "assistant")[n % 2], "content": one}) for n, one in enumerate(says)
        ),
    }
    for name, text in forms.items():
        with tempfile.NamedTemporaryFile("w", suffix=".csv" if name == "table" else ".txt", delete=False) as out:
            out.write(text)

        def make(path: str = out.name) -> Any:
            return ctxwin.pack(load(path).messages, query="When is the harbour closed?", budget=400, embedder="none")

        yield f"transcript/{name}", make


def of_replies(logs: Any, folder: Path) -> Iterator[tuple[str, Make]]:
    """Counts after replies of a provider, some of them odd, and what is packed with them."""
    import ctxwin
    from ctxwin import sample
    from ctxwin.tokens.calibration import CalibratedTokenizer
    from ctxwin.tokens.counts import Counted

    talk = [one for one in sample.conversation() if one["role"] in ("user", "assistant") and not one.get("tool_calls")]

    def make(times: float, odd: float) -> Any:
        counter = CalibratedTokenizer(ctxwin.get_tokenizer("generic"))
        sent: list[Counted] = []
        for place, one in enumerate(talk[:24]):
            sent.append(Counted((one["content"],), 4))
            if place % 3 == 2:
                tokens = counter.base.count_many([piece.texts[0] for piece in sent])
                counter = counter.observe(sent, int(sum(tokens) * (odd if place == 11 else times)) + 4 * place)
        room = counter.margin(1_500, 200)
        budget = ctxwin.Budget(total=1_500, margin=room)
        return ctxwin.pack(talk, query="What about the rental?", budget=budget, tokenizer=counter, embedder="none")

    for times, odd in ((1.1, 1.1), (1.3, 3.0), (0.8, 1.6)):
        yield f"replies/{times}-{odd}", lambda t=times, o=odd: make(t, o)  # type: ignore[misc]


CHOSEN = (
    "locomo", "beam_100k", "friendsqa", "memorycode", "qmsum", "hotpot_100", "madial_zh", "longmemeval_mini",
    "vcsum_zh", "mtrag_un", "bfcl_memory",
)  # fmt: skip
"""Evaluation sets of which questions are packed."""
LARGEST = 900
"""Units of the largest pool that is tried."""


def of_sets(sets: Path, cache: Path, wanted: Sequence[str] | None) -> Iterator[tuple[str, Make]]:
    """Three questions of each set under two budgets, from small pools; the first process writes them down."""
    import ctxwin

    for name in CHOSEN:
        kept = cache / f"vary-{name}.pickle"
        if not (sets / name).is_dir() or (wanted is not None and not any(one.startswith(name) for one in wanted)):
            continue
        if not kept.exists():
            kept.write_bytes(pickle.dumps(asked_of(sets / name)))
        for key, text, pool in pickle.loads(kept.read_bytes()):
            for budget in (500, 2_000):
                yield (
                    f"{name}/{key}/{budget}",
                    lambda pool=pool, text=text, budget=budget: ctxwin.pack(items=pool, query=text, budget=budget),  # type: ignore[misc]
                )


def asked_of(folder: Path) -> list[tuple[str, str, list[Any]]]:
    """Return the key and text of some questions of a set, with the items of their sources."""
    from ctxwin.evaluate.data import load

    data = load(folder)
    fit = [one for one in data.queries if 40 <= len(data.sources[one.source]) <= LARGEST] or list(data.queries)
    return [(one.qid, one.text, list(data.sources[one.source])) for one in fit[:: max(1, len(fit) // 3)][:3]]
