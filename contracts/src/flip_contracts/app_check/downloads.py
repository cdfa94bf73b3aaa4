"""What an app would fetch from the internet while it runs."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from flip_contracts.app_check.finding import Finding, found
from flip_contracts.app_check.modules import Module
from flip_contracts.app_check.names import Use

_URL: Final = re.compile(r"(?:https?|ftp|s3|gs|hf)://", re.IGNORECASE)
_PRETRAINED_TEXT: Final = re.compile(r"DEFAULT|imagenet|IMAGENET1K_\w+|COCO\w*_V\d\w*|KINETICS400\w*")
_HUBS: Final = ("transformers.", "diffusers.", "huggingface_hub.", "peft.", "sentence_transformers.", "open_clip.")
# Called at all, they download.
_FETCHERS: Final = frozenset(
    {
        "torch.hub.load",
        "torch.hub.load_state_dict_from_url",
        "torch.hub.download_url_to_file",
        "torch.utils.model_zoo.load_url",
        "huggingface_hub.hf_hub_download",
        "huggingface_hub.snapshot_download",
        "transformers.pipeline",
        "datasets.load_dataset",
        "flwr_datasets.FederatedDataset",
        "urllib.request.urlretrieve",
        "gdown.download",
        "wget.download",
    }
)
_MONAI: Final = re.compile(r"monai\.(?:apps(?:\.utils)?\.(?:download\w*)|bundle(?:\.scripts)?\.(?:download\w*|load))")
_SKLEARN: Final = re.compile(r"sklearn\.datasets\.fetch_\w+")
# With a literal URL they download; `network_access` reports the rest of them.
_READERS: Final = re.compile(
    r"urllib\.request\.(?:urlopen|Request)"
    r"|urllib3\.request"
    r"|(?:requests|httpx|aiohttp)(?:\.\w+\(\))?\.(?:get|stream|request|head)"
    r"|(?:pandas|numpy|nibabel|torch|torchvision|monai|sklearn|joblib|yaml|json|imageio|skimage|PIL)\..*"
)
_DOWNLOADING: Final = ("torchvision.", "torchaudio.", "torchtext.", "monai.", "medmnist.", "sklearn.", "tensorflow.")


def check_downloads(module: Module) -> Iterator[Finding]:
    lines: set[int] = set()
    for node in module.nodes:
        if isinstance(node, ast.Call) and _is_true(_keyword(node, "pretrained")) and node.lineno not in lines:
            lines.add(node.lineno)
            yield _finding(module, node.lineno, "pretrained=True")
    for use in module.uses():
        what = downloads(use)
        if what and use.node.lineno not in lines:
            lines.add(use.node.lineno)
            yield _finding(module, use.node.lineno, what)


def downloads(use: Use) -> str | None:
    """What of a call downloads, in words, or None."""
    name, call = use.name, use.call
    if name in _FETCHERS or _MONAI.fullmatch(name) or _SKLEARN.fullmatch(name):
        local = call is not None and _is_text(_keyword(call, "source"), "local")  # torch.hub.load(…, source="local")
        return None if local else name
    if call is None:
        return None
    if (weights := _keyword(call, "weights")) is not None and _is_pretrained(weights):
        return f'weights="{weights.value}"' if isinstance(weights, ast.Constant) else "pretrained weights"
    if name.startswith("torchvision.models.") and (_is_true(_first(call)) or _has_weights_enum(call)):
        return f"{name} with pretrained weights"
    if name.startswith(_DOWNLOADING) and _is_true(_keyword(call, "download")):
        return f"{name} with download=True"
    if name.endswith(".from_pretrained") and name.startswith(_HUBS) and not _is_on_disk(call):
        return f"{name}"
    if name == "timm.create_model" and call.args[1:2] and _is_true(call.args[1]):
        return f"{name} with pretrained weights"
    if _READERS.fullmatch(name) and any(_is_url(value, use) for value in _given(call)):
        return f"{name} with a URL"
    return None


def _finding(module: Module, line: int, what: str) -> Finding:
    return found(
        "runtime_download",
        f"{what} downloads at run time, and a run has no way to the internet.",
        "Start from weights that come with the app's arrays, or from random ones; read data through the cohort.",
        module.file,
        line,
    )


def _given(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *[keyword.value for keyword in call.keywords]]


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _first(call: ast.Call) -> ast.expr | None:
    return call.args[0] if call.args else None


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _is_text(node: ast.expr | None, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text


def _is_pretrained(node: ast.expr) -> bool:
    """`"DEFAULT"`, or a member of torchvision's enums: `ResNet18_Weights.DEFAULT`."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(_PRETRAINED_TEXT.fullmatch(node.value))
    return _is_weights_enum(node)


def _is_weights_enum(node: ast.expr) -> bool:
    owner = node.value if isinstance(node, ast.Attribute) else None
    name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return name.endswith("_Weights")


def _has_weights_enum(call: ast.Call) -> bool:
    return any(_is_weights_enum(value) for value in _given(call))


def _is_on_disk(call: ast.Call) -> bool:
    first = _first(call)
    is_path = isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value.startswith((".", "/"))
    return is_path or _is_true(_keyword(call, "local_files_only"))


def _is_url(node: ast.expr, use: Use) -> bool:
    value = use.value_of(node)
    if isinstance(value, ast.JoinedStr) and value.values:
        value = value.values[0]
    return isinstance(value, ast.Constant) and isinstance(value.value, str) and bool(_URL.match(value.value))
