"""Refusals in the API server's words.

A Failure carries what a `Status` object says: code, reason, message and details. The sentences are the ones clients and
people know from real clusters, because programs match on them and search engines find them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.kubernetes_api.resources import Resource

PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
BODY_TYPES = ("application/json", "application/yaml")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field; `kind` is the reason a cause carries, such as FieldValueInvalid."""

    field: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.field}: {self.text}"


def invalid_value(field: str, value: Any, detail: str) -> FieldError:
    shown = f'"{value}"' if isinstance(value, str) else _go_value(value)
    return FieldError(field, "FieldValueInvalid", f"Invalid value: {shown}: {detail}")


def required(field: str, detail: str = "") -> FieldError:
    return FieldError(field, "FieldValueRequired", "Required value" + (f": {detail}" if detail else ""))


def duplicate(field: str, value: str) -> FieldError:
    return FieldError(field, "FieldValueDuplicate", f'Duplicate value: "{value}"')


def unsupported(field: str, value: str, allowed: tuple[str, ...]) -> FieldError:
    choices = ", ".join(f'"{choice}"' for choice in allowed)
    return FieldError(field, "FieldValueNotSupported", f'Unsupported value: "{value}": supported values: {choices}')


def forbidden(field: str, detail: str) -> FieldError:
    return FieldError(field, "FieldValueForbidden", f"Forbidden: {detail}")


class Failure(Exception):
    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}

    def body(self) -> dict[str, Any]:
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }
        if not self.details:
            del status["details"]
        return status


def success(details: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _details(resource: Resource, name: str, kind: str | None = None) -> dict[str, Any]:
    details: dict[str, Any] = {"name": name}
    if resource.group:
        details["group"] = resource.group
    details["kind"] = kind or resource.plural
    return details


def not_found(resource: Resource, name: str) -> Failure:
    return Failure(404, "NotFound", f'{resource.qualified} "{name}" not found', _details(resource, name))


def already_exists(resource: Resource, name: str) -> Failure:
    return Failure(409, "AlreadyExists", f'{resource.qualified} "{name}" already exists', _details(resource, name))


def conflict(resource: Resource, name: str, why: str) -> Failure:
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return Failure(409, "Conflict", message, _details(resource, name))


def modified(resource: Resource, name: str) -> Failure:
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(resource, name, why)


def invalid(resource: Resource, name: str, errors: list[FieldError]) -> Failure:
    listed = ", ".join(str(error) for error in errors)
    listed = f"[{listed}]" if len(errors) > 1 else listed
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    details = _details(resource, name, resource.kind)
    details["causes"] = [{"reason": error.kind, "message": error.text, "field": error.field} for error in errors]
    return Failure(422, "Invalid", f'{kind} "{name}" is invalid: {listed}', details)


def bad_request(message: str) -> Failure:
    return Failure(400, "BadRequest", message)


def bad_object(resource: Resource, why: str) -> Failure:
    message = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {why}'
    return bad_request(message)


def unauthorized() -> Failure:
    return Failure(401, "Unauthorized", "Unauthorized")


def forbidden_request(resource: Resource, name: str, why: str) -> Failure:
    message = f'{resource.qualified} "{name}" is forbidden: {why}'
    return Failure(403, "Forbidden", message, _details(resource, name))


def method_not_allowed() -> Failure:
    message = "the server does not allow this method on the requested resource"
    return Failure(405, "MethodNotAllowed", message, {})


def not_implemented(message: str) -> Failure:
    return Failure(501, "NotImplemented", message)


def not_acceptable() -> Failure:
    return Failure(406, "NotAcceptable", f"only the following media types are accepted: {', '.join(BODY_TYPES)}", {})


def unsupported_media_type(accepted: tuple[str, ...]) -> Failure:
    message = "the body of the request was in an unknown format - accepted media types include: " + ", ".join(accepted)
    return Failure(415, "UnsupportedMediaType", message)


def too_large(limit: int) -> Failure:
    return Failure(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit}")


def expired(message: str) -> Failure:
    return Failure(410, "Expired", message)


def version_too_large(asked: int, current: int) -> Failure:
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    return Failure(504, "Timeout", message, {"causes": causes, "retryAfterSeconds": 1})


def rejected_patch() -> Failure:
    return Failure(422, "Invalid", "the server rejected our request due to an error in our request", {})


def disruption_refused(budget: str, detail: str) -> Failure:
    causes = [{"reason": "DisruptionBudget", "message": f"The disruption budget {budget} {detail}"}]
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    return Failure(429, "TooManyRequests", message, {"causes": causes})


def internal_error() -> Failure:
    message = "Internal error occurred: the request could not be handled; the server's log has the cause"
    return Failure(500, "InternalError", message)


def _go_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
