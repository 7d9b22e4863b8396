"""Load models of the sentence-transformers library: from a folder, from earlier downloads, else from the hub."""

from __future__ import annotations

from typing import Any, Literal

from ..errors import InputError, MissingExtra

__all__ = ["load_model"]


def load_model(kind: Literal["SentenceTransformer", "CrossEncoder"], model: str, *, role: str, instead: str) -> Any:
    """Load a model by name or folder; the library itself, which takes seconds, is loaded only here.

    Args:
        kind: the library's class.
        model: a folder, or a name that is looked up among earlier downloads and else downloaded.
        role: what the model is used as; for messages.
        instead: what the user may do without the model; for messages.

    Raises:
        MissingExtra: sentence-transformers is not installed.
        InputError: there is no such model, or it cannot be downloaded without a network.
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
