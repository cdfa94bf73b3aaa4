"""The page is served beside the API, with headers that hold a browser to it."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from flip_contracts.sql_guard import check
from flip_hub.errors import install_handlers
from flip_hub.page import serve_page

EXAMPLES = Path(__file__).parents[2] / "ui" / "src" / "features" / "cohort" / "examples.json"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>FLIP</title>")
    (folder / "assets" / "index-abc.js").write_text("start()")
    (folder / "assets" / "index-abc.js.gz").write_bytes(gzip.compress(b"start()"))
    (tmp_path / "secret.txt").write_text("not yours")
    return folder


@pytest.fixture
def page(dist: Path) -> Iterator[TestClient]:
    app = FastAPI()
    install_handlers(app)
    serve_page(app, dist)
    with TestClient(app) as client:
        yield client


def test_every_address_of_the_page_is_the_page(page: TestClient):
    for address in ("/", "/projects", "/models/0b5c/metrics"):
        answer = page.get(address)
        assert answer.status_code == 200
        assert "<title>FLIP" in answer.text
        assert answer.headers["cache-control"] == "no-cache"
        assert "script-src 'self';" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_a_hashed_file_is_kept_forever_and_comes_compressed(page: TestClient):
    answer = page.get("/assets/index-abc.js", headers={"accept-encoding": "gzip"})
    assert answer.text == "start()"
    assert answer.headers["content-encoding"] == "gzip"
    assert "javascript" in answer.headers["content-type"]
    assert "immutable" in answer.headers["cache-control"]
    assert "content-encoding" not in page.get("/assets/index-abc.js", headers={"accept-encoding": ""}).headers


def test_a_file_of_another_version_is_not_answered_with_the_page(page: TestClient):
    assert page.get("/assets/index-old.js").status_code == 404


def test_an_unknown_endpoint_is_told_as_the_api_tells(page: TestClient):
    answer = page.get("/api/v1/nothing")
    assert answer.status_code == 404
    assert set(answer.json()) >= {"code", "message", "request_id"}


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt", "/a%00b"])
def test_nothing_outside_the_folder_is_served(page: TestClient, path: str):
    assert "not yours" not in page.get(path).text


def test_a_page_that_is_not_built_says_how_to_build_it(page: TestClient, dist: Path):
    (dist / "index.html").unlink()
    answer = page.get("/projects")
    assert answer.status_code == 503
    assert "make page" in answer.text


@pytest.mark.parametrize("example", json.loads(EXAMPLES.read_text()), ids=lambda e: e["name"])
def test_the_pages_example_queries_pass_the_check(example: dict[str, str]):
    check(example["sql"])
