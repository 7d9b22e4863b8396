"""Passwords and keys are left out of what stands; what only looks like them stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxwin import compact
from ctxwin.standing.masking import LEFT_OUT, masked

SECRETS = [
    ("The router password is Kestrel-88.", "Kestrel-88"),
    ("my pin's 4711, in case it asks", "4711"),
    ("DB_PASSWORD=gannet_0417", "gannet_0417"),
    ("The API key is 9fk2-ab71-qq03, keep it there.", "9fk2-ab71-qq03"),
    ("Use sk-proj-Qm4T7vX2pL9aB6nC1dE8 for the tests.", "sk-proj-Qm4T7vX2pL9aB6nC1dE8"),
    ("The pipeline has AKIAQ7RZ3LM8PK2WD5TX in its settings.", "AKIAQ7RZ3LM8PK2WD5TX"),
    ("Connect to postgres://kiln:ember77@db.lab.example:5432/ledger.", "kiln:ember77"),
    ("Send Authorization: Bearer q1w2e3r4t5y6u7i8o9p0 with it.", "q1w2e3r4t5y6u7i8o9p0"),
    ("Pay with 4012 8888 8888 1881 until May.", "4012 8888 8888 1881"),
    ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----", "MHcCAQEE"),
    ("登录密码是 Tawny-552，别忘了。", "Tawny-552"),
    ("我的银行卡密码是830194。", "830194"),
]
NEAR_MISSES = [
    "The gate code is 4471.",
    "The password must have 12 characters.",
    "Reset your password at /account/reset.",
    "The password was changed on 3 May.",
    "Order 4012 8888 8888 1882 arrived.",
    "The token limit is 128000 tokens.",
    "The bug came with commit 3f786850e387550fdab836ed7e6dc881de23001b.",
    "The key point is that we ship in May 2031.",
    "密码至少要12位。",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_left_out_and_the_rest_stays(text: str, secret: str) -> None:
    assert secret not in masked(text)
    assert LEFT_OUT in masked(text)


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert masked(text) == text


@given(st.sampled_from(SECRETS), st.sampled_from(NEAR_MISSES))
def test_masking_again_changes_nothing(one: tuple[str, str], other: str) -> None:
    once = masked(f"{one[0]} {other}")
    assert masked(once) == once


def test_a_compaction_leaves_secrets_out_unless_they_are_allowed() -> None:
    rule = "Never share it, the router password is Kestrel-88."
    talk = [{"role": "user", "content": rule}]
    talk += [{"role": "user", "content": f"And the view from window {n}, is it a fine one?"} for n in range(90)]
    packed = compact(talk, 260, tokenizer="o200k_base")
    assert "Kestrel-88" not in packed.text
    assert f"the router password is {LEFT_OUT}" in packed.text
    assert not any("Kestrel-88" in one.text for one in packed.report.standing)
    assert rule in compact(talk, 260, tokenizer="o200k_base", allow_secrets=True).text


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        "password is ",
        "password ",
        "pin 4",
        "4 ",
        "x ",
        "aB3",
        "key ",
        "密码",
        "账号的密码是",
        "seed word ",
        "://a:",
        ".",
    ],
)
def test_masking_takes_linear_time(unit: str) -> None:
    def cost(size: int) -> float:
        text, start = unit * (size // len(unit)), time.process_time()
        masked(text)
        return time.process_time() - start

    half = min(cost(500_000) for _ in range(2))
    assert cost(1_000_000) < max(0.2, 3.4 * half)
