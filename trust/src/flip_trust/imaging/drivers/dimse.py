"""DIMSE: C-FIND to find; C-MOVE into dcmtk's storescp to pull, or C-GET (PS3.4 Annex C, Study Root)."""

import contextlib
import errno
import logging
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydicom import Dataset
from pynetdicom import AE, build_context, build_role, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,  # type: ignore[attr-defined]  # made at import
    StudyRootQueryRetrieveInformationModelGet,  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelMove,  # type: ignore[attr-defined]
    Verification,  # type: ignore[attr-defined]
)

from flip_trust.imaging.drivers.faults import SAYS, Fault, PacsFault
from flip_trust.imaging.drivers.port import Check, Series, Spend, Study, is_uid
from flip_trust.imaging.drivers.reach import broken_way, client_context, reach
from flip_trust.imaging.drivers.receiver import Receiver
from flip_trust.imaging.drivers.settings import PacsSettings
from flip_trust.imaging.drivers.storage import CLASSES, SYNTAXES

log = logging.getLogger(__name__)

_FIND = StudyRootQueryRetrieveInformationModelFind
_MOVE = StudyRootQueryRetrieveInformationModelMove
_GET = StudyRootQueryRetrieveInformationModelGet
_ANSWER_SECONDS, _SILENCE_SECONDS = 60.0, 300.0
_PDU = 131072  # fewer, larger PDUs: half the CPU of the default at the receiver
_NOBODY = "FLIP-TEST-NOBODY"
_NO_STUDY = "2.25.1"
# PS3.4 Table C.4-2 and PS3.7 Annex C.
_SUCCESS, _PENDING, _DESTINATION_UNKNOWN = 0x0000, (0xFF00, 0xFF01), 0xA801
_NOT_AUTHORIZED, _UNABLE_TO_PERFORM, _CLASS_NOT_SUPPORTED, _OUT_OF_RESOURCES = 0x0124, 0xA702, 0x0122, 0xA701
_GET_INSTEAD = (Fault.DESTINATION, Fault.NO_MOVE, Fault.NO_WAY_BACK)
_CONGESTED = {1, 2}  # diagnostic of a transient rejection: temporary congestion, local limit exceeded


class DimseDriver:
    def __init__(self, settings: PacsSettings, scratch: Path):
        """`scratch`: a private folder of this driver's own, where files arrive; emptied when we begin to receive."""
        self._settings = settings
        self._tls = client_context(settings.tls_ca, settings.tls_cert, settings.tls_key) if settings.tls else None
        self._place = settings.host, settings.port
        self._receiver = Receiver(settings, scratch) if settings.receive_port and settings.retrieve != "get" else None
        self._moves = threading.Lock()  # a C-STORE does not say which C-MOVE it belongs to: one at a time
        self._get_instead = False

    # --- finding ---
    def find(self, accession_id: str) -> list[Study]:
        asked = _asking("STUDY", AccessionNumber=accession_id, PatientID="", StudyInstanceUID="")
        asked.NumberOfStudyRelatedInstances = None
        with self._associated(_FIND, Fault.NO_FIND) as association:
            rows = [row for row in self._query(association, asked) if _text(row, "AccessionNumber") == accession_id]
            return [self._study(association, row) for row in rows]

    def _study(self, association: Association, row: Dataset) -> Study:
        uid = _text(row, "StudyInstanceUID")
        if not is_uid(uid):
            raise PacsFault(Fault.FAILED)
        asked = _asking("SERIES", StudyInstanceUID=uid, SeriesInstanceUID="", Modality="", SeriesDescription="")
        asked.NumberOfSeriesRelatedInstances = None
        series = tuple(
            Series(
                _text(r, "SeriesInstanceUID"),
                _text(r, "Modality"),
                _text(r, "SeriesDescription"),
                _number(r, "NumberOfSeriesRelatedInstances"),
            )
            for r in self._query(association, asked)
        )
        count = _number(row, "NumberOfStudyRelatedInstances")
        return Study(uid, _text(row, "AccessionNumber"), _text(row, "PatientID"), count, series)

    def _query(self, association: Association, asked: Dataset) -> list[Dataset]:
        rows: list[Dataset] = []
        for status, row in association.send_c_find(asked, _FIND):
            code = status.get("Status") if status else None
            if code in _PENDING and row is not None:
                rows.append(row)
            elif code is None:
                raise PacsFault(self._way(Fault.BROKE_OFF))
            elif code in (_NOT_AUTHORIZED, _CLASS_NOT_SUPPORTED):
                raise PacsFault(Fault.NO_FIND)
            elif code != _SUCCESS:
                raise PacsFault(Fault.BUSY if code == 0xA700 else Fault.FAILED)
        return rows

    # --- pulling ---
    def pull(self, study: Study, into: Path, spend: Spend = lambda _: None) -> int:
        if self._receiver is None or self._get_instead:
            return self._get(study.uid, into, spend)
        try:
            return self._move(self._receiver, study.uid, into, spend)
        except PacsFault as found:
            if found.fault not in _GET_INSTEAD or self._settings.retrieve == "move":
                raise
            first = found
        try:
            count = self._get(study.uid, into, spend)
        except PacsFault:
            raise first from None  # what the administrator should know is why C-MOVE does not work
        log.warning("C-MOVE does not work (%s): images come by C-GET, which is slower", first.fault.value)
        self._get_instead = True
        return count

    def _move(self, receiver: Receiver, uid: str, into: Path, spend: Spend) -> int:
        with self._moves, receiver.expecting() as arrivals, self._associated(_MOVE, Fault.NO_MOVE) as association:
            asked = _asking("STUDY", StudyInstanceUID=uid)
            final = _final(association.send_c_move(asked, self._settings.our_aet, _MOVE))
            if final is None:
                raise PacsFault(self._way(Fault.BROKE_OFF))
            files = arrivals.files()
            if final.Status == _DESTINATION_UNKNOWN:
                raise PacsFault(Fault.DESTINATION)
            if final.Status in (_NOT_AUTHORIZED, _CLASS_NOT_SUPPORTED):
                raise PacsFault(Fault.NO_MOVE)
            if final.Status != _SUCCESS or int(final.get("NumberOfFailedSuboperations", 0) or 0):
                if arrivals.refused or not (arrivals.connections or final.Status == _OUT_OF_RESOURCES):
                    raise PacsFault(Fault.NO_WAY_BACK)
                if shutil.disk_usage(into).free < arrivals.least_free:
                    raise OSError(errno.ENOSPC, "no space left for what the PACS sends")
                raise PacsFault(Fault.FAILED)
            for number, file in enumerate(files, start=1):
                size = file.stat().st_size
                shutil.move(file, into / f"{number:06d}.dcm")
                spend(size)  # after the fact: the next study waits for it
            return len(files)

    def _get(self, uid: str, into: Path, spend: Spend) -> int:
        count, trouble = 0, list[OSError]()

        def store(event: evt.Event) -> int:
            nonlocal count
            try:
                data = event.encoded_dataset()  # as it came: decoding it would cost more than the network
                (into / f"{count + 1:06d}.dcm").write_bytes(data)
            except OSError as error:
                trouble.append(error)
                return _OUT_OF_RESOURCES
            count += 1
            spend(len(data))
            return _SUCCESS

        contexts = [build_context(kind, syntax) for kind in CLASSES for syntax in SYNTAXES]
        roles = [build_role(kind, scp_role=True) for kind in CLASSES]
        more: dict[str, Any] = {"ext_neg": roles, "evt_handlers": [(evt.EVT_C_STORE, store)]}
        with self._associated(_GET, Fault.NO_GET, contexts, **more) as association:
            final = _final(association.send_c_get(_asking("STUDY", StudyInstanceUID=uid), _GET))
        if trouble:
            raise trouble[0]
        if final is None:
            raise PacsFault(self._way(Fault.BROKE_OFF))
        if final.Status in (_NOT_AUTHORIZED, _CLASS_NOT_SUPPORTED):
            raise PacsFault(Fault.NO_GET)
        if final.Status != _SUCCESS or int(final.get("NumberOfFailedSuboperations", 0) or 0):
            raise PacsFault(Fault.FAILED)
        return count

    # --- testing ---
    def test(self) -> Iterator[Check]:
        try:
            yield from reach(*self._place, self._tls)
            with self._associated(Verification, Fault.REJECTED) as association:
                association.send_c_echo()
            yield Check("AE titles", True)
            self._find_nobody()
            yield Check("query (C-FIND)", True)
            if self._receiver is None:
                self._get_nothing()
                yield Check("retrieve (C-GET)", True)
            else:
                self._move_nothing(self._receiver)
                yield Check("retrieve (C-MOVE)", True)
        except PacsFault as found:
            yield Check(found.fault.value, False, SAYS[found.fault])

    def _find_nobody(self) -> None:
        with self._associated(_FIND, Fault.NO_FIND) as association:
            try:
                self._query(association, _asking("STUDY", AccessionNumber=_NOBODY, StudyInstanceUID=""))
            except PacsFault as found:
                # Some archives do not say no: they abort the association of who may not ask.
                raise PacsFault(Fault.NO_FIND if found.fault == Fault.BROKE_OFF else found.fault) from None

    def _get_nothing(self) -> None:
        with self._associated(_GET, Fault.NO_GET) as association:
            final = _final(association.send_c_get(_asking("STUDY", StudyInstanceUID=_NO_STUDY), _GET))
        if final is None or final.Status in (_NOT_AUTHORIZED, _CLASS_NOT_SUPPORTED):
            raise PacsFault(Fault.NO_GET)

    def _move_nothing(self, receiver: Receiver) -> None:
        """Of a study that is nowhere. Some archives look the destination up first; others notice only with a study."""
        with self._moves, receiver.expecting(), self._associated(_MOVE, Fault.NO_MOVE) as association:
            final = _final(
                association.send_c_move(_asking("STUDY", StudyInstanceUID=_NO_STUDY), self._settings.our_aet, _MOVE)
            )
        if final is None or final.Status in (_NOT_AUTHORIZED, _CLASS_NOT_SUPPORTED):
            raise PacsFault(Fault.NO_MOVE)
        if final.Status == _DESTINATION_UNKNOWN:
            raise PacsFault(Fault.DESTINATION)

    def close(self) -> None:
        if self._receiver is not None:
            self._receiver.close()

    # --- associations ---
    def _way(self, otherwise: Fault) -> Fault:
        return broken_way(*self._place, self._tls, otherwise)

    @contextlib.contextmanager
    def _associated(
        self, kind: str, unsupported: Fault, also: list[Any] | None = None, **more: Any
    ) -> Iterator[Association]:
        ae = AE(self._settings.our_aet)
        ae.acse_timeout, ae.connection_timeout = _ANSWER_SECONDS, 10.0
        ae.dimse_timeout = ae.network_timeout = _SILENCE_SECONDS
        ae.maximum_pdu_size = _PDU
        if self._tls is not None:
            more["tls_args"] = (self._tls, self._settings.host)
        association = ae.associate(
            *self._place, [build_context(kind), *(also or [])], self._settings.aet, max_pdu=_PDU, **more
        )
        if not association.is_established:
            raise PacsFault(self._why_not(association))
        try:
            if not [c for c in association.accepted_contexts if c.abstract_syntax == kind]:
                raise PacsFault(unsupported)
            yield association
        finally:
            if association.is_established:
                association.release()

    def _why_not(self, association: Association) -> Fault:
        answer = association.acceptor.primitive
        if not association.is_rejected or answer is None:
            if association.rejected_contexts:
                return Fault.NOT_ALLOWED  # accepted us, and nothing that we want
            return self._way(Fault.NOT_DICOM)
        # PS3.8 Table 9-21: source 1 is the service user, 3 the presentation provider.
        match answer.result_source, answer.diagnostic:
            case 1, 3:
                return Fault.AE_CALLING
            case 1, 7:
                return Fault.AE_CALLED
            case 3, number if number in _CONGESTED:
                return Fault.BUSY
            case _:
                return Fault.REJECTED


def _asking(level: str, **keys: str) -> Dataset:
    asked = Dataset()
    asked.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(asked, keyword, value)
    return asked


def _final(answers: Any) -> Dataset | None:
    """The last status of a C-MOVE or C-GET; None where the association went away."""
    last: Dataset | None = None
    for status, _ in answers:
        last = status if status and "Status" in status else None
    return None if last is None or last.Status in _PENDING else last


def _text(row: Dataset, keyword: str) -> str:
    return str(row.get(keyword, "") or "").strip()


def _number(row: Dataset, keyword: str) -> int | None:
    text = _text(row, keyword)
    return int(text) if text.isdecimal() else None
