"""Pickles, processes, connections, computed code and native code. What a name stands for is resolved, not its text."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from flip_contracts.app_check.downloads import downloads
from flip_contracts.app_check.finding import Finding, found
from flip_contracts.app_check.modules import Module
from flip_contracts.app_check.names import Use

_PATTERNS: Final = {
    "pickle_load": re.compile(
        r"(?:_?pickle|cPickle|dill|cloudpickle|marshal)\.(?:load|loads|Unpickler)"
        r"|joblib\.load|shelve\.open|pandas\.read_pickle|yaml\.(?:unsafe_load|unsafe_load_all)"
    ),
    "process_start": re.compile(
        r"subprocess\.(?:run|call|check_call|check_output|Popen|getoutput|getstatusoutput)"
        r"|os\.(?:system|popen|fork|forkpty|startfile|exec\w+|spawn\w+|posix_spawnp?)"
        r"|pty\.(?:spawn|fork)|asyncio\.create_subprocess_(?:exec|shell)"
    ),
    "network_access": re.compile(
        r"socket\.(?:socket|create_connection|create_server|socketpair|fromfd)"
        r"|socketserver\.\w+Server|http\.server\.\w+Server|http\.client\.HTTPS?Connection"
        r"|ftplib\.FTP(?:_TLS)?|smtplib\.SMTP(?:_SSL)?|xmlrpc\.client\.ServerProxy|asyncio\.(?:open_connection|start_server)"
        r"|urllib\.request\.(?:urlopen|urlretrieve|build_opener)|urllib3\.(?:PoolManager|request)"
        r"|requests\.(?:get|post|put|patch|delete|head|options|request|Session)"
        r"|httpx\.(?:get|post|put|patch|delete|head|options|request|stream|Client|AsyncClient)"
        r"|aiohttp\.ClientSession|websockets?\..*connect|paramiko\.\w+|boto3\.(?:client|resource|Session)"
        r"|wandb\.(?:init|login)|mlflow\.(?:set_tracking_uri|start_run)"
    ),
    "dynamic_code": re.compile(r"builtins\.(?:eval|exec|compile|__import__)|runpy\.run_\w+"),
    "native_code": re.compile(r"ctypes\..*|cffi\.FFI|torch\.utils\.cpp_extension\.\w+|numpy\.ctypeslib\.load_library"),
}
_SAYS: Final = {
    "pickle_load": ("loads a pickle, which runs code that is in the data", "Use safetensors, JSON or plain arrays."),
    "process_start": ("starts another program", "Use a Python library that is on the platform image."),
    "network_access": ("opens a connection, and a run has no network", "Remove it; numbers go through send_metrics."),
    "dynamic_code": (
        "runs code that is computed at run time, so nobody can see what will run",
        "Write the code out; for literals use ast.literal_eval.",
    ),
    "native_code": ("calls native code around Python's limits", "Use a library that is on the platform image."),
}
_NATIVE_MODULES: Final = frozenset({"ctypes", "cffi"})


def check_unsafe(module: Module) -> Iterator[Finding]:
    """At most one finding per line and code."""
    said: set[tuple[str, int]] = set()
    for code, what, line in _mistakes(module):
        if (code, line) in said:
            continue
        said.add((code, line))
        says, remedy = _SAYS[code]
        if what.startswith("torch.load"):
            remedy = "Give weights_only=True, or use safetensors."
        yield found(code, f"{what} {says}.", remedy, module.file, line)


def _mistakes(module: Module) -> Iterator[tuple[str, str, int]]:
    for wanted in module.imports:
        if wanted.module.split(".")[0] in _NATIVE_MODULES:
            yield "native_code", wanted.module, wanted.line
    for use in module.uses():
        code, line = _code_of(use), use.node.lineno
        if code and not (code == "network_access" and downloads(use)):
            yield code, use.name.removeprefix("builtins."), line


def _code_of(use: Use) -> str | None:
    for code, pattern in _PATTERNS.items():
        if pattern.fullmatch(use.name) and (code != "native_code" or use.call is not None):
            return code
    call = use.call
    if call is None:
        return None
    match use.name:
        case "torch.load" if not _is(_keyword(call, "weights_only"), True):
            return "pickle_load"
        case "numpy.load" if _is(_keyword(call, "allow_pickle"), True):
            return "pickle_load"
        case "yaml.load" | "yaml.load_all" if _unsafe_loader(use, call):
            return "pickle_load"
        case "importlib.import_module" if call.args and not isinstance(call.args[0], ast.Constant):
            return "dynamic_code"
        case _:
            return None


def _unsafe_loader(use: Use, call: ast.Call) -> bool:
    loader = call.args[1] if len(call.args) > 1 else _keyword(call, "Loader")
    return loader is not None and use.name_of(loader) in ("yaml.Loader", "yaml.UnsafeLoader", "yaml.CLoader")


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _is(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
