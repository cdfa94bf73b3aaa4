"""Rules of what an app should not do on a platform that keeps patient data. The sandbox enforces; these tell."""

from typing import Final

from flip_contracts.app_check.registry.rule import Rule, error, warning

RULES: Final[tuple[Rule, ...]] = (
    warning(
        "runtime_download",
        'The app downloads weights or data when it runs: `pretrained=True`, `weights="DEFAULT"`, `torch.hub`, '
        "`from_pretrained`, `download=True`, a literal URL and the like.",
        "Runs have no way to the internet, neither at the hub nor at a trust. What works locally fails there.",
        "Start from weights that come with the app's arrays, or from random ones; read data through the cohort.",
    ),
    warning(
        "pickle_load",
        "The app loads a pickle: `pickle.load`, `torch.load` without `weights_only=True`, `joblib.load`, "
        "`numpy.load(allow_pickle=True)`, `yaml.unsafe_load` and the like.",
        "A pickle runs code that is in the data.",
        "Use safetensors, `torch.load(…, weights_only=True)`, JSON or plain arrays.",
    ),
    warning(
        "process_start",
        "The app starts another program or process.",
        "The sandbox of a run has no other programs and may refuse new processes.",
        "Use a Python library that is on the image. `DataLoader(num_workers=…)` is not reported.",
    ),
    warning(
        "network_access",
        "The app opens a connection or listens on a port.",
        "Runs have no network but Flower's own. What an app may tell the outside goes through `send_metrics` and the "
        "reply of the ClientApp.",
        "Remove it.",
    ),
    warning(
        "dynamic_code",
        "The app runs code that is computed at run time: `eval`, `exec`, `compile`, `__import__`, `runpy`, or "
        "`importlib.import_module` with a computed name.",
        "A trust that reads the app before it approves cannot see what will run, and nor can this check.",
        "Write the code out; for literals use `ast.literal_eval` or `json.loads`; for choices use a dictionary.",
    ),
    warning(
        "native_code",
        "The app calls native code directly or compiles it: `ctypes`, `cffi`, `torch.utils.cpp_extension`.",
        "It steps around Python's own limits, and the image has no compiler.",
        "Use a library that is on the image.",
    ),
    error(
        "secret_in_app",
        "A file has a private key, a cloud key, or a long random text given to a name such as `password`, `token` "
        "or `secret`.",
        "The app's files go to the hub and to every trust of the project, and stay in their records.",
        "Remove it and revoke it where it is valid: once uploaded it is known. Apps on FLIP need no credentials.",
    ),
)
