"""What an attachment is and measures, from bytes that real writers made, and from broken and hostile ones."""

import base64
import io
import random
import struct
import time
import wave
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pptx import Presentation
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject

from ctxwin.messages.attachments import attachment
from ctxwin.tokens import count_tokens, get_tokenizer
from ctxwin.tokens.media import MEDIA_RULES, media_tokens

NOISE = random.Random(7).randbytes(100_000)
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def tokens_of(data, *, rule="gpt-5", **said):
    found = attachment(data, **said)
    kind = "file" if found.kind == "unknown" else found.kind
    return media_tokens(found.media, kind, MEDIA_RULES[rule])


# --- text ---


@pytest.mark.parametrize(
    ("mime", "name"),
    [
        ("text/plain", "a.txt"), ("text/markdown", None), ("text/html", None), ("application/json", None),
        ("image/svg+xml", "a.svg"), ("message/rfc822", "a.eml"), ("application/x-yaml", None), (None, "main.rs"),
        (None, "index.ts"), (None, "notes"),
        ("application/octet-stream", "a.tsx"), ("text/csv; charset=utf-8", "t.csv"),
        (None, None),
    ],
)  # fmt: skip
def test_text_of_any_type_is_read(mime, name):
    text = '<svg width="3"/> {"größe": 3}\r\n\x1b[31mred\x1b[0m\n'
    found = attachment(text.encode(), mime=mime, name=name)
    assert (found.kind, found.text, found.encoding, found.genuine) == ("text", text, "utf-8", True)


@pytest.mark.parametrize(
    ("encoding", "seen"),
    [
        ("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-32", "utf-32"),
        ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"), ("cp1252", "cp1252"),
    ],
)  # fmt: skip
def test_text_comes_back_in_the_encoding_in_which_it_came(encoding, seen):
    text = "Die Miete beträgt 40 €, größer wird sie im Mai.\n" * 3
    found = attachment(text.encode(encoding), mime="text/plain")
    assert (found.text, found.encoding) == (text, seen)
    assert found.encoded("kürzer").decode(encoding) == "kürzer"


def test_a_big_endian_mark_is_read():
    assert attachment(b"\xfe\xff" + "Ü".encode("utf-16-be")).text == "Ü"


@pytest.mark.parametrize("encoding", ["gb18030", "shift_jis", "koi8-r"])
def test_a_declared_charset_is_believed(encoding):
    text = {"gb18030": "租金是四十欧元。", "shift_jis": "家賃は四十ユーロです。", "koi8-r": "Аренда сорок евро."}[
        encoding
    ]
    found = attachment(text.encode(encoding), mime=f"text/plain; charset={encoding}")
    assert (found.text, found.encoding) == (text, encoding)


def test_a_charset_that_makes_no_text_or_is_none_is_not_believed():
    for charset in ("base64", "rot13", "zip", "no-such", "", "utf-7\0"):
        assert attachment(b"Hello", mime=f"text/plain; charset={charset}").text == "Hello"


def test_text_declared_as_an_image_is_text_and_not_genuine():
    found = attachment(b"The rent is 40 euros. " * 100, mime="image/png")
    assert (found.kind, found.genuine, len(found.text)) == ("text", False, 2200)


@pytest.mark.parametrize("mime", ["image/png", "image/heic", "audio/wav", "video/mp4", "application/pdf", "text/plain"])
def test_noise_is_not_what_it_is_declared_as(mime):
    found = attachment(NOISE, mime=mime)
    assert (found.kind, found.genuine) == ("unknown", False)


def test_noise_that_nobody_declared_costs_what_its_letters_cost():
    letters = get_tokenizer("o200k_base").count(base64.b64encode(NOISE).decode()).tokens
    count = tokens_of(NOISE)
    assert letters * 0.95 <= count.tokens <= letters * 1.15
    assert count.low <= letters <= count.high
    assert not count.exact


@pytest.mark.parametrize(
    "block",
    [
        {"type": "input_audio", "input_audio": {"data": base64.b64encode(NOISE).decode()}},
        {"type": "image_url", "image_url": {"url": base64.b64encode(NOISE).decode()}},
        {"type": "image_url", "image_url": {"url": f"data:;base64,{base64.b64encode(NOISE).decode()}"}},
        {"type": "video_url", "video_url": {"url": f"data:;base64,{base64.b64encode(NOISE).decode()}"}},
        {"type": "image", "source": {"type": "base64", "data": base64.b64encode(NOISE).decode()}},
        {"type": "file", "file": {"file_data": base64.b64encode(NOISE).decode()}},
    ],
    ids=lambda block: block["type"],
)
def test_noise_without_a_type_is_not_free_in_a_message(block):
    assert count_tokens([{"role": "user", "content": [block]}], model="gpt-5").tokens > 90_000


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/png"), (b"BM", "image/*"),
        (b"RIFF1234WEBPVP8 ", "image/webp"),
        (b"ID3\x04\0\0\0\0\0\0", "audio/mpeg"), (b"\0\0\1\0", "image/x-icon"), (b"RIFF1234WAVE", "audio/*"),
        (b"OggS", "audio/ogg"), (b"\x1a\x45\xdf\xa3", "video/webm"),
    ],
)  # fmt: skip
def test_the_first_bytes_alone_make_no_medium(head, mime):
    assert attachment(head + NOISE, mime=mime).genuine is False


@pytest.mark.parametrize(
    "head", ["GIF89a", "BM", "ID3", "OggS", "fLaC", "#!AMR", "RIFF    WAVE", "    ftypM4A ", "wOF"]
)
def test_a_text_may_begin_as_media_do(head):
    text = head + " is how the file begins.\n" + "The rent is 40 euros. " * 99
    assert attachment(text.encode()).text == text
    assert attachment(text.encode(), mime="text/plain").text == text


def test_a_text_may_tell_of_pdf():
    text = "A PDF begins with %PDF-1.7, and has pages of /Type /Page.\n"
    assert attachment(text.encode(), name="notes.md").text == text
    assert attachment(b"\r\n" + pdf(2)).media.pages == 2
    assert attachment(b"Content-Type: application/pdf\r\n\r\n" + pdf(2)).media.mime == "application/pdf"


# --- images ---


@pytest.mark.parametrize(
    ("form", "mime"),
    [
        ("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif"), ("WEBP", "image/webp"),
        ("BMP", "image/bmp"), ("TIFF", "image/tiff"), ("AVIF", "image/avif"), ("JPEG2000", "image/jp2"),
    ],
)  # fmt: skip
def test_images_have_their_size(form, mime):
    out = io.BytesIO()
    Image.new("RGB", (330, 221), "red").save(out, form)
    found = attachment(out.getvalue(), mime="image/png", name="a.png")
    assert (found.kind, found.media.mime, found.genuine) == ("image", mime, True)
    assert (found.media.width, found.media.height, found.media.size) == (330, 221, len(out.getvalue()))


def test_an_icon_is_its_largest_picture():
    out = io.BytesIO()
    Image.new("RGB", (256, 256)).save(out, "ICO", sizes=[(16, 16), (256, 256)])
    assert attachment(out.getvalue()).media.width == 256


def test_a_photograph_taken_upright_is_upright():
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30)).save(out, "JPEG", exif=exif)
    media = attachment(out.getvalue()).media
    assert (media.width, media.height) == (30, 40)


def test_a_size_that_cannot_be_is_not_believed():
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG")
    lying = out.getvalue()[:16] + struct.pack(">II", 2**31 - 1, 2**31 - 1) + out.getvalue()[24:]
    assert attachment(lying).genuine is False


# --- sound and film ---


def wav(seconds, *, claimed=None, rate=8_000):
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * rate * seconds))
    data = out.getvalue()
    return data if claimed is None else data[:40] + struct.pack("<I", claimed) + data[44:]


def mp3(seconds, *, vbr=False):
    frame = b"\xff\xfb\x90\x00" + bytes(413)  # MPEG 1, layer 3, 128 kbit/s, 44.1 kHz: 417 bytes, 1,152 samples
    frames = round(seconds * 44_100 / 1_152)
    first = frame[:36] + b"Xing" + struct.pack(">III", 3, frames, 417 * (frames // 4)) + frame[52:] if vbr else b""
    return first + frame * (frames // 4 if vbr else frames)


def aac(seconds):
    frame = bytes([0xFF, 0xF1, 0x50, 0x80, 0x0C, 0x9F, 0xFC]) + bytes(93)  # 44.1 kHz, 100 bytes, 1,024 samples
    return frame * round(seconds * 44_100 / 1_024)


def flac(seconds):
    samples = seconds * 48_000
    info = struct.pack(">HH", 4096, 4096) + bytes(6)
    info += (48_000 << 44 | 1 << 41 | 15 << 36 | samples).to_bytes(8, "big") + bytes(16)
    return b"fLaC\x80" + len(info).to_bytes(3, "big") + info + bytes(1000 * seconds)


def ogg_page(body, granule, number, kind):
    table = bytes([255] * (len(body) // 255) + [len(body) % 255])
    return b"OggS\0" + bytes([kind]) + struct.pack("<qIII", granule, 1, number, 0) + bytes([len(table)]) + table + body


def opus(seconds):
    head = b"OpusHead\x01\x01" + struct.pack("<HIhB", 0, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 3) + b"ctx" + struct.pack("<I", 0)
    sound = [ogg_page(bytes(4000), (n + 1) * 48_000, n + 2, 4 * (n == seconds - 1)) for n in range(seconds)]
    return ogg_page(head, 0, 0, 2) + ogg_page(tags, 0, 1, 0) + b"".join(sound)


def box(name, body):
    return struct.pack(">I", 8 + len(body)) + name + body


def mp4(seconds, brand=b"isom"):
    head = bytes(12) + struct.pack(">II", 1_000, seconds * 1_000) + bytes(80)
    moov = box(b"moov", box(b"mvhd", head))
    return box(b"ftyp", brand + bytes(4) + brand) + moov + box(b"mdat", bytes(20_000 * seconds))


def webm(seconds):
    ebml = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm"
    info = b"\x2a\xd7\xb1\x83\x0f\x42\x40" + b"\x44\x89\x88" + struct.pack(">d", seconds * 1_000.0)
    return ebml + b"\x18\x53\x80\x67\xff\x15\x49\xa9\x66" + bytes([0x80 | len(info)]) + info + bytes(20_000 * seconds)


@pytest.mark.parametrize(
    ("data", "kind", "mime"),
    [
        (wav(12), "audio", "audio/wav"),
        (mp3(12), "audio", "audio/mpeg"),
        (mp3(12, vbr=True), "audio", "audio/mpeg"),
        (b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + mp3(12), "audio", "audio/mpeg"),
        (b"ID3\x04\0\0\0\0\x01\x01" + bytes(129 + 500) + mp3(12), "audio", "audio/mpeg"),
        (b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + flac(12), "audio", "audio/flac"),
        (aac(12), "audio", "audio/aac"),
        (flac(12), "audio", "audio/flac"),
        (opus(12), "audio", "audio/ogg"),
        (mp4(12, b"M4A "), "audio", "audio/mp4"),
        (mp4(12), "video", "video/mp4"),
        (mp4(12, b"qt  "), "video", "video/quicktime"),
        (webm(12), "video", "video/webm"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_sound_and_film_have_their_length(data, kind, mime):
    found = attachment(data, mime="application/octet-stream")
    assert (found.kind, found.media.mime) == (kind, mime)
    assert found.media.seconds == pytest.approx(12, rel=0.01)
    if kind == "audio":
        assert tokens_of(data, rule="gemini-2").tokens == pytest.approx(12 * 32, rel=0.01)


@pytest.mark.parametrize("claimed", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_stream_of_sound_is_as_long_as_its_bytes(claimed):
    assert attachment(wav(3, claimed=claimed)).media.seconds == pytest.approx(3, abs=0.01)


def test_sound_in_a_form_of_film_is_what_was_declared():
    assert attachment(webm(3), mime="audio/webm").kind == "audio"
    assert attachment(mp4(3), mime="audio/mp4").kind == "audio"


def test_a_length_that_cannot_be_is_not_believed():
    lying = mp4(1).replace(struct.pack(">II", 1_000, 1_000), struct.pack(">II", 1, 2**31))
    assert attachment(lying).media.seconds is None
    assert 0 < tokens_of(lying, rule="gemini-2").tokens < 1_000


# --- PDF ---


def pdf(pages, *, packed=False, password=None):
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    if password is not None:
        writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return compressed(out.getvalue()) if packed else out.getvalue()


def compressed(data):
    """Write a PDF anew with all its objects in one compressed object and a compressed cross-reference (PDF 1.5)."""
    import zlib

    reader = PdfReader(io.BytesIO(data))
    numbers = sorted(number for number in reader.xref[0] if number)
    texts = []
    for number in numbers:
        out = io.BytesIO()
        reader.get_object(number).write_to_stream(out)
        texts.append(out.getvalue())
    table, at = b"", 0
    for number, text in zip(numbers, texts, strict=True):
        table += b"%d %d " % (number, at)
        at += len(text) + 1
    body = zlib.compress(table + b" ".join(texts))
    holder, index = max(numbers) + 1, max(numbers) + 2
    head = b"%PDF-1.5\n"
    stream = b"%d 0 obj\n<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>\nstream\n" % (
        holder, len(numbers), len(table), len(body),
    ) + body + b"\nendstream\nendobj\n"  # fmt: skip
    rows = bytes(5)
    for number in range(1, max(numbers) + 1):
        rows += struct.pack(">BHH", 2, holder, numbers.index(number)) if number in numbers else bytes(5)
    rows += struct.pack(">BHH", 1, len(head), 0) + struct.pack(">BHH", 1, len(head) + len(stream), 0)
    rows = zlib.compress(rows)
    root = reader.trailer.raw_get("/Root").idnum
    xref = b"%d 0 obj\n<</Type/XRef/Size %d/W[1 2 2]/Root %d 0 R/Filter/FlateDecode/Length %d>>\nstream\n" % (
        index, index + 1, root, len(rows),
    ) + rows + b"\nendstream\nendobj\n"  # fmt: skip
    return head + stream + xref + b"startxref\n%d\n%%%%EOF" % (len(head) + len(stream))


@pytest.mark.parametrize("packed", [False, True])
def test_a_pdf_has_its_pages(packed):
    data = pdf(23, packed=packed)
    assert (b"/Type /Page" in data) is not packed
    found = attachment(data, mime="application/octet-stream", name="a.bin")
    assert (found.kind, found.media.mime, found.media.pages, found.genuine) == ("file", "application/pdf", 23, True)
    assert tokens_of(data, rule="gemini-2").tokens == 23 * 258


def test_a_pdf_with_a_password_and_one_without_an_end_are_counted_too():
    assert attachment(pdf(9, password="secret")).media.pages == 9
    assert attachment(pdf(9, password="")).media.pages == 9
    assert attachment(pdf(9)[:-300]).media.pages == 9


def test_a_pdf_that_was_changed_counts_what_is_left():
    writer = PdfWriter(io.BytesIO(pdf(5)), incremental=True)
    writer.remove_page(4)
    out = io.BytesIO()
    writer.write(out)
    assert attachment(out.getvalue()).media.pages == 4


def test_the_words_of_a_page_are_no_pages():
    writer, words = PdfWriter(), DecodedStreamObject()
    words.set_data(b"BT (/Type /Page /Type /Page /Type /Page) Tj ET")
    writer.add_blank_page(200, 200)[NameObject("/Contents")] = writer._add_object(words)
    out = io.BytesIO()
    writer.write(out)
    assert out.getvalue().count(b"/Type /Page") == 5
    assert attachment(out.getvalue()).media.pages == 1


def test_a_pdf_of_nothing_but_its_name_is_none():
    found = attachment(b"%PDF-1.7\n" + NOISE, mime="application/pdf")
    assert (found.genuine, found.media.pages) == (False, None)
    assert tokens_of(b"%PDF-1.7\n" + NOISE).tokens > 2_000


def hostile_pdfs():
    """Cycles, trees that double at every level, depth, and tables that lie about their size."""
    obj = b"%d 0 obj\n%s\nendobj\n"
    tail = b"trailer<</Root 1 0 R/Size 9>>\nstartxref\n7\n%%EOF"
    root = obj % (1, b"<</Type/Catalog/Pages 2 0 R>>")
    yield b"%PDF-1.4\n" + root + obj % (2, b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>") + tail
    nodes = [obj % (n, b"<</Type/Pages/Count 2/Kids[%d 0 R %d 0 R]>>" % (n + 1, n + 1)) for n in range(2, 42)]
    yield b"%PDF-1.4\n" + root + b"".join(nodes) + obj % (42, b"<</Type/Page>>") + tail
    yield b"%PDF-1.4\n" + root + obj % (2, b"[" * 50_000) + tail
    yield b"%PDF-1.4\n" + b"<<" * 50_000
    yield b"%PDF-1.4\n" + b"1 0 obj\n" * 50_000 + tail
    yield b"%PDF-1.4\n" + b"xref\n0 999999999\n" + b"0000000000 00000 n \n" * 1000 + tail
    yield b"%PDF-1.4\nxref\n0 1\n0000000000 65535 f \ntrailer<</Prev 9/Root 1 0 R>>\nstartxref\n9\n%%EOF"
    yield b"%PDF-1.4\n" + b"/Type" + b" " * 200_000 + b"/Type" * 10_000
    yield pdf(3).replace(b"/Count 3", b"/Count 999999999")


def linear(read, data):
    """Assert that reading costs seconds at most, counted in time of the processor."""
    begin = time.process_time()
    found = read(data)
    assert time.process_time() - begin < 10
    return found


@pytest.mark.parametrize("number", range(9))
def test_hostile_pdfs_are_bounded(number):
    found = linear(attachment, list(hostile_pdfs())[number])
    assert found.kind == "file"


# --- documents of an office ---


def docx(text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        runs = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in text.split("\n"))
        package.writestr("word/document.xml", f"<w:document><w:body>{runs}</w:body></w:document>")
        package.writestr("word/media/image1.png", NOISE)
    return out.getvalue()


def rtf(text):
    picture = b"{\\pict " + NOISE.hex().encode() + b"}"
    return b"{\\rtf1\\ansi " + text.replace("\n", "\\par\n").encode() + picture + b"}"


def opened(kind, text, entry):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("mimetype", kind)
        package.writestr(entry, f"<html><body><p>{text}</p></body></html>")
    return out.getvalue()


@pytest.mark.parametrize("lines", [2, 400])
@pytest.mark.parametrize("form", ["docx", "odt", "epub", "pptx", "rtf"])
def test_an_office_document_costs_its_text(form, lines):
    text = "\n".join(f"Locker {n} opens with {n * 7919 % 9000}, as the caretaker said." for n in range(lines))
    if form == "pptx":
        deck, out = Presentation(), io.BytesIO()
        deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = text
        deck.save(out)
    data = {
        "docx": lambda: docx(text),
        "odt": lambda: opened("application/vnd.oasis.opendocument.text", text, "content.xml"),
        "epub": lambda: opened("application/epub+zip", text, "OEBPS/one.xhtml"),
        "pptx": lambda: out.getvalue(),
        "rtf": lambda: (
            b"{\\rtf1\\ansi " + text.replace("\n", "\\par\n").encode() + b"{\\pict " + NOISE.hex().encode() + b"}}"
        ),
    }[form]()
    real = get_tokenizer("o200k_base").count(text).tokens
    count = tokens_of(data)
    assert count.low <= real <= count.high
    assert real / 1.6 <= count.tokens <= real * 1.6 + 30
    assert not count.exact


def test_of_a_sheet_a_thousand_rows_are_read_and_strings_that_come_again_are_counted_again():
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in range(6_000):
        book.active.append([f"Locker {row % 7}", "rented by the caretaker", row * 7919])
    book.save(out)
    found = attachment(out.getvalue(), mime=XLSX)
    line = len("Locker 3 rented by the caretaker 23757000")
    least, most = found.media.text_size
    assert 1_000 * line * 0.8 <= least <= 3_000 * line
    assert 6_000 * line * 0.8 <= most <= 6_000 * line * 1.5


def test_an_archive_is_no_office_document():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("a.py", "1")
    found = attachment(out.getvalue(), mime=DOCX)
    assert (found.kind, found.media.mime, found.media.text_size) == ("file", "application/zip", None)
    assert tokens_of(out.getvalue()).tokens == len(out.getvalue())


def test_a_bomb_is_weighed_by_a_part():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package, package.open("word/document.xml", "w") as entry:
        for _ in range(300):
            entry.write(b"a" * 1_000_000)
    data = out.getvalue()
    assert len(data) < 500_000
    least, most = linear(attachment, data).media.text_size
    assert least == 32_000_000
    assert most == pytest.approx(300_000_000, rel=0.01)


@pytest.mark.parametrize("inside", [b"<" * 5_000_000, b"<a" * 2_000_000, b"> " * 2_000_000, b"<a>\n" * 1_000_000])
def test_hostile_marks_cost_linear_time(inside):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", inside)
    assert linear(attachment, out.getvalue()).kind == "file"


@pytest.mark.parametrize(
    "data",
    [
        b"ID3\x04\0\0\0\0\0\0" + bytes(4_000_000), b"ID3\x04\0\0\0\0\0\0" + b"\xff" * 4_000_000,
        b"\xff\xfb\x90\0" * 1_000_000, b"OggS" * 1_000_000, b"OggS\0" + bytes(4_000_000), b"fLaC\0" + bytes(4_000_000),
        b"\0\0\0\x08ftyp" + b"\0\0\0\x08moov" * 500_000, b"\0\0\0\x08ftyp" + b"\0\0\0\0moov" * 500_000,
        b"RIFF\0\0\0\0WAVE" + b"LIST\0\0\0\0" * 500_000, b"\xff\xf1\x50\x80\x01\x1f\xfc" * 600_000,
        b"\xff\xd8" + b"\xff\xe0\0\x02" * 1_000_000, b"II*\0\x08\0\0\0" + b"\xff" * 4_000_000,
        b"\0\0\0\x0cftypheic" + b"\0\0\0\x08meta" * 500_000, b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0IHDR" * 400_000,
    ],
    ids=range(14),
)  # fmt: skip
def test_hostile_media_cost_linear_time(data):
    assert linear(attachment, data).media.size == len(data)


def test_documents_before_2007_are_an_estimate():
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + NOISE
    assert attachment(data, mime="application/msword").kind == "file"
    assert tokens_of(data).tokens == 10_001


# --- nothing but a name ---


@pytest.mark.parametrize(
    ("mime", "name", "kind", "tokens"),
    [
        (None, "https://example.org/notes.md?raw=1", "text", 2_500),
        (None, "https://example.org/a.docx", "file", 2_500),
        ("application/msword", None, "file", 2_500),
        (None, "https://example.org/a.pdf#page=2", "file", 10 * 258),
        (None, None, "file", 10 * 258),
        ("image/png", None, "image", 6 * 258),
        (None, "https://example.org/a.png", "image", 6 * 258),
        ("audio/mpeg", None, "audio", 60 * 32),
    ],
)
def test_what_is_not_here_is_an_estimate_by_its_kind(mime, name, kind, tokens):
    found = attachment(None, mime=mime, name=name)
    assert found.kind == kind
    count = media_tokens(found.media, "file", MEDIA_RULES["gemini-2"])  # whatever the field is called
    assert (count.tokens, count.exact) == (tokens, False)
    assert count.low < count.tokens < count.high


def test_a_pdf_of_which_the_size_alone_is_known():
    from ctxwin.items import Media

    count = media_tokens(Media(mime="application/pdf", size=500_000), "file", MEDIA_RULES["gemini-2"])
    assert (count.low, count.tokens, count.high) == (258, 10 * 258, 167 * 258)


# --- whatever comes ---

SAMPLES = {
    "png": lambda: saved("PNG"), "jpeg": lambda: saved("JPEG"), "webp": lambda: saved("WEBP"),
    "tiff": lambda: saved("TIFF"), "avif": lambda: saved("AVIF"), "gif": lambda: saved("GIF"), "wav": lambda: wav(1),
    "mp3": lambda: mp3(1), "vbr": lambda: mp3(4, vbr=True), "aac": lambda: aac(1), "flac": lambda: flac(1),
    "opus": lambda: opus(2), "mp4": lambda: mp4(1), "webm": lambda: webm(1), "pdf": lambda: pdf(4),
    "packed": lambda: pdf(4, packed=True), "locked": lambda: pdf(4, password="x"), "docx": lambda: docx("Hello\n" * 9),
    "text": lambda: "Größe\n".encode("utf-16"), "rtf": lambda: b"{\\rtf1 " + b"\\par Hello" * 99,
}  # fmt: skip


def saved(form):
    out = io.BytesIO()
    Image.new("RGB", (33, 22), "red").save(out, form)
    return out.getvalue()


@pytest.mark.parametrize("name", SAMPLES)
def test_broken_files_raise_nothing_and_cost_something(name):
    data, chance = SAMPLES[name](), random.Random(name)
    for turn in range(60):
        broken = bytearray(data)
        for _ in range(chance.choice((1, 3, 30))):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        if turn % 3 == 0:
            del broken[chance.randrange(1, len(broken)) :]
        found = linear(attachment, bytes(broken))
        if found.kind != "text":
            kind = "file" if found.kind == "unknown" else found.kind
            assert media_tokens(found.media, kind, MEDIA_RULES["claude"]).tokens > 0


@settings(max_examples=300, deadline=None)
@given(
    data=st.binary(max_size=300),
    head=st.sampled_from([b"", *(sample()[:40] for sample in SAMPLES.values())]),
    mime=st.none() | st.text(max_size=30) | st.sampled_from(["image/png", "text/plain;charset=utf-16", "audio/"]),
    name=st.none() | st.text(max_size=20),
)
def test_anything_is_something(data, head, mime, name):
    found = attachment(head + data, mime=mime, name=name)
    assert (found.text is not None) == (found.kind == "text")
    assert found.media.size == len(head + data)
