"""Models of the sentence-transformers library: from a folder, from what was downloaded before, else from the hub."""

from __future__ import annotations

from typing import Any, Literal

from ..errors import InputError, MissingExtra

__all__ = ["load_model"]


def load_model(kind: Literal["SentenceTransformer", "CrossEncoder"], model: str, *, role: str, instead: str) -> Any:
    """Load a model by name or folder; loading the library takes seconds and happens only here.

    Args:
        kind: the library's class.
        model: a folder, or a name that is looked up among what was downloaded before and else downloaded.
        role: what it is wanted as; for messages.
        instead: what the user may do without it; for messages.

    Raises:
        MissingExtra: sentence-transformers is not installed.
        InputError: there is no such model, or it cannot be had without a network.
    """
    import httpx  # here, since it is a good part of the time that starting the command line takes

    try:
        import sentence_transformers
    except ImportError as error:
        raise MissingExtra(
            error.name or "sentence_transformers",
            feature=f"{role} {model!r}",
            command="pip install sentence-transformers",
        ) from error
    loaded = getattr(sentence_transformers, kind)
    try:
        try:
            return loaded(model, local_files_only=True)
        except OSError:
            return loaded(model)
    except (OSError, ValueError, RuntimeError, httpx.HTTPError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"cannot load the sentence-transformers model {model!r} as {role} ({reason}); check the name and the "
            f"network (HF_HUB_OFFLINE forbids it), or {instead}"
        ) from error
