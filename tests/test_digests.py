"""Tool output shortened by its kind: failures and totals stay, marks count the rest, and the way back is named."""

import json
from time import process_time

import pytest

from ctxwin import pack
from ctxwin.recall import recall_tool
from ctxwin.renditions import digests, fit_digest, fold, kind_of, split
from ctxwin.tokens import get_tokenizer

PYTEST = """============================= test session starts ==============================
platform linux -- Python 3.12.1, pytest-9.0.0 -- /usr/bin/python3
collected 43 items

{passed}
test_cart.py::test_total[41] FAILED                                      [ 97%]
test_cart.py::test_orders ERROR                                          [100%]

=================================== FAILURES ===================================
_______________________________ test_total[41] _________________________________
    def test_total(size):
>       assert total([1] * size) == 0
E       assert 41 == 0

test_cart.py:8: AssertionError
=========================== short test summary info ============================
FAILED test_cart.py::test_total[41] - assert 41 == 0
ERROR test_cart.py::test_orders - ConnectionError: no database at db-2.internal:5432
==================== 1 failed, 41 passed, 1 error in 0.31s ====================
""".format(passed="\n".join(f"test_cart.py::test_total[{n}] PASSED [ {n}%]" for n in range(41)))
TAP = "TAP version 13\n" + "".join(
    f"# Subtest: adds item {n}\nok {n + 1} - adds item {n}\n  ---\n  duration_ms: 0.{n}\n  ...\n" for n in range(30)
) + """# Subtest: total with tax
not ok 31 - total with tax
  ---
  error: 'Expected 12.6 to equal 12.61'
  location: '/work/shop/cart.test.js:3:1'
  ...
1..31
# tests 31
# pass 30
# fail 1
"""  # fmt: skip
GO = "".join(f"=== RUN   TestAdd/{n}\n--- PASS: TestAdd/{n} (0.00s)\n" for n in range(20)) + (
    "=== RUN   TestTotal\n    cart_test.go:31: got 41, want 0\n--- FAIL: TestTotal (0.01s)\nFAIL\n"
)
CARGO = (
    "running 22 tests\n"
    + "".join(f"test cart::adds_{n} ... ok\n" for n in range(21))
    + (
        "test cart::total ... FAILED\n\nfailures:\n    cart::total\n"
        "\ntest result: FAILED. 21 passed; 1 failed; 0 ignored\n"
    )
)
JEST = (
    " FAIL  cart.test.ts\n"
    + "".join(f"  ✓ adds item {n} (1 ms)\n" for n in range(20))
    + ("  ✕ total with tax (4 ms)\n    Expected: 12.61\nTests:       1 failed, 20 passed, 21 total\n")
)
UNITTEST = "".join(f"test_{n} (cart.Total.test_{n}) ... ok\n" for n in range(20)) + (
    "test_tax (cart.Total.test_tax) ... FAIL\n\nFAIL: test_tax (cart.Total.test_tax)\nAssertionError: 12.6 != 13\n"
    "\nRan 21 tests in 0.004s\n\nFAILED (failures=1)\n"
)
RUNS = {"pytest": PYTEST, "tap": TAP, "go": GO, "cargo": CARGO, "jest": JEST, "unittest": UNITTEST}
DIFF = """diff --git a/src/cart.py b/src/cart.py
index 83db48f..bf269f4 100644
--- a/src/cart.py
+++ b/src/cart.py
@@ -10,9 +10,9 @@ class Cart:
     def total(self):
         prices = [item.price for item in self.items]
         reduced = self.reduce(prices)
-        return sum(reduced)
+        return sum(reduced) * self.tax
     def reduce(self, prices):
         factor = 1 - self.discount
         return [price * factor for price in prices]
     # end of totals
\\ No newline at end of file
"""


def forms_of(text, weights=None):
    tokenizer = get_tokenizer()
    folded = fold([text], tokenizer)[0]
    made_of = folded.text if folded and folded.how.startswith("JSON") else text
    return digests(split(made_of, tokenizer), weights or {}, tokenizer)


def log(lines=200):
    at = [f"2026-11-29 08:{n // 60:02}:{n % 60:02},{n * 7919 % 1000:03}" for n in range(lines)]
    out = [f"{time} INFO http: GET /items/{n * 37} 200 in {n % 90} ms" for n, time in enumerate(at)]
    out[90:90] = [
        "2026-11-29 08:01:30,001 ERROR pool: connection 17 lost (host=db-2.internal)",
        "Traceback (most recent call last):",
        '  File "/srv/app/pool.py", line 88, in acquire',
        "TimeoutError: db-2.internal",
    ]
    return "\n".join(out)


@pytest.mark.parametrize("runner", sorted(RUNS))
def test_of_a_test_run_only_passed_tests_go(runner):
    text = RUNS[runner]
    assert kind_of(text) == "test run"
    form = forms_of(text)[0]
    kept = form.text.split("\n")
    gone = [line for line in text.split("\n") if line not in kept]
    assert gone and not [line for line in gone if "FAIL" in line or "rror" in line or "not ok" in line or "✕" in line]
    assert "passed tests left out]" in form.text
    assert form.tokens == get_tokenizer().count_many([form.text])[0] < get_tokenizer().count_many([text])[0] * 0.7


def test_a_mark_counts_what_it_stands_for():
    lines = forms_of(CARGO)[0].text.split("\n")
    assert lines[:3] == ["running 22 tests", "[21 passed tests left out]", "test cart::total ... FAILED"]


def test_what_the_question_asks_for_stays():
    asked = forms_of(CARGO, {"adds_17": 3.0, "17": 3.0})[0].text
    assert "test cart::adds_17 ... ok" in asked and "[17 passed tests left out]" in asked


def test_a_diff_keeps_what_changed_then_hunks_and_paths():
    assert kind_of(DIFF) == "diff"
    changed, hunks = (form.text for form in forms_of(DIFF * 3))
    assert "-        return sum(reduced)\n+        return sum(reduced) * self.tax" in changed
    assert "prices = [" not in changed and "unchanged lines" in changed
    assert "@@ -10,9 +10,9 @@ class Cart:" in hunks and "+++ b/src/cart.py" in hunks
    assert "1 removed lines" in hunks and "self.tax" not in hunks


def test_a_removed_line_that_looks_like_a_path_is_a_change():
    text = "--- a/x.sql\n+++ b/x.sql\n@@ -1,4 +1,3 @@\n--- a comment\n" + " select price from orders\n" * 3
    assert "--- a comment" in forms_of(text * 5)[0].text


def test_a_log_keeps_first_last_and_odd_lines():
    text = log()
    assert kind_of(text) == "log"
    form = forms_of(text)[-1]
    lines = text.split("\n")
    assert lines[0] in form.text and lines[-1] in form.text and "[198 more like this left out]" in form.text
    assert "\n".join(lines[90:94]) in form.text
    assert form.share < 0.5  # the values of the lines are gone


def test_failures_that_repeat_stay_in_the_fullest_form_of_a_log():
    text = "\n".join(f"2026-11-29 08:00:{n % 60:02} ERROR pool: no connection for job {n}" for n in range(40)) + log()
    assert all(f"for job {n}" in forms_of(text)[0].text for n in range(40))


def test_a_table_keeps_odd_rows():
    rows = [{"id": f"pod-{n}", "phase": "Running" if n != 61 else "Pending", "restarts": n % 3} for n in range(120)]
    form = forms_of(json.dumps(rows))[0]
    assert [line for line in form.text.split("\n") if line] == [
        "[120]{id,phase,restarts}:", "pod-0,Running,0", "[60 rows left out]", "pod-61,Pending,1", "[57 rows left out]",
        "pod-119,Running,2",
    ]  # fmt: skip


def test_hits_keep_each_file_and_what_is_new():
    hits = [f"src/{name}.py:{n}:    return value" for name in ("pool", "queue") for n in range(1, 30)]
    hits.insert(9, "src/pool.py:300:    raise RuntimeError(value)")
    text = forms_of("\n".join(hits))[0].text
    assert "src/pool.py:1:" in text and "src/queue.py:29:" in text and "raise RuntimeError" in text
    assert "hits in the same file left out]" in text


@pytest.mark.parametrize("text", ["", "Just prose. " * 60, "def f():\n    return 1\n" * 20, "{}", "\n" * 90])
def test_other_text_has_no_digest(text):
    assert kind_of(text) is None and forms_of(text) == []


@pytest.mark.parametrize(
    "text",
    ["=== " + "1 passed " * 20_000, "a::" * 40_000, "test x ... o" * 20_000, "@@ -1,99999999999 +1 @@\n" * 9_000,
     "@@ -1 +1,999999999 @@\n" + "x\n" * 40_000, "[1]{a}" * 30_000, "[9]{a}:\n" * 20_000, "=== \n" * 30_000,
     "2026-11-29 " * 20_000, "\n".join(f"2026-11-29 {n} {n}" for n in range(20_000)), "a-" * 60_000 + "1-",
     "TAP version 13\n" + "ok 1\n  ---\n" * 20_000],
)  # fmt: skip
def test_hostile_output_takes_linear_time(text):
    source = split(text, get_tokenizer())
    began = process_time()
    digests(source, {}, get_tokenizer())
    assert process_time() - began < 10  # a quadratic way would take minutes


@pytest.mark.parametrize("recall", [False, True])
def test_pack_leaves_out_passed_tests_and_names_the_way_back(recall):
    talk = [
        {"role": "user", "content": "Run the tests."},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "pytest -v"}'}}]},
        {"role": "tool", "tool_call_id": "c1", "content": PYTEST},
        {"role": "assistant", "content": "One test fails."},
        {"role": "user", "content": "Which test fails?"},
    ]  # fmt: skip
    packed = pack(talk, budget=560, embedder="none", tools=[recall_tool()] if recall else [])
    sent = packed.messages[2]["content"]
    assert "passed tests left out]" in sent and ("[m2]" in sent) is recall
    assert "FAILED test_cart.py::test_total[41] - assert 41 == 0" in sent and "1 failed, 41 passed, 1 error" in sent
    assert {one.form for one in packed.report.shortened} == {"extract"}


@pytest.mark.parametrize("budget", [200, 400, 1_600])
def test_an_open_call_s_output_is_cut_by_its_kind(budget):
    talk = [
        {"role": "user", "content": "Why does it hang?"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "logs", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": log(2_000)},
    ]  # fmt: skip
    packed = pack(talk, budget=budget, embedder="none")
    sent = packed.messages[-1]["content"]
    assert "ERROR pool: connection 17 lost (host=db-2.internal)" in sent and "TimeoutError: db-2.internal" in sent
    assert packed.tokens > budget // 2 and packed.tokens <= budget


def test_room_is_filled_with_what_the_question_asks_for():
    source = split(CARGO * 3, get_tokenizer())
    text = fit_digest(source, 260, {"17": 2.0}, get_tokenizer())
    assert text.count("test cart::adds_17 ... ok") == 3 and text.count("test cart::total ... FAILED") == 3
    assert get_tokenizer().count_many([text])[0] <= 260
    assert get_tokenizer().count_many([fit_digest(source, 20, {}, get_tokenizer())])[0] <= 20
    assert fit_digest(split("Just prose. " * 60, get_tokenizer()), 20, {}, get_tokenizer()) is None
