"""From an upload to a FAB: what is accepted, what is added, and what each refusal says."""

import hashlib
import io
import struct
import tomllib
import zipfile
from pathlib import Path

import pytest

from flip_fl import fab as fab_module
from flip_fl.errors import AppInvalid, FabTooLarge, FlError, RunConfigKeyUndeclared
from flip_fl.fab import FLIP_KEYS, BuiltFab, build_fab

APP = Path(__file__).parent / "app"
TEN_MIB = 10 * 2**20


def app_files() -> dict[str, bytes]:
    return {p.relative_to(APP).as_posix(): p.read_bytes() for p in APP.rglob("*") if p.suffix in {".py", ".toml"}}


def zipped(files: dict[str, bytes], when: tuple[int, ...] = (2026, 1, 1, 0, 0, 0)) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, when), content)  # type: ignore[arg-type]
    return buffer.getvalue()


def with_pyproject(old: str, new: str) -> bytes:
    files = app_files()
    text = files["pyproject.toml"].decode()
    assert old in text
    return zipped({**files, "pyproject.toml": text.replace(old, new).encode()})


def build(archive: bytes, max_bytes: int = TEN_MIB, **run_config) -> BuiltFab:
    return build_fab(archive, run_config, max_bytes)


def refusal(archive: bytes, **run_config) -> FlError:
    with pytest.raises(AppInvalid) as caught:
        build(archive, **run_config)
    return caught.value


def pyproject_in(content: bytes) -> dict:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return tomllib.loads(archive.read("pyproject.toml").decode())


def names_in(content: bytes) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return set(archive.namelist())


def test_a_good_app_becomes_a_fab_with_all_its_code():
    built = build(zipped(app_files()))
    assert {"pyproject.toml", "app/__init__.py", "app/client_app.py", "app/server_app.py"} <= names_in(built.content)
    assert built.sha256 == hashlib.sha256(built.content).hexdigest()


def test_the_same_files_make_the_same_fab_whatever_their_order_and_dates():
    files = app_files()
    one = build(zipped(files))
    other = build(zipped(dict(reversed(files.items())), when=(2027, 6, 1, 12, 0, 0)))
    assert one.content == other.content


def test_another_line_of_code_makes_another_fab():
    files = app_files()
    changed = {**files, "app/client_app.py": files["app/client_app.py"] + b"# changed\n"}
    assert build(zipped(files)).sha256 != build(zipped(changed)).sha256


def test_the_values_of_a_run_do_not_change_the_fab():
    archive = zipped(app_files())
    assert build(archive, behaviour="slow").sha256 == build(archive, behaviour="good").sha256


def test_flips_keys_are_declared_and_each_addition_is_told():
    built = build(zipped(app_files()))
    config = pyproject_in(built.content)["tool"]["flwr"]["app"]["config"]
    assert FLIP_KEYS.items() <= config.items()
    assert config["num-server-rounds"] == 2
    assert [n.split(" ")[0] for n in built.notices] == list(FLIP_KEYS)


def test_an_app_that_declares_a_flip_key_keeps_its_own_default_without_a_notice():
    archive = with_pyproject("num-server-rounds = 2", 'num-server-rounds = 2\nflip-cohort-query = "SELECT 2"')
    built = build(archive)
    assert pyproject_in(built.content)["tool"]["flwr"]["app"]["config"]["flip-cohort-query"] == "SELECT 2"
    assert not any("flip-cohort-query" in n for n in built.notices)


def test_an_app_without_a_config_gets_one():
    text = app_files()["pyproject.toml"].decode().split("[tool.flwr.app.config]")[0]
    built = build(zipped({**app_files(), "pyproject.toml": text.encode()}))
    assert pyproject_in(built.content)["tool"]["flwr"]["app"]["config"] == FLIP_KEYS


def test_a_file_that_a_fab_does_not_hold_is_left_out_and_named():
    built = build(zipped({**app_files(), "weights.bin": b"0"}))
    assert "weights.bin" not in names_in(built.content)
    assert "weights.bin is not part of a FAB and was left out." in built.notices


def test_declared_keys_may_be_overridden_and_so_may_flips():
    build(zipped(app_files()), behaviour="slow", **{"flip-min-clients": 3})


def test_a_declared_key_inside_a_table_is_named_with_dots():
    archive = with_pyproject("num-server-rounds = 2", "optimiser = { rate = 0.1 }\nnum-server-rounds = 2")
    build(archive, **{"optimiser.rate": 0.2})


def test_an_override_that_the_app_does_not_declare_is_refused_by_its_name():
    with pytest.raises(RunConfigKeyUndeclared) as caught:
        build(zipped(app_files()), **{"learning-rate": 0.1, "behaviour": "good"})
    assert caught.value.code == "run_config_key_undeclared"
    assert caught.value.details == {"keys": ["learning-rate"]}
    assert "learning-rate" in caught.value.public


@pytest.mark.parametrize("version", ["1/../../escape", "../1", "one", ""])
def test_a_version_that_could_be_a_path_is_refused(version):
    error = refusal(with_pyproject('version = "1.0.0"', f'version = "{version}"'))
    assert error.code == "app_invalid"
    assert "version" in error.public


@pytest.mark.parametrize("publisher", ["../flip", "a/b", "", "1flip", "f.l", "f" * 33, "flip\\n"])
def test_a_publisher_that_could_be_a_path_is_refused(publisher):
    error = refusal(with_pyproject('publisher = "flip"', f'publisher = "{publisher}"'))
    assert error.code == "app_invalid"
    assert "publisher" in error.public


@pytest.mark.parametrize("name", ["../probe", "a/b", "", "probe app"])
def test_a_name_that_could_be_a_path_is_refused(name):
    assert refusal(with_pyproject('name = "probe-app"', f'name = "{name}"')).code == "app_invalid"


def test_an_agentapp_is_refused():
    archive = with_pyproject("[tool.flwr.app.components]", '[tool.flwr.app.components]\nagentapp = "app.agent:app"')
    error = refusal(archive)
    assert error.code == "app_invalid"
    assert "agentapp" in error.public


@pytest.mark.parametrize("line", ['publisher = "flip"', 'version = "1.0.0"'])
def test_a_missing_field_is_named(line):
    error = refusal(with_pyproject(line, ""))
    assert error.code == "app_invalid"
    assert line.split(" ")[0] in error.public


@pytest.mark.parametrize("line", ['serverapp = "app.server_app:app"', 'clientapp = "app.client_app:app"'])
def test_an_app_without_one_of_its_sides_is_refused(line):
    assert refusal(with_pyproject(line, "")).code == "app_invalid"


def test_an_upload_without_a_pyproject_is_told_to_add_one():
    files = app_files()
    del files["pyproject.toml"]
    error = refusal(zipped(files))
    assert error.code == "app_invalid"
    assert "no pyproject.toml" in error.public


def test_a_pyproject_in_a_folder_is_not_at_the_top():
    error = refusal(zipped({f"my-app/{name}": content for name, content in app_files().items()}))
    assert "at its top" in error.public


@pytest.mark.parametrize("content", [b"[project", b"\xff\xfe\x00", b'a = "1"\na = "2"'])
def test_a_pyproject_that_cannot_be_parsed_is_refused(content):
    error = refusal(zipped({**app_files(), "pyproject.toml": content}))
    assert error.code == "app_invalid"
    assert "cannot be read" in error.public


@pytest.mark.parametrize("name", ["../evil.py", "/etc/evil.py", "app/../../evil.py", "app\\..\\evil.py"])
def test_a_file_name_that_leaves_the_app_is_refused(name):
    error = refusal(zipped({**app_files(), name: b"x = 1"}))
    assert error.code == "app_invalid"
    assert "leaves the app's folder" in error.public


@pytest.mark.parametrize("archive", [b"", b"not a zip", b"PK\x03\x04 cut off"])
def test_what_is_not_a_zip_is_refused(archive):
    error = refusal(archive)
    assert error.code == "app_invalid"
    assert "not a zip" in error.public


def test_a_zip_with_a_wrong_checksum_is_refused():
    archive = zipped({**app_files(), "app/extra.py": b"marker = 12345\n"})
    assert refusal(archive.replace(b"marker = 12345", b"marker = 54321")).code == "app_invalid"


def test_a_fab_above_the_limit_is_refused_with_both_sizes():
    with pytest.raises(FabTooLarge) as caught:
        build(zipped(app_files()), max_bytes=500)
    assert caught.value.code == "fab_too_large"
    assert caught.value.status == 422
    assert caught.value.details["max_bytes"] == 500
    assert caught.value.details["fab_bytes"] > 500


def test_an_upload_that_unpacks_to_too_much_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(fab_module, "MAX_UNPACKED_BYTES", 2000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app/zeros.py", bytes(100_000))
    assert len(buffer.getvalue()) < 2000
    with pytest.raises(FabTooLarge):
        build(buffer.getvalue())


def test_a_zip_that_understates_a_size_is_refused():
    archive = bytearray(zipped(app_files()))
    entry = archive.index(b"PK\x01\x02")  # the central directory's first record
    struct.pack_into("<I", archive, entry + 24, 1)
    assert refusal(bytes(archive)).code in {"app_invalid", "fab_too_large"}


def _damaged() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in app_files().items():
            archive.writestr(name, content)
    content = bytearray(buffer.getvalue())
    content[60:120] = b"\xff" * 60
    return bytes(content)


def _with_bytes(local: int, central: int, value: int) -> bytes:
    archive = bytearray(zipped(app_files()))
    archive[local] = value
    archive[archive.index(b"PK\x01\x02") + central] = value
    return bytes(archive)


@pytest.mark.parametrize(
    "archive",
    [_damaged(), _with_bytes(6, 8, 1), _with_bytes(8, 10, 97)],
    ids=["damaged", "encrypted", "of an unknown method"],
)
def test_a_zip_that_cannot_be_unpacked_is_refused(archive):
    assert refusal(archive).code == "app_invalid"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[tool.flwr.app.config]", 'config = "x"'),
        ("[tool.flwr.app.components]", "components = 3"),
        ('serverapp = "app.server_app:app"', "serverapp = 3"),
        ("num-server-rounds = 2", f"deep = {'[' * 5000}{']' * 5000}"),
    ],
    ids=["config is a text", "components is a number", "serverapp is a number", "nested too deep"],
)
def test_a_pyproject_with_values_of_the_wrong_type_is_refused(old, new):
    files = app_files()
    text = files["pyproject.toml"].decode()
    if old.startswith("["):  # a table becomes a value of [tool.flwr.app]
        text = text.replace(old, "[tool.other]").replace('publisher = "flip"', f'publisher = "flip"\n{new}')
    else:
        text = text.replace(old, new)
    assert refusal(zipped({**files, "pyproject.toml": text.encode()})).code == "app_invalid"
