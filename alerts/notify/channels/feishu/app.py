"""Feishu by an app's bot: a card that is updated in place as its group changes.

The app's own token is asked for with its secret and kept until five minutes before it ends; a token that Feishu does not know any more
is asked for once again. Feishu says in the body's `code` what it thinks, whatever the status. A post carries the idempotency key as its
`uuid`, which Feishu honours for an hour. Lark is the same at another address (`api_url: https://open.larksuite.com`).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson

from alerts.notify.channels.feishu.look import card, illustrated
from alerts.notify.channels.post import Answer
from alerts.notify.channels.updating import Gone, Updating
from alerts.notify.letter import letter
from alerts.notify.message import Message
from core.errors import Upstream

ADDRESS = "https://open.feishu.cn"
_MESSAGES = "/open-apis/im/v1/messages"
_TOKEN = "/open-apis/auth/v3/tenant_access_token/internal"  # noqa: S105 - an address
_EARLIER = timedelta(minutes=5)
_STALE = frozenset({99991661, 99991663, 99991664, 99991665, 99991668, 99991677})
_MAY_PASS = frozenset({99991400, 230020, 1000004, 1000005, 11232, 190005, 2200})
_GONE = frozenset({230011, 230012, 230031, 230110})


class FeishuApp(Updating):
    kind = "feishu"
    product = "Feishu"

    def __init__(self, name: str, url: str, *, app_id: str, app_secret: str, chat: str, **usual: Any) -> None:
        super().__init__(name, url, **usual)
        self._app = {"app_id": app_id, "app_secret": app_secret}
        self._chat = chat
        self._token = ""
        self._token_until: datetime | None = None

    async def post(self, message: Message, key: str) -> Mapping[str, str]:
        body = {
            "receive_id": self._chat,
            "msg_type": "interactive",
            "content": await self._card(message),
            "uuid": key[:50],
        }
        said = await self._call("POST", f"{_MESSAGES}?receive_id_type=chat_id", body)
        data = said.get("data")
        return {"message_id": str(data.get("message_id", ""))} if isinstance(data, dict) else {"message_id": ""}

    async def update(self, mark: Mapping[str, str], message: Message) -> None:
        await self._call(
            "PATCH", f"{_MESSAGES}/{quote(mark['message_id'], safe='')}", {"content": await self._card(message)}
        )

    async def reply(self, mark: Mapping[str, str], text: str, key: str) -> None:
        content = orjson.dumps({"text": str(self.redact(text)).replace("<", "＜")}).decode()
        body = {"msg_type": "text", "content": content, "uuid": key[:50]}
        await self._call("POST", f"{_MESSAGES}/{quote(mark['message_id'], safe='')}/reply", body)

    async def _card(self, message: Message) -> str:
        made = card(letter(message, self.language))
        picture = await self.pictures.show(message.question)
        if picture and picture.url:
            made = illustrated(made, picture.caption(self.language), picture.url)
        shown = self.redact(made)
        return orjson.dumps({**shown, "config": {**shown.get("config", {}), "update_multi": True}}).decode()

    async def _call(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        code, said, answer = await self._asked(method, path, body)
        if code in _STALE:
            self._token_until = None
            code, said, answer = await self._asked(method, path, body)
        if code == 0:
            return said
        if code in _GONE:
            raise Gone
        raise self._refusal(code, said, answer)

    async def _asked(self, method: str, path: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any], Answer]:
        headers = {"Authorization": f"Bearer {await self._current_token()}"}
        answer = await self.poster.ask(method, f"{self.url}{path}", orjson.dumps(body), headers)
        return self._read(answer)

    async def _current_token(self) -> str:
        now = self.clock.now()
        if self._token_until is not None and now < self._token_until:
            return self._token
        code, said, answer = self._read(
            await self.poster.ask("POST", f"{self.url}{_TOKEN}", orjson.dumps(self._app), {})
        )
        if code != 0:
            raise self._refusal(code, said, answer)
        self._token = str(said.get("tenant_access_token", ""))
        expire = said.get("expire")
        self._token_until = now + timedelta(seconds=expire if isinstance(expire, int) else 0) - _EARLIER
        return self._token

    def _read(self, answer: Answer) -> tuple[int, dict[str, Any], Answer]:
        try:
            said: dict[str, Any] = orjson.loads(answer.body)
            code = int(said["code"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            if not 200 <= answer.status < 300:
                raise self.poster.refusal(answer) from None
            raise Upstream(self.system, f"answered nonsense: {answer.text[:100]}", retryable=True) from None
        if code == 0 and not 200 <= answer.status < 300:
            raise self.poster.refusal(answer)
        return code, said, answer

    def _refusal(self, code: int, said: Mapping[str, Any], answer: Answer) -> Upstream:
        """Its status speaks too: 429 and 5xx pass, and say how long that may take."""
        by_status = self.poster.refusal(answer)
        retryable = code in _MAY_PASS or (not 200 <= answer.status < 300 and by_status.retryable)
        words = f"refused the message ({code}): {str(said.get('msg', ''))[:200]}"
        error = Upstream(self.system, words, retryable=retryable, status=answer.status)
        if "retry_after" in by_status.details:
            error.details["retry_after"] = by_status.details["retry_after"]
        return error
