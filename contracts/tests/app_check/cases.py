"""The corpus' small apps as files: what is in them, and what is expected of them. See corpus/README.md."""

import hashlib
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")
FILE = re.compile(r"^-- (\S+)( \(more\))? --$")
MARK = re.compile(r"#> ([a-z0-9_ ]+)$")
Place = tuple[str, str | None, int | None]  # code, file, line


@dataclass
class Case:
    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    expected: Counter[Place] = field(default_factory=Counter)
    headers: dict[str, list[str]] = field(default_factory=dict)


def load(path: Path) -> Case:
    head, files = split(path.read_text("utf-8"))
    case = Case(path.stem)
    for line in head:
        if header := re.match(r"([a-z-]+):(?: (.*))?$", line):
            case.headers.setdefault(header[1], []).append(header[2] or "")
    texts = {} if "base" in case.headers else dict(split((CORPUS / "base.app").read_text("utf-8"))[1])
    for name, text in files.items():
        texts[name.removesuffix(" (more)")] = texts[name.removesuffix(" (more)")] + text if "(more)" in name else text
    for name in case.headers.get("remove", []):
        del texts[name]
    for name, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            if mark := MARK.search(line):
                case.expected.update((code, name, number) for code in mark[1].split())
        case.files[name] = with_random(text).encode()
    for told in case.headers.get("expect", []):
        code, place = told.split()
        name, _, line = place.partition(":")
        case.expected[(code, None if name == "-" else name, int(line) if line else None)] += 1
    return case


def split(text: str) -> tuple[list[str], dict[str, str]]:
    head: list[str] = []
    files: dict[str, str] = {}
    current: str | None = None
    for line in text.splitlines(keepends=True):
        if found := FILE.match(line.rstrip("\n")):
            current = found[1] + (found[2] or "")
            files[current] = ""
        elif current is None:
            head.append(line.rstrip("\n"))
        else:
            files[current] += line
    return head, files


def with_random(text: str) -> str:
    digest = hashlib.sha256(b"corpus").hexdigest()
    upper = "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[int(digest[n : n + 2], 16) % 32] for n in range(0, 32, 2))
    return text.replace("@RANDOM40@", digest[:40]).replace("@RANDOM32@", digest[8:40]).replace("@UPPER16@", upper)


def write(case: Case, root: Path) -> Path:
    for name, content in case.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    for name, size in (told.split() for told in case.headers.get("fill", [])):
        (root / name).write_bytes(b"x" * int(size))
    for name, size in (told.split() for told in case.headers.get("comments", [])):
        (root / name).write_bytes(b"#" * int(size))
    for name, target in (told.split() for told in case.headers.get("link", [])):
        (root / name).symlink_to(target)
    for name in case.headers.get("fifo", []):
        os.mkfifo(root / name)
    return root
