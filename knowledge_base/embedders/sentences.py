"""Vectors of a sentence-transformers model on this machine: a folder, or a name that the library knows where to find.

The library and its torch take seconds and hundreds of megabytes, so they are imported when the first text comes. Code that a model brings
along is never run. The name of the vectors holds a digest of the model's own description, because another model may be put into the
same folder; one text at a time goes through the model, which uses all cores by itself.
"""

import threading
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import NotConfigured, Upstream
from knowledge_base.embed import Vectors

MAX_TEXT = 8_000
BATCH = 32
_DESCRIBES = ("config.json", "modules.json", "sentence_bert_config.json", "1_Pooling/config.json")


class SentenceEmbedder:
    def __init__(self, model: str) -> None:
        self._model = model
        self._loaded: Any = None
        self._turn = threading.Lock()
        self.name = f"sentences/{_called(model)}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        with self._turn:
            rows = self._ready().encode(
                [text[:MAX_TEXT] for text in texts],
                batch_size=BATCH,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        return np.asarray(rows, dtype=np.float32)

    def question(self, text: str) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self.embed([text])[0]
        return row

    def _ready(self) -> Any:
        if self._loaded is None:
            self._loaded = _load(self._model)
        return self._loaded


def _load(model: str) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise NotConfigured("The embedding model", "pip install 'firstmate[embeddings]'") from None
    try:
        return SentenceTransformer(model, device="cpu", trust_remote_code=False)
    except (OSError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise Upstream(
            f"The embedding model {_short(model)}", f"could not be loaded: {said}", retryable=False
        ) from None


def _called(model: str) -> str:
    folder = Path(model)
    if not folder.is_dir():
        return _short(model)
    digest = blake2b(digest_size=6)
    for name in _DESCRIBES:
        if (folder / name).is_file():
            digest.update((folder / name).read_bytes())
    for weights in sorted(folder.glob("*.safetensors")):
        digest.update(f"{weights.name}{weights.stat().st_size}".encode())
    return f"{_short(model)}-{digest.hexdigest()}"


def _short(model: str) -> str:
    folder = Path(model)
    return folder.resolve().name if folder.is_dir() else model[-60:]
