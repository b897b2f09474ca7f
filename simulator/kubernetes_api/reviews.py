"""Questions to the API server that are asked by creating an object: who am I, may I, may they, and a token please.

Nothing of these is kept; the answer is the object with its status.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from simulator.kubernetes_api.call import Call, accepted_form, render
from simulator.kubernetes_api.identity import User, account_token, named
from simulator.kubernetes_api.rbac import Authorizer, Deed
from simulator.kubernetes_api.reads import existing
from simulator.kubernetes_api.status import bad_request, invalid, invalid_value, required
from simulator.store import timestamp

Object = dict[str, Any]
SHORTEST_TOKEN = 600
LONGEST_TOKEN = 1 << 32


async def ask(call: Call) -> Response:
    sent = call.typed(await call.document())
    status = _ANSWERS[call.resource.kind](call, sent.get("spec") or {})
    return render(
        call.shown({**sent, "metadata": _metadata(call, sent), "status": status}), 201, accepted_form(call.request)
    )


def _metadata(call: Call, sent: Object) -> Object:
    made = {"creationTimestamp": timestamp(call.hooks.now())} if call.resource.kind == "SelfSubjectReview" else {}
    return {**sent["metadata"], **made}


def _who(call: Call, _: Object) -> Object:
    user = call.user
    info: Object = {"username": user.name, "groups": list(user.groups)}
    info |= {"uid": user.uid} if user.uid else {}
    return {"userInfo": info}


def _may_i(call: Call, spec: Object) -> Object:
    return _verdict(call, call.user, spec)


def _may_they(call: Call, spec: Object) -> Object:
    if not spec.get("user") and not spec.get("groups"):
        raise invalid(call.resource, "", [required("spec.user", "at least one of user or group must be specified")])
    return _verdict(call, named(str(spec.get("user") or ""), tuple(spec.get("groups") or ())), spec)


def _verdict(call: Call, user: User, spec: Object) -> Object:
    asked, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (asked is None) == (path is None):
        errors = [
            invalid_value(
                "spec.resourceAttributes",
                "",
                "exactly one of nonResourceAttributes or resourceAttributes must be specified",
            )
        ]
        raise invalid(call.resource, "", errors)
    deed = _deed(asked) if asked is not None else Deed(_text(path, "verb"), path=_text(path, "path"))
    verdict = _authorizer(call).judge(user, deed)
    status: Object = {"allowed": verdict.allowed}
    return {**status, "reason": verdict.reason} if verdict.reason else status


def _deed(asked: Object) -> Deed:
    fields = ("verb", "group", "resource", "subresource", "namespace", "name")
    return Deed(*(_text(asked, name) for name in fields))


def _text(source: Object | None, name: str) -> str:
    return str((source or {}).get(name) or "")


def _authorizer(call: Call) -> Authorizer:
    found: Authorizer = call.request.state.authorizer
    return found


def _all_i_may(call: Call, spec: Object) -> Object:
    namespace = _text(spec, "namespace")
    if not namespace:
        raise bad_request("no namespace on request")
    rules = _authorizer(call).rules(call.user, namespace)
    resources = [rule for rule in rules if "resources" in rule]
    paths = [rule for rule in rules if "nonResourceURLs" in rule]
    return {"resourceRules": resources, "nonResourceRules": paths, "incomplete": False}


_ANSWERS: dict[str, Callable[[Call, Object], Object]] = {
    "SelfSubjectAccessReview": _may_i,
    "SubjectAccessReview": _may_they,
    "LocalSubjectAccessReview": _may_they,
    "SelfSubjectRulesReview": _all_i_may,
    "SelfSubjectReview": _who,
}
KINDS = frozenset(_ANSWERS)


async def token(call: Call) -> Response:
    """`kubectl create token`: the token says in its own words whose it is, for nothing here is secret."""
    account, sent = existing(call), await call.document()
    spec = (sent.get("spec") if isinstance(sent, dict) else None) or {}
    seconds = spec.get("expirationSeconds") or 3600
    if not isinstance(seconds, int) or not SHORTEST_TOKEN <= seconds <= LONGEST_TOKEN:
        error = invalid_value("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
        raise invalid(call.resource, call.wanted_name, [error])
    metadata = account["metadata"]
    status = {
        "token": account_token(metadata["namespace"], metadata["name"]),
        "expirationTimestamp": timestamp(call.hooks.now() + timedelta(seconds=seconds)),
    }
    named_ = {"name": metadata["name"], "namespace": metadata["namespace"]}
    kind = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1"}
    return render({**kind, "metadata": named_, "spec": {**spec, "expirationSeconds": seconds}, "status": status}, 201)
