"""An OpenAI-compatible endpoint as a chat model, and the ways in which one fails, told apart.

The libraries behind it cost half a second and 30 MB, so this module is imported where an endpoint is configured and nowhere else: a
server that answers with the offline planner never pays for them.
"""

import openai
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from agent.models import ModelFailed


def chat(
    name: str, *, base_url: str, api_key: str, timeout: float, temperature: float, max_tokens: int
) -> BaseChatModel:
    return ChatOpenAI(
        model=name,
        base_url=base_url,
        api_key=SecretStr(api_key or "none"),
        timeout=timeout,
        temperature=temperature,
        max_completion_tokens=max_tokens,
        max_retries=0,
        stream_usage=True,
    )


def explain(error: Exception, timeout: float) -> ModelFailed | None:
    """What an error of the client library means, or None for one that is not its own."""
    # A timeout is a connection error to the library, so it is asked for first.
    if isinstance(error, openai.APITimeoutError):
        return ModelFailed("slow", seconds=timeout)
    if isinstance(error, openai.APIStatusError):
        return ModelFailed("status", status=error.status_code)
    if isinstance(error, openai.APIConnectionError):
        return ModelFailed("refused")
    return None
