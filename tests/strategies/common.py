"""Texts, pictures, names and ids that all dialects draw from."""

import base64
import struct
import zlib
from functools import cache

from hypothesis import strategies as st

ODD = [
    "", " ", "\n\n", "\x00", "a\x00b", "\ud83d", "x\udfffy", "\ufeff", "e\u0301", "\u202eabc",
    "<|endoftext|>", "\U0001f469\u200d\U0001f469\u200d\U0001f467 ok \U0001f1e8\U0001f1ed",
    "你好，我叫张曼婷。流浪地球。",
    "こんにちは。明日は？", "안녕하세요", "[37 turns omitted]", '{"a": 1}', "def f(x):\n    return x + 1\n",
    "The lease starts on 3 May 2024 and costs 1,200 francs a month.",
]  # fmt: skip

CALL_IDS = ["call_a", "call_b", "call_c", "call_d"]
"""Few, so that they come back later in a log."""

NAMES = ["get_weather", "search", "运行".encode().hex()]


@cache
def texts():
    """Any text: short, odd, or huge."""
    huge = st.builds(
        lambda word, times: word * times, st.sampled_from(["word ", "天气", "🙂 "]), st.integers(500, 2500)
    )
    return st.one_of(st.sampled_from(ODD), st.text(max_size=80), st.sampled_from(ODD), huge)


@cache
def words():
    """Text that is more than white space, and does not end in it."""
    return texts().map(lambda text: f"{text}." if not text.strip() or text != text.rstrip() else text)


@cache
@st.composite
def pngs(draw):
    """A PNG as base64: signature, size, no pixels."""
    width, height = draw(st.integers(1, 3000)), draw(st.integers(1, 3000))
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return base64.b64encode(data).decode()


@cache
def arguments():
    """Arguments of a call, as an object."""
    return st.dictionaries(st.sampled_from(["q", "city", "路径"]), st.one_of(texts(), st.integers()), max_size=2)


def tagged(parts):
    """A message's `type` and fields as a dict without empty choices."""
    return {key: value for key, value in parts.items() if value is not None}


class Ids:
    """Ids that are new each time, for the dialects that want it."""

    def __init__(self):
        self.count = 0

    def new(self, prefix="toolu"):
        self.count += 1
        return f"{prefix}_{self.count:02d}"
