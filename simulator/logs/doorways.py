"""The log of the ingress controller: a line for a customer's request, as nginx writes it, and what it says of a way that leads nowhere."""

from __future__ import annotations

from functools import partial

from simulator.flow import CallFlow, Flow
from simulator.logs.chances import Chance, Line, Moment
from simulator.network import Why
from simulator.telemetry.edge import answers

LINES = 2
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
# Of the controller itself, in the shape of klog; all others are nginx's own.
_OF_CONTROLLER = (Why.NO_SERVICE, Why.NO_ENDPOINTS)
_OF_NGINX = (Why.REFUSED, Why.UNREACHABLE)


def chances(flow: Flow, seconds: float, doorways: int) -> list[Chance]:
    found: list[Chance] = []
    for entry in flow.entries:
        expected = float(entry.rate[0]) * seconds / max(doorways, 1)
        for code, share in answers(flow, entry).items():
            weight = 0.03 if code == "200" else 0.5
            found.append(Chance(expected * share * weight, LINES, partial(_access, entry, code)))
        for obstacle in entry.target.obstacles:
            if obstacle.why in _OF_CONTROLLER:
                found.append(Chance(seconds / 10, 1, partial(_controller, obstacle.words)))
            elif obstacle.why in _OF_NGINX:
                found.append(Chance(expected * obstacle.share * 0.3, LINES, partial(_error, entry, obstacle.words)))
    return found


def _access(entry: CallFlow, code: str, moment: Moment) -> Line:
    dice, at = moment.chance, moment.sometime()
    path = entry.route.example.replace("{n}", str(dice.randint(1, 9_000)))
    took = max(float(entry.latency[0]) * dice.lognormvariate(-0.06, 0.35), 0.001)
    backend = entry.target.backend
    named = f"{'-'.join(backend.key)}-{entry.target.port}" if backend else "upstream-default-backend"
    answered = bool(entry.target.shares) or code in ("502", "504")
    upstream = f"{entry.target.facts.ip}:{entry.target.port} 512 {took:.3f} {code}" if answered else "- - - -"
    request = f'"{entry.route.method} {path} HTTP/2.0" {code} 512 "-" "{_AGENT}" 431 {took:.3f}'
    client = f"203.0.113.{dice.randint(2, 250)}"
    line = f"{client} - - [{at:%d/%b/%Y:%H:%M:%S +0000}] {request} [{named}] [] {upstream} {dice.getrandbits(128):032x}"
    return at, "info", line, {}


def _controller(words: str, moment: Moment) -> Line:
    at = moment.sometime()
    return at, "warn", f"W{at:%m%d %H:%M:%S}.{at.microsecond:06d}       7 controller.go:1231] {words}", {}


def _error(entry: CallFlow, words: str, moment: Moment) -> Line:
    at, number = moment.sometime(), moment.chance.randint(1, 9_000)
    client = f"203.0.113.{moment.chance.randint(2, 250)}"
    path = entry.route.example.replace("{n}", str(number))
    asked = f'request: "{entry.route.method} {path} HTTP/2.0", upstream: "http://{entry.target.facts.ip}:{entry.target.port}{path}"'
    line = f"{at:%Y/%m/%d %H:%M:%S} [error] 31#31: *{number} {words}, client: {client}, {asked}"
    return at, "error", line, {}
