"""Which embedder the settings mean.

No model named: the lexical vectors, which need nothing. A model and an address: the endpoint's. A model alone: one on this machine. The
last two cost time or money for every text, so what they say is kept.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from core.errors import Invalid
from knowledge_base.embed import Embedder, LexicalEmbedder
from knowledge_base.embedders.endpoint import Address, EndpointEmbedder, Pulse
from knowledge_base.embedders.sentences import SentenceEmbedder
from knowledge_base.embedders.vault import RememberingEmbedder, Vault
from knowledge_base.segment import Segmenter

VAULT = "vectors.db"


@dataclass(frozen=True, slots=True)
class Wish:
    model: str = ""
    base_url: str = ""
    api_key: str = ""
    timeout: float = 30.0


def chosen(wish: Wish, segmenter: Segmenter, data_dir: Path) -> Embedder:
    if not wish.model:
        if wish.base_url:
            raise Invalid("EMBEDDING_BASE_URL is set and EMBEDDING_MODEL is not.", field="EMBEDDING_MODEL")
        return LexicalEmbedder(segmenter)
    vault = Vault(data_dir / VAULT, time.time)
    if wish.base_url:
        address = Address(wish.base_url, wish.model, wish.api_key, wish.timeout)
        return RememberingEmbedder(EndpointEmbedder(address, Pulse(time.monotonic, time.sleep)), vault)
    return RememberingEmbedder(SentenceEmbedder(wish.model), vault)
