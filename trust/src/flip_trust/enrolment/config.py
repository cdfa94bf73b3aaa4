"""The config file, with every setting explained in the settings' own words."""

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from flip_trust.settings import NodeSettings, TrustSettings

WIDTH: Final = 100
HEAD: Final = """\
# Settings of this trust's node. A variable FLIP_TRUST_<NAME> of the environment comes before what stands here.
# After a change: `flip-trust doctor`, then start the agent again.
"""


def written(given: Mapping[str, Any]) -> str:
    """TOML: what is `given` is set, what is not stands there as a comment with its default."""
    fields = {**NodeSettings.model_fields, **TrustSettings.model_fields}
    parts = [HEAD]
    for name, field in fields.items():
        told = textwrap.wrap(field.description or "", WIDTH - 2)
        if field.is_required() and name not in given:
            told.append("NEEDED: take the # away and say it.")
        value = given.get(name)
        shown = f"{name} = {_toml(value)}" if value is not None else f"# {name} = {_toml(_default(field))}"
        parts.append("\n".join([*(f"# {line}" for line in told), shown, ""]))
    return "\n".join(parts)


def _default(field: Any) -> Any:
    return "" if field.default in (PydanticUndefined, None) else field.default


def _toml(value: Any) -> str:
    """Strings, numbers, truth and lists of strings: JSON's spelling of them is TOML's too."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Path):
        value = str(value)
    return json.dumps(value, ensure_ascii=False)
