"""The two components of pyproject.toml, and the app's own modules that they import."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from flip_contracts.app_check.finding import Finding, found
from flip_contracts.app_check.modules import Import, Module, Modules, defines, file_of, package_file_of
from flip_contracts.app_check.project import PYPROJECT, Component

_CLASS_OF: Final = {"serverapp": "ServerApp", "clientapp": "ClientApp"}


def check_component(component: Component, modules: Modules, dropped: set[str]) -> Iterator[Finding]:
    file = file_of(component.module)
    if component.module not in modules:
        gone = [path for path in dropped if path in (file, package_file_of(component.module))]
        if gone:
            yield found(
                "component_dropped",
                f"The {component.kind}'s module does not come along in the bundle.",
                "Rename or move it: test files, ignored files and some root folders are left out.",
                gone[0],
            )
            return
        yield found(
            "component_unresolved",
            f"{component.kind} names the module {component.module}, and there is no {file}.",
            "Add the file, or correct [tool.flwr.app.components].",
            PYPROJECT,
            component.line,
        )
        return
    module = modules[component.module]
    if module is None:
        return
    if not defines(module, component.attribute):
        yield found(
            "component_unresolved",
            f"{component.kind} names {component.attribute}, which {module.file} does not define.",
            f"Define {component.attribute} at the top level of the file, or correct the component.",
            PYPROJECT,
            component.line,
        )
        return
    made = (module.names.top_level(component.attribute) or "").split(".")
    if made[0] == "flwr" and made[-1] in {f"{name}()" for name in _CLASS_OF.values()} - {
        f"{_CLASS_OF[component.kind]}()"
    }:
        yield found(
            "component_wrong_kind",
            f"{component.kind} names {component.attribute} of {module.file}, which is a {made[-1].rstrip('()')}.",
            f"Name the {_CLASS_OF[component.kind]}; the two components may be swapped.",
            PYPROJECT,
            component.line,
        )


def check_imports(module: Module, modules: Modules, dropped: set[str]) -> Iterator[Finding]:
    """Imports from the app itself that would fail."""
    roots = {name.split(".")[0] for name in modules} | {root_of(path) for path in dropped}
    seen: set[tuple[str, str | None]] = set()
    for wanted in module.imports:
        key = (wanted.module, wanted.name)
        if not wanted.must_succeed or wanted.module.split(".")[0] not in roots or key in seen:
            continue
        seen.add(key)
        if wanted.module not in modules:
            yield from _missing_module(wanted, module, modules, dropped)
            continue
        target = modules[wanted.module]
        if wanted.name is None or f"{wanted.module}.{wanted.name}" in modules:
            continue
        if target is not None and not defines(target, wanted.name):
            file = file_of(f"{wanted.module}.{wanted.name}")
            is_package = target.name == target.package
            submodule, add = (f", nor is there {file}", f" or add {file}") if is_package else ("", "")
            yield found(
                "import_missing",
                f"It imports {wanted.name} from {wanted.module}, and {target.file} does not define it{submodule}.",
                f"Define {wanted.name} in {target.file}{add}, or correct the import.",
                module.file,
                wanted.line,
            )


def _missing_module(wanted: Import, module: Module, modules: Modules, dropped: set[str]) -> Iterator[Finding]:
    file = file_of(wanted.module)
    left_out = file in dropped
    if not left_out and wanted.module.split(".")[0] not in modules:
        return  # a root that has no Python of the app in it is somebody else's package
    yield found(
        "import_missing",
        f"It imports {wanted.module}, and "
        + (f"{file} is left out of the bundle." if left_out else f"there is no {file} in the app."),
        f"Rename {file}, or take it out of .gitignore." if left_out else f"Add {file}, or correct the import.",
        module.file,
        wanted.line,
    )


def root_of(path: str) -> str:
    return PurePosixPath(path).parts[0].removesuffix(".py") if path.endswith(".py") else ""
