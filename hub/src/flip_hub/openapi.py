"""The OpenAPI document with what every endpoint may answer, beside what each lists itself by `errors(...)`."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI

from flip_hub.auth import CsrfTokenMissing, LoginNeeded, ScopeMissing, SessionRestricted
from flip_hub.errors import (
    Conflict,
    Forbidden,
    HubError,
    Internal,
    NotAuthenticated,
    NotFound,
    RequestInvalid,
    RequestTooLarge,
    Unavailable,
    schema,
)

UNSAFE: Final = frozenset({"post", "put", "patch", "delete"})
REFUSALS: Final = (CsrfTokenMissing, Forbidden, LoginNeeded, ScopeMissing, SessionRestricted)


def with_every_error(app: FastAPI) -> None:
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document(plain())
        return app.openapi_schema or {}

    app.openapi = openapi


def document(spec: dict[str, Any]) -> None:
    """Add to each operation the errors that its shape implies."""
    schemas = spec["components"]["schemas"]
    for path, method, operation in operations(spec):
        _refuses_in_json(operation)
        if _is_default_422(operation):
            del operation["responses"]["422"]
        for kind in _implied(path, method, operation):
            schemas.setdefault(
                schema(kind).__name__, schema(kind).model_json_schema(ref_template="#/components/schemas/{model}")
            )
            _add(operation["responses"], kind)
        operation["responses"] = dict(sorted(operation["responses"].items()))
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)


def operations(spec: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def codes(spec: dict[str, Any], operation: dict[str, Any], status: int) -> set[str]:
    """The error codes that an operation documents for a status; a pattern for one that carries another's code."""
    content = operation["responses"].get(str(status), {}).get("content", {}).get("application/json", {})
    found = content.get("schema", {})
    names = [one["$ref"].rsplit("/", 1)[-1] for one in found.get("anyOf", [found]) if "$ref" in one]
    told = [spec["components"]["schemas"][name]["properties"]["code"] for name in names]
    return {code.get("const") or code["pattern"] for code in told}


def all_errors() -> list[type[HubError]]:
    """Every error of the hub, by code; importing the app has made all of them known."""
    waiting, found = [HubError], {}
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        found[kind.code] = kind
    del found[HubError.code]
    return [found[code] for code in sorted(found)]


def _refuses_in_json(operation: dict[str, Any]) -> None:
    """FastAPI lists refusals under the media type of the endpoint's success, such as that of a stream."""
    for status, answer in operation["responses"].items():
        content = answer.get("content", {})
        if int(status) >= 400 and content and "application/json" not in content:
            answer["content"] = {"application/json": next(iter(content.values()))}


def _implied(path: str, method: str, operation: dict[str, Any]) -> Iterator[type[HubError]]:
    yield Internal
    yield Unavailable
    has_login = bool(operation.get("security"))
    if has_login:
        yield NotAuthenticated
        if path.startswith("/api/v1"):
            yield from REFUSALS
    if operation.get("parameters") or operation.get("requestBody"):
        yield RequestInvalid
    if "{" in path:
        yield NotFound
    if operation.get("requestBody"):
        yield RequestTooLarge
    if method in UNSAFE:
        yield Conflict


def _add(responses: dict[str, Any], kind: type[HubError]) -> None:
    ref = {"$ref": f"#/components/schemas/{schema(kind).__name__}"}
    response = responses.setdefault(str(kind.status), {"description": "", "content": {"application/json": {}}})
    content = response.setdefault("content", {}).setdefault("application/json", {})
    known = content.get("schema", {})
    refs = known.get("anyOf", [known] if known else [])
    if ref in refs:
        return
    content["schema"] = {"anyOf": [*refs, ref]} if refs else ref
    response["description"] = f"{response['description']} `{kind.code}`: {kind.public}".strip()


def _is_default_422(operation: dict[str, Any]) -> bool:
    found = operation["responses"].get("422", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return found.get("$ref", "").endswith("/HTTPValidationError")
