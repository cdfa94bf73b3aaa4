"""Patterns of .gitignore, as Flower reads them (flwr 1.42, pathspec's `gitwildmatch`): the last match decides."""

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patterns:
    _rules: tuple[tuple[re.Pattern[str], bool], ...]

    @classmethod
    def of(cls, lines: Iterable[str]) -> "Patterns":
        """Raises ValueError for a pattern that cannot be read."""
        stripped = (line.strip() for line in lines)
        return cls(tuple(_compile(line) for line in stripped if line.strip("/! ") and not line.startswith("#")))

    def match(self, path: str) -> bool:
        """Whether the path, relative to the folder of the patterns, is meant by them."""
        result = False
        for pattern, wanted in self._rules:
            if pattern.fullmatch(path):
                result = wanted
        return result

    def match_folder(self, path: str) -> bool:
        """Whether whatever a folder holds is meant. With negated patterns that cannot be said of a folder."""
        any_file = f"{path}/\0\0\0\0"  # a name that only a pattern for all names matches
        return all(wanted for _, wanted in self._rules) and self.match(any_file)


def _compile(line: str) -> tuple[re.Pattern[str], bool]:
    wanted = not line.startswith("!")
    line = line.removeprefix("!") if not wanted else line.removeprefix("\\") if line[:2] in ("\\#", "\\!") else line
    segments = line.strip("/").split("/")
    if "/" not in line.rstrip("/"):
        segments.insert(0, "**")  # no slash: at any depth
    regex, last = "", len(segments) - 1
    for number, segment in enumerate(segments):
        if segment == "**":
            regex += ".+" if number == last else "(?:.+/)?"
        else:
            regex += _glob(segment) + ("/" if number != last else "")
    if line.endswith("/"):
        regex += "/.*"
    elif segments[-1] != "**":
        regex += "(?:/.*)?"
    try:
        return re.compile(regex, re.DOTALL), wanted
    except re.error as exc:
        raise ValueError(f"the pattern {line!r} cannot be read: {exc}") from exc


def _glob(segment: str) -> str:
    regex, place = "", 0
    while place < len(segment):
        sign = segment[place]
        place += 1
        if sign == "*":
            regex += "[^/]*"
        elif sign == "?":
            regex += "[^/]"
        elif sign == "\\" and place < len(segment):
            regex += re.escape(segment[place])
            place += 1
        elif sign == "[" and (end := segment.find("]", place + 1)) > 0:
            inside = segment[place:end].replace("\\", "\\\\").replace("[", "\\[")
            regex += f"[^{inside[1:]}]" if inside[0] in "!^" else f"[{inside}]"
            place = end + 1
        else:
            regex += re.escape(sign)
    return re.sub(r"(?:\[\^/\]\*)+", "[^/]*", regex)  # `***` must not become a slow pattern
