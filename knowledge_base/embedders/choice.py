"""Which embedder the settings mean.

No model named: none of these, the lexical vectors need nothing. A model and an address: the endpoint's. A model alone: one on this
machine. The last two cost time or money for every text, so what they say is kept.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from core.errors import Invalid
from knowledge_base.embed import Embedder
from knowledge_base.embedders.endpoint import Address, EndpointEmbedder, Pulse
from knowledge_base.embedders.sentences import SentenceEmbedder
from knowledge_base.embedders.vault import RememberingEmbedder, Vault

VAULT = "vectors.db"


@dataclass(frozen=True, slots=True)
class Wish:
    model: str = ""
    base_url: str = ""
    api_key: str = ""
    timeout: float = 30.0


def chosen(wish: Wish, data_dir: Path) -> Embedder | None:
    if not wish.model:
        if wish.base_url:
            raise Invalid("EMBEDDING_BASE_URL is set and EMBEDDING_MODEL is not.", field="EMBEDDING_MODEL")
        return None
    vault = Vault(data_dir / VAULT, time.time)
    if wish.base_url:
        address = Address(wish.base_url, wish.model, wish.api_key, wish.timeout)
        return RememberingEmbedder(EndpointEmbedder(address, Pulse(time.monotonic, time.sleep)), vault)
    return RememberingEmbedder(SentenceEmbedder(wish.model), vault)
