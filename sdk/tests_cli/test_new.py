"""`flip app new`: what it writes, what it refuses, and that a refusal leaves nothing behind."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from flip.cli.app.new import Template, source_of, write_app
from flip.errors import FlipError, InvalidArgument

FLIP = Path(sys.executable).parent / "flip"


@pytest.mark.parametrize("template", list(Template))
def test_an_app_has_its_own_name_and_publisher_and_flips_keys(tmp_path: Path, template: Template) -> None:
    target = tmp_path / "spleen-ct"
    write_app("spleen-ct", template, target, "St-Marys")
    toml = tomllib.loads((target / "pyproject.toml").read_text())
    assert (toml["project"]["name"], toml["tool"]["flwr"]["app"]["publisher"]) == ("spleen-ct", "St-Marys")
    assert {"flip-model-id", "flip-project-id", "flip-cohort-query"} <= set(toml["tool"]["flwr"]["app"]["config"])
    readme = (target / "README.md").read_text()
    assert readme.startswith("# spleen-ct\n")
    assert "repository" not in readme
    old = tomllib.loads((source_of(template) / "pyproject.toml").read_text())["project"]["name"]
    assert not [path for path in target.rglob("*") if path.is_file() and old in path.read_text()]


def test_only_the_templates_own_files_are_copied(tmp_path: Path) -> None:
    write_app("a", Template.STANDARD, tmp_path / "a", "me")
    names = {path.relative_to(tmp_path / "a").as_posix() for path in (tmp_path / "a").rglob("*") if path.is_file()}
    app = {f"app/{name}.py" for name in ("__init__", "client_app", "models", "server_app")}
    assert names == app | {"pyproject.toml", "README.md", ".gitignore", "data/make_data.py"}


@pytest.mark.parametrize("name", ["my_app", "1st", "", "-a", "a.b", "a/b", "../a", "spleen ct", "ä", "a" * 33])
def test_a_name_that_flower_refuses_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    for call, code in (((name, "me"), "name_invalid"), (("fine", name), "publisher_invalid")):
        with pytest.raises(InvalidArgument, match="begins with a letter") as raised:
            write_app(call[0], Template.STANDARD, tmp_path / "target", call[1])
        assert raised.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    for target in (tmp_path / "mine", tmp_path / "mine" / "thesis.txt"):
        with pytest.raises(FlipError) as raised:
            write_app("mine", Template.TABULAR, target, "me")
        assert raised.value.code == "folder_not_empty"
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    (tmp_path / "empty").mkdir()
    write_app("mine", Template.TABULAR, tmp_path / "empty", "me")
    assert (tmp_path / "empty" / "pyproject.toml").is_file()


def test_the_command_writes_into_the_current_folder_and_says_what_is_next(tmp_path: Path) -> None:
    done = subprocess.run([FLIP, "app", "new", "tiny"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tiny" / "app" / "client_app.py").is_file()
    assert "flip app run . --data data/" in done.stdout
    again = subprocess.run([FLIP, "app", "new", "tiny"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert again.returncode == 1
    assert "[folder_not_empty]" in again.stderr
    assert "Traceback" not in again.stderr


@pytest.mark.slow
def test_an_installed_wheel_holds_the_templates(tmp_path: Path) -> None:
    """Needs a package index, for the build back end."""
    sdk = Path(__file__).parents[1]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", sdk, "-w", tmp_path], check=True, timeout=300)
    (wheel,) = tmp_path.glob("flip_utils-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", tmp_path / "site", wheel], check=True, timeout=300)
    code = "from flip.cli.app.new import source_of, Template as T; print(*map(source_of, T))"
    environment = {"PYTHONPATH": str(tmp_path / "site")}
    said = subprocess.check_output([sys.executable, "-c", code], env=environment, cwd=tmp_path, text=True).split()
    for template, installed in zip(Template, map(Path, said), strict=True):
        assert installed == tmp_path / "site" / "flip" / "templates" / template
        for file in ("pyproject.toml", "README.md", ".gitignore", "app/client_app.py", "data/make_data.py"):
            assert (installed / file).read_bytes() == (source_of(template) / file).read_bytes()
        assert not list(installed.rglob("tests"))
