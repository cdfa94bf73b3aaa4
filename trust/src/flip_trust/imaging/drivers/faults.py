"""What can be wrong with an archive or the way to it, each with what to do next. No text quotes the archive."""

from enum import StrEnum
from typing import Final

from flip_trust.imaging.errors import ImagingError


class Fault(StrEnum):
    NAME_UNKNOWN = "pacs_name_unknown"
    NO_ANSWER = "pacs_no_answer"
    PORT_CLOSED = "pacs_port_closed"
    TLS_UNTRUSTED = "pacs_tls_untrusted"
    TLS_NOT_SPOKEN = "pacs_tls_not_spoken"
    TLS_REFUSED_US = "pacs_tls_refused_us"
    CREDENTIALS = "pacs_credentials"
    NOT_ALLOWED = "pacs_not_allowed"
    NOT_DICOMWEB = "pacs_not_dicomweb"
    NOT_DICOM = "pacs_not_dicom"
    AE_CALLED = "pacs_ae_called_unknown"
    AE_CALLING = "pacs_ae_calling_unknown"
    REJECTED = "pacs_association_rejected"
    NO_FIND = "pacs_no_find"
    NO_MOVE = "pacs_no_move"
    NO_GET = "pacs_no_get"
    DESTINATION = "pacs_move_destination_unknown"
    NO_WAY_BACK = "pacs_cannot_reach_us"
    RECEIVER = "pacs_receiver_failed"
    BUSY = "pacs_busy"
    CLOSED_NOW = "pacs_outside_hours"
    NO_FOLDER = "pacs_no_folder"
    BROKE_OFF = "pacs_broke_off"
    FAILED = "pacs_failed"

    @property
    def waits(self) -> bool:
        """True: no study is at fault, all of them wait. False: it may be this study, whose tries are counted."""
        return self not in (Fault.BROKE_OFF, Fault.FAILED)


SAYS: Final[dict[Fault, str]] = {
    Fault.NAME_UNKNOWN: "The PACS's host name is not known here. Check its spelling, and this machine's DNS.",
    Fault.NO_ANSWER: "Nothing answers at the PACS's address: a firewall on the way, or a wrong address. Ask the "
    "network team to let this machine through to that port.",
    Fault.PORT_CLOSED: "The machine answers, but nothing listens on that port. Check the port, and that the PACS runs.",
    Fault.TLS_UNTRUSTED: "The PACS's certificate is not trusted here, or is for another name. Give the certificate of "
    "the authority that signed it as FLIP_TRUST_PACS__TLS_CA, and use the name that it was made for.",
    Fault.TLS_NOT_SPOKEN: "The PACS does not speak TLS on that port. Use its TLS port; only inside a trusted network, "
    "go without (http://, or no FLIP_TRUST_PACS__TLS).",
    Fault.TLS_REFUSED_US: "The PACS ended the TLS handshake. It probably wants a client certificate that it trusts: "
    "FLIP_TRUST_PACS__TLS_CERT and FLIP_TRUST_PACS__TLS_KEY.",
    Fault.CREDENTIALS: "The PACS does not accept the user or token. Check FLIP_TRUST_PACS__USERNAME and "
    "FLIP_TRUST_PACS__PASSWORD, or FLIP_TRUST_PACS__TOKEN.",
    Fault.NOT_ALLOWED: "The PACS knows us, but does not allow this. Ask its administrator to let this user or AE title "
    "query and retrieve studies.",
    Fault.NOT_DICOMWEB: "There is a web server, but no DICOMweb at that path. FLIP_TRUST_PACS__URL ends where /studies "
    "begins, for example https://pacs.example/dicom-web.",
    Fault.NOT_DICOM: "Something listens on that port, but it does not speak DICOM (or speaks it only over TLS: "
    "FLIP_TRUST_PACS__TLS=true). Check the port.",
    Fault.AE_CALLED: "The PACS says that it has another AE title. Check FLIP_TRUST_PACS__AET with its administrator; "
    "capitals count.",
    Fault.AE_CALLING: "The PACS does not know our AE title. Ask its administrator to enter FLIP_TRUST_PACS__OUR_AET "
    "with this machine's address.",
    Fault.REJECTED: "The PACS rejects the association without a usable reason. Ask its administrator to look into its "
    "log for our AE title.",
    Fault.NO_FIND: "The PACS does not let this AE title query (C-FIND, Study Root). Ask its administrator to allow it.",
    Fault.NO_MOVE: "The PACS does not let this AE title retrieve by C-MOVE. Ask its administrator to allow it, or try "
    "C-GET: FLIP_TRUST_PACS__RETRIEVE=get.",
    Fault.NO_GET: "The PACS does not let this AE title retrieve by C-GET, as many do not. Use C-MOVE: set "
    "FLIP_TRUST_PACS__RECEIVE_PORT and have the PACS know it.",
    Fault.DESTINATION: "The PACS has no C-MOVE destination of our AE title. Ask its administrator to enter "
    "FLIP_TRUST_PACS__OUR_AET with this machine's address and FLIP_TRUST_PACS__RECEIVE_PORT.",
    Fault.NO_WAY_BACK: "The PACS accepts the C-MOVE but does not get through to us. It has no address or port for our "
    "AE title or a wrong one, a firewall is between, or FLIP_TRUST_PACS__RECEIVE_FROM leaves its address out.",
    Fault.RECEIVER: "We cannot receive: FLIP_TRUST_PACS__RECEIVE_PORT is taken (by a running agent, when you test) or "
    "may not be used here, or dcmtk's storescp is not installed (Debian: apt-get install dcmtk).",
    Fault.BUSY: "The PACS is busy. It is asked again, more slowly.",
    Fault.CLOSED_NOW: "It is outside FLIP_TRUST_PACS__HOURS. Images are pulled when they begin.",
    Fault.NO_FOLDER: "FLIP_TRUST_DICOM_DIR names no folder that can be read. Check the path and its permissions.",
    Fault.BROKE_OFF: "The PACS broke off in the middle of a study. It is asked again.",
    Fault.FAILED: "The PACS failed on a study. It is asked again a few times; its own log says why.",
}


class PacsFault(ImagingError):
    """The archive, or the way to it, did not work. `docs/connect-a-pacs.md` has each fault."""

    code, status = "pacs_fault", 503

    def __init__(self, fault: Fault):
        self.fault = fault
        super().__init__(SAYS[fault])
