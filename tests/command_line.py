"""The command line in this process, for what is not about processes: a start takes as long as most tests."""

import io
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from subprocess import CompletedProcess

import pytest

from ctxwin.cli import main
from ctxwin.errors import CtxwinWarning


class Stdin(io.BytesIO):
    name = "<stdin>"


def run_here(*arguments, given=b""):
    """Run `ctxwin` with arguments and standard input; return what a process of its own would, read as text."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    arguments = [str(one) for one in arguments]
    with warnings.catch_warnings(), redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("default", CtxwinWarning)  # other warnings are errors, as in every test
        patch.setattr(sys, "stdin", io.TextIOWrapper(Stdin(given), "utf-8"))
        with pytest.raises(SystemExit) as end:
            main(arguments)
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode().replace("\r\n", "\n"))
    return CompletedProcess(arguments, end.value.code or 0, *texts)
