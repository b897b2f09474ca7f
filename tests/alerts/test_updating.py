"""One message that stays one: posted, updated where it stands, and found again after a restart."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest

from alerts.notify.channels import Channel, Memory, Shared, ShortMemory
from alerts.notify.channels.feishu.app import FeishuApp
from alerts.notify.channels.slack import SlackChannel
from alerts.notify.channels.slack.bot import SlackBot
from alerts.notify.channels.updating import Habits, Updating
from alerts.notify.message import Message, compose
from alerts.notify.posted import PostedMessages
from alerts.notify.workshop import build_channels
from alerts.routing.config import parse_config
from core.clock import ManualClock
from core.database import Database
from core.errors import Invalid, Upstream
from tests.alerts.night import EVENING
from tests.alerts.test_channels import alert, message

BASE = "https://chat.example.com"


@dataclass
class Chat:
    """A vendor with both roads' manners: messages by name, which can be changed, answered and removed."""

    kind: str
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    replies: list[tuple[str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    tokens: int = 0
    fails: httpx.Response | None = None
    fails_at: str = ""
    calls: list[str] = field(default_factory=list)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(f"{request.method} {request.url.path}")
        if self.fails is not None and self.fails_at in self.calls[-1]:
            return httpx.Response(
                self.fails.status_code, headers=self.fails.headers, stream=httpx.ByteStream(self.fails.content)
            )
        body = orjson.loads(request.content)
        said = self._slack(request, body) if self.kind == "slack" else self._feishu(request, body)
        return httpx.Response(200, stream=httpx.ByteStream(orjson.dumps(said)))

    def _slack(self, request: httpx.Request, body: dict[str, Any]) -> dict[str, Any]:
        if request.headers["authorization"] != "Bearer xoxb":
            return {"ok": False, "error": "invalid_auth"}
        if request.url.path == "/chat.update":
            if body["ts"] not in self.messages:
                return {"ok": False, "error": "message_not_found"}
            self.messages[body["ts"]] = body
            return {"ok": True, "channel": "C1", "ts": body["ts"]}
        if "thread_ts" in body:
            self.replies.append((body["thread_ts"], body["text"]))
            return {"ok": True, "ts": "reply"}
        name = f"{len(self.messages) + 1}.0"
        self.messages[name] = body
        return {"ok": True, "channel": "C1", "ts": name}

    def _feishu(self, request: httpx.Request, body: dict[str, Any]) -> dict[str, Any]:
        path = request.url.path
        if path.endswith("/internal"):
            self.tokens += 1
            return {"code": 0, "tenant_access_token": f"t-{self.tokens}", "expire": 7200}
        if request.headers["authorization"] != f"Bearer t-{self.tokens}":
            return {"code": 99991663, "msg": "token invalid"}
        self.keys.append(body.get("uuid", ""))
        if request.method == "PATCH":
            name = path.rpartition("/")[2]
            if name not in self.messages:
                return {"code": 230011, "msg": "The message was withdrawn."}
            self.messages[name] = orjson.loads(body["content"])
            return {"code": 0}
        if path.endswith("/reply"):
            self.replies.append((path.split("/")[-2], orjson.loads(body["content"])["text"]))
            return {"code": 0}
        name = f"om_{len(self.messages) + 1}"
        self.messages[name] = orjson.loads(body["content"])
        return {"code": 0, "data": {"message_id": name}}

    @property
    def shown(self) -> list[str]:
        return [str(each) for each in self.messages.values()]


def bot(chat: Chat, memory: Memory, clock: ManualClock, **habits: Any) -> Updating:
    client = httpx.AsyncClient(transport=httpx.MockTransport(chat.answer))
    usual: dict[str, Any] = {"clock": clock, "memory": memory, "client": client, "habits": Habits(**habits)}
    if chat.kind == "slack":
        return SlackBot("team/slack[0]", BASE, token="xoxb", channel="#shop", **usual)
    return FeishuApp("team/feishu[0]", BASE, app_id="cli", app_secret="s", chat="oc", **usual)


@pytest.fixture(params=["slack", "feishu"])
def chat(request: pytest.FixtureRequest) -> Chat:
    return Chat(request.param)


def said(reason: str, *pods: str, state: Any = "firing") -> Message:
    return message(*[alert(pod, state, summary=f"pod-{pod} is down") for pod in pods], reason=reason)


async def tell(channel: Channel, *messages: Message) -> list[str]:
    return [await channel.send(each, key=f"key-{place}") for place, each in enumerate(messages)]


async def test_a_message_is_posted_then_changed_and_ends_where_it_stands(chat: Chat, clock: ManualClock) -> None:
    channel = bot(chat, ShortMemory(), clock)
    first, ended = said("first", "a"), said("resolved", "a", state="resolved")
    assert await tell(channel, first, ended) == ["posted", "updated"]
    (shown,) = chat.shown
    assert "RESOLVED" in shown
    assert chat.replies == []


@pytest.mark.parametrize("reason", ["escalated", "end_taken", "end_resolved", "end_closed"])
async def test_what_an_escalation_says_rings_and_takes_nobodys_place(
    chat: Chat, clock: ManualClock, reason: str
) -> None:
    channel = bot(chat, ShortMemory(), clock)
    await tell(channel, said("first", "a"), said(reason, "a"), said(reason, "b"), said("changed", "a", "b"))
    assert len(chat.messages) == 3
    assert "pod-b" in chat.shown[0]  # the group's own message goes on being updated


async def test_an_alert_that_joins_is_also_said_aloud(chat: Chat, clock: ManualClock) -> None:
    channel = bot(chat, ShortMemory(), clock)
    await tell(channel, said("first", "a"), said("changed", "a", "b", "c"), said("changed", "a", "b"))
    (shown,) = chat.shown
    assert "pod-b is down" in shown
    assert [text for _, text in chat.replies] == ["Also firing: pod-b is down (and 1 more)"]


async def test_a_repeat_is_a_new_message_that_is_updated_from_then_on(chat: Chat, clock: ManualClock) -> None:
    channel = bot(chat, ShortMemory(), clock)
    await tell(channel, said("first", "a"), said("repeat", "a"), said("resolved", "a", state="resolved"))
    old, new = chat.shown
    assert ("FIRING" in old, "RESOLVED" in new) == (True, True)


async def test_a_repeat_may_be_a_reply_instead(chat: Chat, clock: ManualClock) -> None:
    channel = bot(chat, ShortMemory(), clock, repeats="thread")
    await tell(channel, said("first", "a"), said("repeat", "a"))
    assert len(chat.messages) == len(chat.replies) == 1


async def test_a_message_that_is_gone_is_posted_anew(chat: Chat, clock: ManualClock) -> None:
    channel = bot(chat, ShortMemory(), clock)
    await tell(channel, said("first", "a"))
    chat.messages.clear()
    assert await tell(channel, said("changed", "a", "b")) == ["posted"]
    assert "pod-b is down" in chat.shown[0]


async def test_a_new_episode_is_a_new_message(chat: Chat, clock: ManualClock) -> None:
    channel = bot(chat, ShortMemory(), clock)
    await tell(channel, said("first", "a"), said("resolved", "a", state="resolved"), said("first", "a"))
    assert len(chat.messages) == 2


async def test_a_restart_goes_on_with_the_same_message(chat: Chat, clock: ManualClock, database: Database) -> None:
    await tell(bot(chat, PostedMessages(database, clock), clock), said("first", "a"))
    await tell(bot(chat, PostedMessages(database, clock), clock), said("changed", "a", "b"))
    await tell(bot(chat, PostedMessages(database, clock), clock), said("resolved", "a", "b", state="resolved"))
    (shown,) = chat.shown
    assert "RESOLVED" in shown
    assert await PostedMessages(database, clock).last("team/slack[0]", said("first", "a").group_key) is None


async def test_two_groups_have_two_messages(chat: Chat, clock: ManualClock, database: Database) -> None:
    channel = bot(chat, PostedMessages(database, clock), clock)
    other = compose(
        receiver="phone", reason="changed", group_key="other", group_labels={}, alerts=[alert("z")], external_url=""
    )
    await tell(channel, said("first", "a"), other)
    assert len(chat.messages) == 2


async def test_without_update_every_message_is_its_own(chat: Chat, clock: ManualClock) -> None:
    channel = bot(chat, ShortMemory(), clock, update=False)
    await tell(channel, said("first", "a"), said("changed", "a", "b"), said("resolved", "a", state="resolved"))
    assert len(chat.messages) == 3


async def test_a_trial_leaves_nothing_behind_to_be_updated(chat: Chat, clock: ManualClock) -> None:
    memory = ShortMemory()
    await tell(bot(chat, memory, clock), said("test", "a"))
    assert await memory.last(bot(chat, memory, clock).name, said("test", "a").group_key) is None


@pytest.mark.parametrize(("status", "retryable"), [(429, True), (503, True), (403, False)])
async def test_an_update_that_fails_is_a_failure_and_tried_again_as_an_update(
    chat: Chat, clock: ManualClock, status: int, retryable: bool
) -> None:
    channel = bot(chat, ShortMemory(), clock)
    await tell(channel, said("first", "a"))
    chat.fails, chat.fails_at = httpx.Response(status, headers={"retry-after": "9"}, content=b"{}"), "om_1"
    chat.fails_at = "update" if chat.kind == "slack" else "om_1"
    with pytest.raises(Upstream) as failed:
        await tell(channel, said("changed", "a", "b"))
    assert failed.value.retryable is retryable
    chat.fails = None
    assert await tell(channel, said("changed", "a", "b")) == ["updated"]
    assert len(chat.messages) == len(chat.replies) == 1


@pytest.mark.parametrize(
    ("error", "retryable"), [("channel_not_found", False), ("invalid_auth", False), ("ratelimited", True)]
)
async def test_slack_says_no_with_a_good_status(clock: ManualClock, error: str, retryable: bool) -> None:
    chat = Chat("slack", fails=httpx.Response(200, content=orjson.dumps({"ok": False, "error": error})))
    with pytest.raises(Upstream, match=error) as refused:
        await tell(bot(chat, ShortMemory(), clock), said("first", "a"))
    assert refused.value.retryable is retryable


async def test_feishus_token_is_asked_for_once_until_it_ends(clock: ManualClock) -> None:
    chat = Chat("feishu")
    channel = bot(chat, ShortMemory(), clock)
    await tell(channel, said("first", "a"), said("changed", "a", "b"))
    assert chat.tokens == 1
    await clock.advance(7200 - 300)
    await tell(channel, said("resolved", "a", state="resolved"))
    assert chat.tokens == 2


async def test_a_token_that_feishu_has_forgotten_is_asked_for_again(clock: ManualClock) -> None:
    chat = Chat("feishu")
    channel = bot(chat, ShortMemory(), clock)
    await tell(channel, said("first", "a"))
    chat.tokens += 7
    assert await tell(channel, said("changed", "a", "b")) == ["updated"]


async def test_feishu_honours_the_key_and_shares_a_card_that_can_change(clock: ManualClock) -> None:
    chat = Chat("feishu")
    await tell(bot(chat, ShortMemory(), clock), said("first", "a"))
    assert chat.keys == ["key-0"]
    assert chat.messages["om_1"]["config"]["update_multi"] is True


def test_an_end_is_heard_by_whoever_shows_it_in_place_and_alertmanagers_way_of_a_token_is_understood() -> None:
    text = """
    route: {receiver: a}
    receivers:
      - name: a
        slack_configs:
          - {bot_token: xoxb, channel: C1}
          - {api_url: 'https://slack.com/api/chat.postMessage', channel: C1, http_config: {authorization: {credentials: x}}}
          - {api_url: 'https://hooks.slack.com/x', channel: C1}
          - {bot_token: xoxb, channel: C1, send_resolved: false}
        feishu_configs: [{app_id: a, app_secret: 'env:S', chat_id: oc, repeats: thread}]
    """
    shared = Shared(ManualClock(EVENING), secret=lambda reference: reference)
    receivers, channels = build_channels(parse_config(text, "am.yml"), shared)
    assert [type(each) for each in channels] == [SlackBot, SlackBot, SlackChannel, SlackBot, FeishuApp]
    assert [each.sends_resolved for each in receivers["a"]] == [True, True, False, False, True]


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ("slack_configs: [{bot_token: x}]", "channel"),
        ("slack_configs: [{api_url: 'https://x', update: true}]", "only a bot_token can update"),
        ("slack_configs: [{bot_token: x, channel: c, repeats: loud}]", "anew or thread"),
        ("feishu_configs: [{app_id: x, chat_id: c}]", "app_secret is missing"),
        ("feishu_configs: [{app_id: x, app_secret: y, chat_id: c, update: maybe}]", "true or false"),
        ("feishu_configs: [{app_id: x, app_secret: y, url: 'https://x'}]", "unknown field url"),
    ],
)
def test_what_cannot_be_updated_is_refused_by_its_place(config: str, complaint: str) -> None:
    text = f"{{route: {{receiver: a}}, receivers: [{{name: a, {config}}}]}}"
    with pytest.raises(Invalid, match=complaint):
        build_channels(parse_config(text, "am.yml"), Shared(ManualClock(EVENING)))
