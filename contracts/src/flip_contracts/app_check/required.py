"""Which files an app must have: what Flower starts, and what that imports of the app."""

from collections.abc import Mapping

from flip_contracts.app_check.fab import Filter
from flip_contracts.app_check.modules import file_of, package_file_of, parse_all, reachable
from flip_contracts.app_check.project import PYPROJECT, check_pyproject
from flip_contracts.wire import Wire


class RequiredFile(Wire):
    path: str
    why: str
    present: bool


def required_files(files: Mapping[str, bytes]) -> list[RequiredFile]:
    """Of this app. Whether what is there works is for `check_app` to say."""
    project, _ = check_pyproject(files)
    listed = {PYPROJECT: RequiredFile(path=PYPROJECT, why="Names the app's components.", present=PYPROJECT in files)}
    chosen, _ = Filter.of(files, project)
    kept = {path: content for path, content in files.items() if chosen.why_dropped(path) is None}
    modules, _ = parse_all(kept)

    def need(module: str, why: str) -> None:
        file, package = file_of(module), package_file_of(module)
        path = package if package in kept else file
        listed.setdefault(path, RequiredFile(path=path, why=why, present=path in kept))

    roots = {name.split(".")[0] for name in modules}
    for component in project.components if project else ():
        need(component.module, f"The {component.kind} is in it.")
        for module in reachable(component.module, modules).values():
            need(module.name, f"The {component.kind} needs it.")
            for wanted in module.imports:
                own = wanted.must_succeed and wanted.module.split(".")[0] in roots
                if own and wanted.module not in modules:
                    need(wanted.module, f"{module.file} imports it.")
    return list(listed.values())
