"""Documents are converted side by side, and a few that never end do not take the time of all others."""

import os
from pathlib import Path

import pytest
from test_documents import pdf, word

from ctxwin.files import Files, converting, documents


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A converter in its own process that never ends for what says so, and writes down when it begins and ends."""
    program = tmp_path / "convert.py"
    program.write_text(
        "import os, sys, time\n"
        "data = sys.stdin.buffer.read()\n"
        f"log = open({str(tmp_path / 'log')!r}, 'ab', 0)\n"
        "log.write(b'+')\n"
        "time.sleep(600 if b'never' in data else 0.2)\n"
        "log.write(b'-')\n"
        "print('text of', len(data))\n"
    )
    monkeypatch.setattr(documents, "Path", lambda _: program)
    return tmp_path / "log"


def fill(folder: Path, good: int, bad: int) -> None:
    folder.mkdir()
    for n in range(good):
        (folder / f"good{n}.pdf").write_bytes(b"%PDF-1.4 " + b"x" * (n + 20))
    for n in range(bad):
        (folder / f"bad{n}.docx").write_bytes(b"never" + b"x" * n)


def test_those_that_never_end_do_not_take_the_time_of_the_others(
    tmp_path: Path, stuck: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converting, "QUICK", 1.5)
    monkeypatch.setattr(converting, "TOGETHER", 6.0)
    fill(tmp_path / "docs", good=4, bad=6)
    files = Files(tmp_path / "docs")
    assert sorted(files.texts) == [f"good{n}.pdf" for n in range(4)]
    reasons = {one.path: one.reason for one in files.skipped}
    assert sorted(reasons) == [f"bad{n}.docx" for n in range(6)]
    assert all("longer than" in reason or "had taken 6 s" in reason for reason in reasons.values())
    assert any("had taken 6 s; the next look tries it again" in reason for reason in reasons.values())
    begun = stuck.read_bytes().count(b"+")
    files.refresh()
    assert stuck.read_bytes().count(b"+") > begun, "what was late is tried again"
    assert stuck.read_bytes().count(b"-") == 4, "what was converted is not"


def test_no_more_converters_run_at_once_than_there_are_cores(tmp_path: Path, stuck: Path) -> None:
    fill(tmp_path / "docs", good=6, bad=0)
    assert len(Files(tmp_path / "docs").texts) == 6
    running = most = 0
    for sign in stuck.read_bytes():
        running += 1 if sign == ord("+") else -1
        most = max(most, running)
    assert most <= (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def test_what_comes_out_is_what_each_alone_gives(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for n in range(3):
        (tmp_path / "docs" / f"{n}.pdf").write_bytes(pdf(f"Page {n}."))
    (tmp_path / "docs" / "a.docx").write_bytes(word())
    (tmp_path / "docs" / "cut.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<<")
    heard: list[tuple[str, int, int]] = []
    files = Files(tmp_path / "docs", on_progress=lambda *said: heard.append(said))
    assert [files.texts[f"{n}.pdf"] for n in range(3)] == [f"Page {n}.\n" for n in range(3)]
    assert "We sign on Friday." in files.texts["a.docx"]
    assert [one.path for one in files.skipped] == ["cut.pdf"]
    assert ("converting documents", 4, 5) in heard
    assert not files.refresh()
