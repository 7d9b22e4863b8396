"""Texts in old encodings are read right, however short, and the encoding is told."""

from __future__ import annotations

from pathlib import Path

import pytest

import ctxwin
from ctxwin.files import decode
from ctxwin.files.encodings import decoded

WESTERN = [
    ("cp1252", "J'ai été à l'école — créée l'été, « naïve ».\n"),
    ("latin-1", "Noël\n"),
    ("latin-1", "Blåbærsyltetøy på brød\n"),
    ("latin-1", "Hyvää päivää, Jyväskylä\n"),
    ("cp1252", "Þetta er lykillinn að húsinu á Íslandi\n"),
    ("cp1252", "El niño no está aquí. ¿Qué? “Sí…”\n"),
    ("cp1252", "Questa città è così, perché no? 4 €\n"),
    ("cp1252", "A informação não é só tua: ação, coração.\n"),
    ("cp1252", "20 °C ± 1, 5 m², 3 µm, £5, © 2004 Müller GmbH®\n"),
    ("iso8859-15", "Die Tür für 44 €\n"),
]
OTHERS = [
    ("gbk", "保险柜的密码是4417，门在楼梯左边。\n"),
    ("big5", "保險櫃的密碼是4417，門在樓梯左邊。\n"),
    ("euc-kr", "금고 비밀번호는 4417입니다. 왼쪽 문.\n"),
    ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy.\n"),
    ("cp1253", "Ο κωδικός είναι 4417, η πόρτα αριστερά.\n"),
    ("cp1251", "Код сейфа 4417, дверь слева.\n"),
    ("koi8-r", "Код сейфа 4417, дверь слева от лестницы.\n"),
    ("cp1251", "# Автор: Иван\ndef f(): return 1\n"),
]
CENTRAL = [
    ("cp1250", "Zażółć gęślą jaźń. Łódź jest piękna.\n"),
    ("iso8859-2", "Zażółć gęślą jaźń. Łódź jest piękna.\n"),
    ("iso8859-2", "Příliš žluťoučký kůň úpěl ďábelské ódy.\n"),
    ("cp1250", "Árvíztűrő tükörfúrógép. Ősz van már.\n"),
    ("cp1254", "Şoför İstanbul'da yağız ışıkları gördü.\n"),
    ("cp1255", "המפתח של הכספת נמצא מתחת לאבן, ליד השער\n"),
    ("koi8-u", "Ключ лежить під каменем, їхній сад за ґанком.\n"),
    ("euc-jp", "鍵は門の石の下にあります。\n"),
    ("iso2022_jp", "鍵は門の石の下にあります。\n"),
    ("cp1252", "Zoë Kravitz\nRenée Müller\nJosé Nuñez\nBjörk Guðmundsdóttir\nFrançois Øster\n"),
]
UNMARKED = ["Hello there\nline two\n", "Grüße aus Köln\n", "密码是4417。\n门在左边，很好。\n", "Код сейфа 4417\n"]


@pytest.mark.parametrize(("encoding", "text"), [*WESTERN, *OTHERS, *CENTRAL])
def test_a_short_text_is_read_right(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", UNMARKED)
def test_utf_16_without_a_mark_is_text(encoding: str, text: str) -> None:
    assert decoded(text.encode(encoding)) == (text, encoding)


def test_binary_data_is_no_utf_16() -> None:
    assert decode(bytes(range(256)) * 20) is None
    assert decode(b"\x7fELF\x02\x01\x01\x00" + b"\x00" * 400) is None


def test_one_wrong_byte_does_not_spoil_utf_8() -> None:
    assert decoded("Größe, Änderung, Übung: ".encode() + b"\xff.") == ("Größe, Änderung, Übung: \ufffd.", "utf-8")


def test_what_is_not_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Die Tür ist offen.\n".encode("cp1252"))
    (tmp_path / "b.txt").write_text("Die Tür ist zu.\n", encoding="utf-8")
    (tmp_path / "c.txt").write_bytes("Die Tür klemmt.\n".encode("utf-16"))
    found = ctxwin.Files(tmp_path)
    assert found.encodings == {"a.txt": "cp1252", "c.txt": "utf-16"}
    assert found.texts["a.txt"] == "Die Tür ist offen.\n"


def test_lines_of_two_encodings_are_each_read_right() -> None:
    data = "start\nGrüße\n".encode() + "Tür zu\n".encode("latin-1") + "Größe\n".encode()
    assert decoded(data) == ("start\nGrüße\nTür zu\nGröße\n", "utf-8, cp1252")


def test_a_large_file_of_two_encodings_is_read(tmp_path: Path) -> None:
    lines = [f"tick {number} Größe".encode("latin-1" if number % 3 else "utf-8") for number in range(9_000)]
    (tmp_path / "a.log").write_bytes(b"\n".join([*lines, "Schlüssel unterm Stein".encode("latin-1"), *lines]))
    found = ctxwin.Files(tmp_path, max_bytes=100_000)
    assert list(found.large) == ["a.log"]
    assert "Schlüssel unterm Stein" in ctxwin.pack(query="Stein", files=found, budget=300, embedder="none").text
