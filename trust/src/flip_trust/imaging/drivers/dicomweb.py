"""DICOMweb: QIDO-RS to find, WADO-RS to pull (PS3.18 10.6 and 10.4), streamed part by part to disk."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from flip_trust.imaging.drivers.faults import SAYS, Fault, PacsFault
from flip_trust.imaging.drivers.multipart import boundary_of, write_parts
from flip_trust.imaging.drivers.port import Check, Series, Spend, Study, is_uid
from flip_trust.imaging.drivers.reach import CONNECT_SECONDS, broken_way, client_context, reach
from flip_trust.imaging.drivers.settings import PacsSettings

# transfer-syntax=* is "as stored": no archive spends time on transcoding, no pixel changes.
_INSTANCES = {"accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
_JSON = {"accept": "application/dicom+json"}
_ACCESSION, _PATIENT, _STUDY, _SERIES, _MODALITY, _DESCRIPTION = (
    "00080050",
    "00100020",
    "0020000D",
    "0020000E",
    "00080060",
    "0008103E",
)
_IN_STUDY, _IN_SERIES = "00201208", "00201209"  # NumberOfStudyRelatedInstances, NumberOfSeriesRelatedInstances
_SILENCE_SECONDS = 120.0  # an archive may fetch a study from tape before its first byte
_NOBODY = "FLIP-TEST-NOBODY"  # not asked for by anybody: the test must not read a patient's data


class DicomWebDriver:
    def __init__(self, settings: PacsSettings):
        self._url = httpx.URL(settings.url.rstrip("/"))
        self._tls = None
        if self._url.scheme == "https":
            self._tls = client_context(settings.tls_ca, settings.tls_cert, settings.tls_key)
        auth: Any = None
        if settings.username:
            auth = (settings.username, settings.password.get_secret_value())
        token = settings.token.get_secret_value()
        self._http = httpx.Client(
            verify=self._tls or True,
            auth=auth,
            headers={"authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(_SILENCE_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,  # a PACS is inside the house: no proxy sees what is asked
        )

    @property
    def _place(self) -> tuple[str, int]:
        return self._url.host, self._url.port or (443 if self._url.scheme == "https" else 80)

    def find(self, accession_id: str) -> list[Study]:
        asked = {"AccessionNumber": accession_id, "includefield": [_PATIENT, _IN_STUDY]}
        # An archive that matches loosely must not hand us a neighbour's study.
        rows = [row for row in self._query("studies", asked) if _text(row, _ACCESSION) == accession_id]
        return [self._study(row) for row in rows]

    def _study(self, row: dict[str, Any]) -> Study:
        uid = _text(row, _STUDY)
        if not is_uid(uid):
            raise PacsFault(Fault.FAILED)
        rows = self._query(f"studies/{uid}/series", {"includefield": [_IN_SERIES, _DESCRIPTION]}, Fault.FAILED)
        series = tuple(
            Series(_text(r, _SERIES), _text(r, _MODALITY), _text(r, _DESCRIPTION), _number(r, _IN_SERIES)) for r in rows
        )
        return Study(uid, _text(row, _ACCESSION), _text(row, _PATIENT), _number(row, _IN_STUDY), series)

    def pull(self, study: Study, into: Path, spend: Spend = lambda _: None) -> int:
        with self._ask(f"studies/{study.uid}", Fault.FAILED, headers=_INSTANCES) as response:
            boundary = boundary_of(response.headers.get("content-type", ""))
            return write_parts(response.iter_raw(), boundary, into, 1, spend)

    def test(self) -> Iterator[Check]:
        try:
            yield from reach(*self._place, self._tls)
            self._query("studies", {"AccessionNumber": _NOBODY, "limit": "1"})
            yield Check("login", True)
            yield Check("query (QIDO-RS)", True)
        except PacsFault as found:
            yield Check(found.fault.value, False, SAYS[found.fault])

    def close(self) -> None:
        self._http.close()

    def _query(self, path: str, params: dict[str, Any], missing: Fault = Fault.NOT_DICOMWEB) -> list[dict[str, Any]]:
        with self._ask(path, missing, headers=_JSON, params=params) as response:
            if response.status_code == httpx.codes.NO_CONTENT:
                return []
            response.read()
            try:
                rows = response.json()
            except ValueError:
                raise PacsFault(Fault.NOT_DICOMWEB) from None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise PacsFault(Fault.NOT_DICOMWEB)
        return rows

    @contextlib.contextmanager
    def _ask(self, path: str, missing: Fault, **rest: Any) -> Iterator[httpx.Response]:
        """`missing` is what a 404 means: no such service, or no such study any more."""
        try:
            with self._http.stream("GET", f"{self._url}/{path}", **rest) as response:
                if fault := _fault_of(response.status_code, missing):
                    raise PacsFault(fault)
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise PacsFault(broken_way(*self._place, self._tls, Fault.BUSY)) from None
        except httpx.HTTPError:
            raise PacsFault(Fault.BROKE_OFF) from None


def _fault_of(status: int, missing: Fault) -> Fault | None:
    match status:
        case 200 | 204 | 206:
            return None
        case 401 | 407:
            return Fault.CREDENTIALS
        case 403:
            return Fault.NOT_ALLOWED
        case 400 | 404 | 405 | 406 | 410 | 415:
            return missing
        case 408 | 429 | 503 | 504:
            return Fault.BUSY
        case _ if 300 <= status < 400:
            return Fault.NOT_DICOMWEB  # a login page, mostly
        case _:
            return Fault.FAILED


def _text(row: dict[str, Any], tag: str) -> str:
    values = row.get(tag, {}).get("Value") or [""]
    return str(values[0]).strip()


def _number(row: dict[str, Any], tag: str) -> int | None:
    text = _text(row, tag)
    return int(text) if text.isdecimal() else None
