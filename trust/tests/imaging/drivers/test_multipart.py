"""The splitter against every way that a network may cut a body."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flip_trust.imaging.drivers.faults import Fault, PacsFault
from flip_trust.imaging.drivers.multipart import boundary_of, write_parts

BOUNDARY = b"4711-b"
NEARLY = [b"\r\n--4711-", b"\r\n\r\n", b"--", b"\r"]


def body(parts: list[bytes], preamble: bytes = b"", end: bytes = b"--\r\n") -> bytes:
    head = b"--" + BOUNDARY + b"\r\nContent-Type: application/dicom\r\nContent-Length: 9\r\n\r\n"
    return preamble + b"\r\n".join(head + part for part in parts) + b"\r\n--" + BOUNDARY + end


def pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    found, at = [], 0
    for size in sizes:
        found.append(data[at : at + size])
        at += size
    return [*found, data[at:]]


@given(
    parts=st.lists(
        st.binary(max_size=80) | st.sampled_from([b"\r\n--4711-", b"\r\n\r\n", b"--", b"\r"]), min_size=1, max_size=4
    ),
    preamble=st.sampled_from([b"", b"\r\n", b"hello\r\n"]),
    sizes=st.lists(st.integers(0, 40), max_size=20),
)
@settings(max_examples=150, deadline=None)
def test_parts_come_out_whole_however_the_body_is_cut(tmp_path_factory, parts, preamble, sizes):
    into = tmp_path_factory.mktemp("parts")
    spent: list[int] = []
    assert write_parts(pieces(body(parts, preamble), sizes), BOUNDARY, into, 1, spent.append) == len(parts)
    assert [f.read_bytes() for f in sorted(into.iterdir())] == parts
    assert sum(map(len, parts)) < sum(spent) <= len(body(parts, preamble))


@pytest.mark.parametrize("cut", [1, 20, 60, 100, 140])
def test_a_body_that_ends_early_is_never_whole(tmp_path, cut):
    whole = body([b"a" * 30, b"b" * 30])
    with pytest.raises(PacsFault) as caught:
        write_parts([whole[:cut]], BOUNDARY, tmp_path, 1, lambda _: None)
    assert caught.value.fault == Fault.BROKE_OFF


def test_headers_without_end_are_refused(tmp_path):
    with pytest.raises(PacsFault):
        write_parts([b"--" + BOUNDARY + b"\r\n" + b"x" * 20_000], BOUNDARY, tmp_path, 1, lambda _: None)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('multipart/related; type="application/dicom"; boundary=abc', b"abc"),
        ('Multipart/Related;boundary="a-b"; type="application/dicom"', b"a-b"),
    ],
)
def test_the_boundary_is_read(header, found):
    assert boundary_of(header) == found


@pytest.mark.parametrize("header", ["", "text/html", "multipart/related; type=x"])
def test_what_is_not_multipart_is_no_dicomweb(header):
    with pytest.raises(PacsFault) as caught:
        boundary_of(header)
    assert caught.value.fault == Fault.NOT_DICOMWEB
