"""Whatever a client sends, it gets an answer: bodies grown at random from the schema, with nonsense mixed in."""

from __future__ import annotations

import random
from typing import Any

import httpx
import orjson
import pytest

from simulator.kubernetes_api import RESOURCES, Resource
from simulator.kubernetes_api.schema import SCALARS, Field, fields_of, root_fields
from tests.simulator.kubernetes_world import a_world, client_of

NONSENSE: list[Any] = [None, 0, -1, 1.5, True, "", "x", "100m", [], {}, [1], [None], [{}], {"a": 1}, {"a": None}, 2**62]
PLAUSIBLE: dict[str, list[Any]] = {
    "string": ["web", "x", "", "RollingUpdate", "Recreate", "TCP", "Always"],
    "int": [0, 1, -1, 80, 99_999],
    "bool": [True, False],
    "quantity": ["1", "100m", "-1", "1Gi", 2],
    "intstr": [1, "25%", "http", 0],
    "time": ["2026-03-02T12:00:00Z", "2026-13-02T12:00:00Z"],
    "any": NONSENSE,
}
PATCHES = ["application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"]
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


class Grower:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def body(self, resource: Resource) -> Any:
        grown = self._struct(root_fields(resource.kind) or {}, 0)
        if self.random.random() < 0.9:
            grown["metadata"] = {"name": self.random.choice(["web", "a", "b"])}
        return grown if self.random.random() < 0.95 else self.random.choice(NONSENSE)

    def _struct(self, fields: dict[str, Field], depth: int) -> dict[str, Any]:
        chosen = {name: field for name, field in fields.items() if self.random.random() < (0.35 if depth else 0.9)}
        return {name: self._value(field, depth) for name, field in chosen.items() if name not in ("apiVersion", "kind")}

    def _value(self, field: Field, depth: int) -> Any:
        if self.random.random() < 0.1:
            return self.random.choice(NONSENSE)
        if field.shape == "list":
            return [self._single(field, depth) for _ in range(self.random.randint(0, 2))]
        if field.shape == "map":
            keys = self.random.choices(["a", "app", "cpu", "storage"], k=self.random.randint(0, 2))
            return {key: self._single(field, depth) for key in keys}
        return self._single(field, depth)

    def _single(self, field: Field, depth: int) -> Any:
        if field.type in SCALARS:
            return self.random.choice(PLAUSIBLE[field.type])
        return self._struct(fields_of(field.type) or {}, depth + 1) if depth < 8 else {}


async def send(client: httpx.AsyncClient, grower: Grower, path: str, body: bytes) -> httpx.Response:
    pick = grower.random.choice
    name = pick(["web", "a", "b"])
    json = {"content-type": "application/json"}
    method = pick(["POST", "POST", "PUT", "PATCH", "PATCH", "DELETE"])
    if method == "POST":
        return await client.post(path, content=body, headers=json)
    if method == "PUT":
        return await client.put(f"{path}/{name}", content=body, headers=json)
    if method == "DELETE":
        return await client.request("DELETE", f"{path}/{name}", content=pick([b"", body]))
    params = {"fieldManager": pick(["x", "y"]), "force": pick(["true", "false"])}
    return await client.patch(f"{path}/{name}", content=body, headers={"content-type": pick(PATCHES)}, params=params)


@pytest.mark.parametrize("seed", range(4))
async def test_no_body_is_too_strange_for_an_answer(seed: int) -> None:
    grower, codes = Grower(seed), set()
    async with client_of(a_world()) as client:
        for _ in range(150):
            resource = grower.random.choice(RESOURCES)
            scope = "/namespaces/shop" if resource.namespaced else ""
            path = f"{'/apis' if resource.group else '/api'}/{resource.api_version}{scope}/{resource.plural}"
            answer = await send(client, grower, path, orjson.dumps(grower.body(resource)))
            assert answer.status_code < 500, (path, answer.request.method, answer.request.content)
            codes.add(answer.status_code)
            expected = 200 if "list" in resource.verbs else 405
            assert (await client.get(path, headers={"accept": TABLE})).status_code == expected, path
    assert {201, 400, 404} <= codes
