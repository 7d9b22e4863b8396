"""Secrets in files: found by kind, left out of everything that is made of a file, named, and let in when asked for."""

from __future__ import annotations

import gzip
import json
import math
import random
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from secret_samples import INNOCENT, LINES, WHOLE, Sample, pem, some

import ctxwin
from ctxwin.errors import InputError
from ctxwin.files import MARK, Files, redacted
from ctxwin.files.secrets import nothing_else
from ctxwin.items import Item
from ctxwin.recall import Recall, answer_recalls


@pytest.mark.parametrize("sample", LINES, ids=lambda one: one.kind)
def test_a_line_with_a_secret_is_left_out_and_the_others_stay(sample: Sample) -> None:
    text, secrets = redacted(sample.text, sample.name)
    assert not any(secret in text for secret in sample.secrets), secrets
    before, after = sample.text.split("\n"), text.split("\n")
    assert len(before) == len(after)
    changed = [i + 1 for i, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    assert changed == [i + 1 for i, line in enumerate(before) if any(secret in line for secret in sample.secrets)]
    assert [one.line for one in secrets] == changed
    assert all(one.path == sample.name and one.kind and one.kind not in sample.secrets for one in secrets)
    assert not nothing_else(text, sample.name, secrets)


@pytest.mark.parametrize("sample", WHOLE, ids=lambda one: one.kind)
def test_a_file_that_is_nothing_but_secrets_is_skipped_with_the_reason(sample: Sample, tmp_path: Path) -> None:
    (tmp_path / sample.name).write_text(sample.text)
    (tmp_path / "readme.md").write_text("Words.\n")
    found = Files([tmp_path / sample.name, tmp_path / "readme.md"])
    assert [Path(one.path).name for one in found.skipped] == [sample.name]
    assert "secrets" in found.skipped[0].reason and "allow_secrets=True" in found.skipped[0].reason
    assert not any(secret in repr(found.skipped) + repr(found.secrets) for secret in sample.secrets)
    allowed = Files(tmp_path / sample.name, allow_secrets=True)
    assert list(allowed.texts.values()) == [sample.text]
    with pytest.raises(InputError, match="allow_secrets"):
        Files(tmp_path / sample.name)


@pytest.mark.parametrize("name", INNOCENT)
def test_what_only_looks_like_a_secret_stays(name: str) -> None:
    text, secrets = redacted(INNOCENT[name], name)
    assert secrets == () and text == INNOCENT[name]
    assert not nothing_else(text, name, secrets)


def test_the_name_of_a_value_stays_and_data_stays_well_formed() -> None:
    key = some(40)
    assert redacted(f'{{\n "api_key": "{key}",\n "n": 1\n}}\n', "a.json")[0] == (
        f'{{\n "api_key": "{MARK}",\n "n": 1\n}}\n'
    )
    assert json.loads(redacted(f'{{\n "api_key": "{key}",\n "n": 1\n}}\n', "a.json")[0])["n"] == 1
    assert redacted(f"    run(token='{key}')\r\nx = 1\r\n", "a.py")[0] == f"    {MARK}\nx = 1\r\n"
    assert redacted(f"export TOKEN={key}\n", "a.sh")[0] == f'export TOKEN="{MARK}"\n'


def test_a_secret_of_several_lines_leaves_empty_ones() -> None:
    key = pem("RSA PRIVATE" + " KEY")
    text, secrets = redacted(f'import os\nKEY = """{key}"""\n\n\ndef load():\n    return KEY\n', "keys.py")
    empty = "\n" * (key.count("\n") - 1)
    assert text == f'import os\nKEY = """{MARK}\n{empty}"""\n\n\ndef load():\n    return KEY\n'
    assert [(one.line, one.kind) for one in secrets] == [(2, "private-key")]
    half = "\n".join(key.split("\n")[:9]) + "\n"  # cut off before its end, as by `head`
    assert key.split("\n")[2] not in redacted(f"intro\n{half}", "log.txt")[0]


def test_offsets_hold_behind_signs_of_several_bytes() -> None:
    key = "gh" + "p_" + some(36)
    text, secrets = redacted(f"größe = 1  # 中文 🏴 İ\nx = '{key}'  # é\nlast = 'ü'\n", "a.py")
    assert text == f"größe = 1  # 中文 🏴 İ\nx = \"{MARK}\"\nlast = 'ü'\n"
    assert [one.line for one in secrets] == [2]


def tree(root: Path) -> tuple[Path, str]:
    """Make a folder of one file of code with a key in its middle; return it and the key."""
    key = "gh" + "p_" + some(36)
    root.mkdir()
    code = "".join(f"def step_{i}(session):\n    return session.cookie({i})\n\n\n" for i in range(40))
    (root / "cookies.py").write_text(f"{code}GITHUB = '{key}'  # signs the session cookie\n\n\n{code}")
    return root, key


def recalled(items: Sequence[Item]) -> str:
    """Return what a model gets that asks for everything."""
    calls = [Recall(call_id=f"c{i}", ids=item.id) for i, item in enumerate(items)]
    return str(answer_recalls(calls, items, dialect="openai", limit=90_000))


def strings(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_no_word_of_the_line_is_anywhere_that_a_file_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "cache"))
    root, key = tree(tmp_path / "src")
    found = Files(root)
    question = "where is the session cookie signed with GITHUB?"
    packed = ctxwin.pack(query=question, files=found, budget=300, embedder="none")
    everything = "".join(
        [packed.text, str(packed), json.dumps(packed.to_dict()), found.map(question), recalled(found.items)]
        + [item.text + repr(item) for item in found.items]
    )
    assert key not in everything
    assert key.encode() not in strings(tmp_path / "cache") and key.lower().encode() not in strings(tmp_path / "cache")
    line = 4 * 40 + 1
    assert [(one.path, one.line, one.kind) for one in found.secrets] == [("cookies.py", line, "github-pat")]
    assert packed.report.secrets == ((f"cookies.py:{line}", "github-pat"),)
    assert f"cookies.py:{line} (github-pat)" in str(packed)
    assert packed.report.to_dict()["secrets"] == [{"place": f"cookies.py:{line}", "kind": "github-pat"}]
    after = next(item for item in found.items if item.lines and item.lines[0] <= line + 4 <= item.lines[1])
    assert after.text.split("\n")[line + 3 - after.lines[0]].startswith("def step_0")  # numbers are still true


def test_secrets_are_let_in_whatever_the_cache_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "cache"))
    root, key = tree(tmp_path / "src")
    for _ in range(2):
        assert not any(key in item.text for item in Files(root).items)
        assert any(key in item.text for item in Files(root, allow_secrets=True).items)
    whole = ctxwin.pack(query="cookie", files=[root], budget=9_000, embedder="none", allow_secrets=True)
    assert key in whole.text and whole.report.secrets == ()
    with pytest.raises(InputError, match="allow_secrets=True"):
        ctxwin.pack(query="cookie", files=Files(root), budget=9_000, embedder="none", allow_secrets=True)


def test_a_refresh_sees_secrets_come_and_go(tmp_path: Path) -> None:
    root, key = tree(tmp_path / "src")
    found = Files(root)
    (root / "cookies.py").write_text("x = 1\n")
    assert found.refresh().changed == ("cookies.py",) and found.secrets == ()
    (root / "cookies.py").write_text(f"x = '{key}'\n")
    assert found.refresh().changed == ("cookies.py",) and len(found.secrets) == 1
    assert found.texts["cookies.py"] == f'x = "{MARK}"\n'
    (root / "cookies.py").write_text(pem("PRIVATE" + " KEY"))
    found.refresh()


def test_large_files_of_nothing_but_secrets_are_skipped(tmp_path: Path) -> None:
    rows = "".join(f'{{"user": "u{i}", "token": "ghp_{some(36)}"}}\n' for i in range(5_000))
    (tmp_path / "tokens.jsonl").write_text(rows)  # machine-written, in memory, searched for each question
    (tmp_path / "id_rsa").write_text("mere words\n" * 200_000)  # too large to be indexed
    (tmp_path / "a.md").write_text("Words.\n")
    found = Files(tmp_path)
    assert (list(found.large), [one.path for one in found.skipped]) == ([], ["id_rsa", "tokens.jsonl"])
    packed = ctxwin.pack(query="Which token has u77?", files=found, budget=500, embedder="none")
    assert "ghp_" not in json.dumps(packed.to_dict())
    assert sorted(Files(tmp_path, allow_secrets=True).large) == ["id_rsa", "tokens.jsonl"]


HOSTILE = (
    "password=", "a_token: '", "api_key = x1y2", "-----BEGIN PRIVATE" + " KEY-----\n", "ey" + "J", "AK" + "IA", "sk-",
    "://a:b@", "token=a1b2c3d4e5f6g7h8 ", "key" * 3, 'pass="a1', "\n", " ", "secret\t", "MTA1.", "$2a$", "1234567:AA",
    "-----BEGIN PRIVATE" + " KEY-----\nMHcCAQEEIKq9w7VZ\n", "MHcCAQEEIKq9w7VZ+/\n",
    "-----BEGIN PRIVATE" + " KEY-----", "Private-Lines: 7\n+",
    "x" * 50 + "=", "Passwort: ",
    "variable \"token\" {\n", "user=a&b=c&password=", "password: |\n ",
    "<key>token</key>\n",
    "mysql -", "mongo://a", "name: token\n  value:", "stringData:\n  a: b\n",
    "nemonic = 'abandon ", "export A=a1b2c3d4e5f6a7b8\n",
)  # fmt: skip


def test_places_of_large_files_are_without_secrets(tmp_path: Path) -> None:
    key, ticks = "ghp_" + some(36), 40_000
    log = tmp_path / "gate.log"
    lines = [f"2026-01-01T00:{i // 60 % 60:02}:{i % 60:02} INFO worker tick {i}" for i in range(ticks)]
    log.write_text(
        "\n".join([*lines, f"ERROR gate jammed, token {key}", "ERROR gate jammed again", *lines[:99]]) + "\n"
    )
    found = Files(log, max_bytes=1_000_000)
    assert list(found.large) == [str(log)]
    packed = ctxwin.pack(query="Which gate jammed?", files=found, budget=400, embedder="none")
    assert key not in json.dumps(packed.to_dict()) and "gate jammed again" in packed.text
    assert packed.report.secrets == ((f"{log}:{ticks + 1}", "github-pat"),)
    allowed = Files(log, max_bytes=1_000_000, allow_secrets=True)
    assert key in ctxwin.pack(query="Which gate jammed?", files=allowed, budget=400, embedder="none").text


KEY_KINDS = {
    "pem": pem("RSA PRIVATE" + " KEY"),
    "headers": pem("RSA PRIVATE" + " KEY").replace(
        "\n", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0F1E2D3C\n\n", 1
    ),
    "pgp": pem("PGP PRIVATE" + " KEY BLOCK").replace("\n", "\n\n", 1),
    "ssh2": pem("SSH2 ENCRYPTED PRIVATE" + " KEY").replace("-----", "----").replace("--B", "-- B"),
    "putty": pem("X")
    .replace("-----BEGIN X-----", "Private" + "-Lines: 25")
    .replace("-----END X-----", "Private-MAC: 1"),
    "openvpn": pem("OpenVPN Static" + " key V1"),
    "long": pem("PRIVATE" + " KEY", 90_000),
    "unfinished": pem("PRIVATE" + " KEY").partition("-----END")[0],
}


def material(key: str) -> list[str]:
    """Return the lines of a key that are secret."""
    return [line for line in key.split("\n") if len(line) > 30 and "-" not in line and ":" not in line]


@pytest.mark.parametrize("kind", KEY_KINDS)
@pytest.mark.parametrize(
    "form", ["{}\n", "2026-01-01T00:00:00Z INFO gate said {}\n", '    "{}\\n"\n', "{}\\n", "{}\r\n"]
)
def test_a_private_key_is_known_in_every_form(kind: str, form: str) -> None:
    key = KEY_KINDS[kind]
    text = "first\n" + "".join(form.format(line) for line in key.rstrip().split("\n")) + "\nlast words\nand more\n"
    clean, secrets = redacted(text, "gate.log")
    assert not [line for line in material(key) if line in clean]
    assert clean.startswith("first\n") and clean.endswith("\nlast words\nand more\n")
    assert clean.count("\n") == text.count("\n") and {one.kind for one in secrets} == {"private-key"}


@pytest.mark.parametrize("kind", KEY_KINDS)
@pytest.mark.parametrize("packed_up", [False, True])
@pytest.mark.parametrize("before", [0, 1_048_576 - 600, 1_048_576 - 9_000])
def test_no_part_of_a_private_key_is_in_a_place_of_a_large_file(
    kind: str, packed_up: bool, before: int, tmp_path: Path
) -> None:
    key = KEY_KINDS[kind]
    secret = material(key)
    log = tmp_path / ("gate.log" + ".gz" * packed_up)
    filler = "2026-01-01T00:00:00Z INFO worker tick 1\n"
    asked = [secret[at][20:34] for at in (0, 1, len(secret) // 2, -1)]  # as odd a question as there can be
    text = filler * (before // len(filler)) + "zebra opened\n" + key + "zebra closed\n" + filler * 40_000
    with gzip.open(log, "wt") if packed_up else log.open("w") as file:
        file.write(text)
    seen: set[str] = set()
    for question in ("Which zebra?", *(f"What is {one}?" for one in asked)):
        packed = ctxwin.pack(query=question, files=Files(log, max_bytes=1_000_000), budget=2_000, embedder="none")
        said = json.dumps(packed.to_dict())
        assert not [line for line in secret if line[:30] in said or line[-30:] in said]
        assert question != "Which zebra?" or ("zebra opened" in packed.text and "zebra closed" in packed.text)
        seen |= {kind for _, kind in packed.report.secrets}
    assert seen == {"private-key"}
    free = Files(log, max_bytes=1_000_000, allow_secrets=True)
    assert secret[0] in ctxwin.pack(query="Which zebra?", files=free, budget=2_000, embedder="none").text


def test_a_value_cut_by_the_window_of_a_long_line_is_known_by_what_stands_around_it(tmp_path: Path) -> None:
    values = {i: some(64) for i in range(0, 12_000, 500)}
    rows = [
        {"n": i, "zebra": "grazes", "api_key" if i in values else "p": values.get(i, "grass " * 12)}
        for i in range(12_000)
    ]
    (tmp_path / "dump.json").write_text(json.dumps(rows))
    found = Files(tmp_path / "dump.json", max_bytes=500_000)
    for i, value in values.items():
        for word in (value[20:30], value[40:50], str(i), str(i + 1)):
            packed = ctxwin.pack(query=f"zebra {word}", files=found, budget=1_500, embedder="none")
            said = json.dumps(packed.to_dict())
            assert not [one for one in values.values() for at in range(52) if one[at : at + 12] in said]


@pytest.mark.parametrize(
    "text",
    [
        "Expected -----BEGIN PRIVATE" + " KEY-----, got nothing\n" + "the request was served\n" * 50,
        'if "-----BEGIN RSA PRIVATE' + ' KEY-----" in text:\n    return load(text)\nprint("nothing")\n' * 9,
        "-----BEGIN PRIVATE" + " KEY-----\n...\n-----END PRIVATE" + " KEY-----\n" * 9,
        pem("CERTIFICATE"),
        pem("PUBLIC" + " KEY"),
    ],
)
def test_what_only_speaks_of_keys_stays(text: str, tmp_path: Path) -> None:
    assert redacted(text, "gate.log") == (text, ())
    log = tmp_path / "gate.log"
    log.write_text(text + "zebra\n" + "worker tick\n" * 100_000)
    packed = ctxwin.pack(query="Which zebra?", files=Files(log, max_bytes=1_000_000), budget=2_000, embedder="none")
    assert packed.report.secrets == () and MARK not in packed.text


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_texts_take_linear_time(piece: str) -> None:
    def spent(size: int) -> float:
        text = (piece * (size // len(piece) + 1))[:size]
        start = time.process_time()
        redacted(text, "a.env")
        return time.process_time() - start

    spent(1_000)
    once = twice = math.inf
    for _ in range(5):  # a busy machine disturbs single measurements
        once, twice = min(once, spent(40_000)), min(twice, spent(80_000))
        if twice < 3 * once + 0.05:
            return
    pytest.fail(f"{once:.2f} s for 40,000 characters, {twice:.2f} s for 80,000")


def test_redacting_again_changes_nothing() -> None:
    draw = random.Random(3)
    text = "".join(draw.choice(LINES).text for _ in range(60))
    for name in ("a.py", "a.yml", ".env", "a.md"):
        once, secrets = redacted(text, name)
        assert secrets and redacted(once, name) == (once, ())
