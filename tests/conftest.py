"""What all tests share: no model hub, a cache of their own, the evaluation data where it is there."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# Examples differ in size by design, and no test depends on time.
settings.register_profile("ctxwin", deadline=None)
settings.load_profile("ctxwin")

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it is fetched when the package is imported
# Kept between runs: the exported model costs seconds to make and is checked by its hash.
os.environ.setdefault("CTXWIN_CACHE", str(Path(tempfile.gettempdir()) / "ctxwin-test-cache"))
# The settings of whoever runs the tests are no part of them.
os.environ["XDG_CONFIG_HOME"] = str(Path(tempfile.gettempdir()) / "ctxwin-test-config")
for _name in ("BUDGET", "MODEL", "TOKENIZER", "STRATEGY", "EMBEDDER", "COSTS", "BASE_URL"):
    os.environ.pop(f"CTXWIN_{_name}", None)

for _kept in Path(os.environ["CTXWIN_CACHE"]).glob("*.sqlite*"):
    _kept.chmod(0o600)  # what an earlier version left there is no business of these tests

DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="module")
def private_files():
    """Files that a test makes by hand are the user's alone, as those of stores are."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def data() -> Path:
    """The evaluation sets beside the checkout; tests that need them are skipped where they are absent."""
    if not DATA.is_dir():
        pytest.skip("the evaluation data is not beside this checkout")
    return DATA
