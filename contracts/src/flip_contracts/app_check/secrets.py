"""Credentials that an app would carry to the hub and to every trust. A message never repeats one."""

import ast
import json
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final, cast

from flip_contracts.app_check.finding import Finding, found

_PEM: Final = re.compile(r"-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY-----")
_PEM_LONGEST: Final = 20_000
_PEM_BREAKS: Final = re.compile(r"\\n|[\s\"'+\\]+")  # lines in a file, in a text, or in several texts
_PEM_BODY: Final = re.compile(r"[A-Za-z0-9+/=]{40,}")  # asked for, so that a mention of the header is no finding
# Kinds that are known by their form, in any text.
_KNOWN: Final = {
    "an AWS key": re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Z0-9])"),
    "a GitHub token": re.compile(r"(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})"),
    "a GitLab token": re.compile(r"(?<!\w)glpat-[\w-]{20}(?![\w-])"),
    "a Hugging Face token": re.compile(r"(?<!\w)hf_[A-Za-z0-9]{30,}"),
    "a Slack token": re.compile(r"(?<!\w)xox[abpr]-[A-Za-z0-9-]{20,}"),
}
_NAME: Final = re.compile(
    r"(?:^|[_\-.])(?:password|passwd|passphrase|pwd|token|secret|credentials?|api[_-]?key|access[_-]?key|"
    r"secret[_-]?key|private[_-]?key|auth[_-]?key)(?:$|[_\-.](?:id|key|value|prod|dev|test|default)$)",
    re.IGNORECASE,
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_RUN: Final = re.compile(r"[A-Za-z0-9+/=]+")
_MIN_LENGTH, _MIN_RUN, _MIN_BITS = 20, 16, 3.0
_YAML_LINE: Final = re.compile(r"^\s*(?:-\s+)?[\"']?([\w.-]+)[\"']?\s*:\s*[\"']?([^\s\"'#]+)[\"']?\s*(?:#.*)?$")


def check_secrets(file: str, content: bytes) -> Iterator[Finding]:
    """One finding per line of any text file of the app."""
    text = content.decode("utf-8", errors="replace")
    lines: dict[int, str] = {}
    for kind, pattern in _KNOWN.items():
        for match in pattern.finditer(text):
            if not match[0].endswith("EXAMPLE"):  # AWS's documentation
                lines.setdefault(_line(text, match.start()), kind)
    for match in _PEM.finditer(text):
        body, end, _ = text[match.end() : match.end() + _PEM_LONGEST].partition("-----END")
        if end and any(_PEM_BODY.fullmatch(piece) for piece in _PEM_BREAKS.split(body)):
            lines.setdefault(_line(text, match.start()), "a private key")
    for name, value, line in _named(file, text):
        if _NAME.search(_CAMEL.sub("_", name)) and _is_random(value):
            lines.setdefault(line or _line(text, max(text.find(value), 0)), f"a long random text in {name}")
    for line, kind in sorted(lines.items()):
        yield found(
            "secret_in_app",
            f"This looks like {kind}. The hub and every trust would receive it.",
            "Remove it, and revoke it where it is valid. Apps on FLIP need no credentials.",
            file,
            line,
        )


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _is_random(value: str) -> bool:
    """Long, of letters and digits in one run, and not repetitive: a key, not words or a placeholder."""
    if len(value) < _MIN_LENGTH or any(sign.isspace() for sign in value) or "://" in value or "{" in value:
        return False
    run = max(_RUN.findall(value), key=len, default="")
    counts = Counter(run)
    bits = -sum(n / len(run) * math.log2(n / len(run)) for n in counts.values()) if run else 0.0
    mixed = any(sign.isdigit() for sign in run) and any(sign.isalpha() for sign in run)
    return len(run) >= _MIN_RUN and mixed and bits >= _MIN_BITS


def _named(file: str, text: str) -> Iterator[tuple[str, str, int | None]]:
    """Texts with the name that they are given, and the line where the parser tells it."""
    try:
        match PurePosixPath(file).suffix:
            case ".py":
                yield from _in_python(ast.parse(text))
            case ".toml":
                yield from _in_data(tomllib.loads(text))
            case ".json":
                yield from _in_data(json.loads(text))
            case ".jsonl":
                for line in text.splitlines():
                    yield from _in_data(json.loads(line))
            case ".yaml" | ".yml":
                for number, line in enumerate(text.splitlines(), 1):
                    if match := _YAML_LINE.match(line):
                        yield match[1], match[2], number
            case _:
                return
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return  # other rules tell what cannot be parsed


def _in_python(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    for node in ast.walk(tree):
        pairs: list[tuple[ast.expr | str | None, ast.expr | None]] = []
        match node:
            case ast.Assign():
                pairs = [(target, node.value) for target in node.targets]
            case ast.AnnAssign() | ast.NamedExpr():
                pairs = [(node.target, node.value)]
            case ast.keyword():
                pairs = [(node.arg, node.value)]
            case ast.Dict():
                pairs = list(zip(node.keys, node.values, strict=True))
            case ast.Call(func=ast.Attribute(attr="setdefault" | "putenv" | "get" | "getenv"), args=[key, value, *_]):
                pairs = [(key, value)]
            case ast.arguments():
                named = [*node.posonlyargs, *node.args]
                defaults = zip(named[len(named) - len(node.defaults) :], node.defaults, strict=True)
                pairs = [
                    (arg.arg, value) for arg, value in [*defaults, *zip(node.kwonlyargs, node.kw_defaults, strict=True)]
                ]
            case _:
                continue
        for key, value in pairs:
            name = _name_in(key)
            if name and isinstance(value, ast.Constant) and isinstance(value.value, str | bytes):
                said = value.value if isinstance(value.value, str) else value.value.decode("latin-1")
                yield name, said, value.lineno


def _name_in(key: ast.expr | str | None) -> str | None:
    match key:
        case str() | None:
            return key
        case ast.Name():
            return key.id
        case ast.Attribute():
            return key.attr
        case ast.Subscript(slice=ast.Constant(value=str(name))) | ast.Constant(value=str(name)):
            return name
        case _:
            return None


def _in_data(value: object, name: str = "") -> Iterator[tuple[str, str, None]]:
    if isinstance(value, dict):
        for key, inner in cast("dict[object, object]", value).items():
            yield from _in_data(inner, str(key))
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _in_data(inner, name)
    elif isinstance(value, str):
        yield name, value, None
