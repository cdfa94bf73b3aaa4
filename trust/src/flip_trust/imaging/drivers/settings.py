"""How the PACS is reached, and how gently: FLIP_TRUST_PACS__* variables."""

import re
from datetime import time
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr, model_validator

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_AET = r"^[ -\[\]-~]{1,16}$"  # PS3.5 6.2: 16 characters, no backslash


class PacsSettings(BaseModel, frozen=True):
    kind: Literal["dicomweb", "dimse"] = Field(description="dicomweb (QIDO-RS, WADO-RS) or dimse (C-FIND, C-MOVE).")
    url: str = Field(default="", description="DICOMweb: the address where /studies begins, https://pacs/dicom-web.")
    username: str = Field(default="", description="DICOMweb: user of HTTP basic authentication.")
    password: SecretStr = Field(default=SecretStr(""), description="DICOMweb: its password.")
    token: SecretStr = Field(default=SecretStr(""), description="DICOMweb: instead of a user, a bearer token.")
    host: str = Field(default="", description="DIMSE: the PACS's host name or address.")
    port: int = Field(default=104, ge=1, le=65535, description="DIMSE: its port; 104, 11112, 4242, TLS 2762.")
    aet: str = Field(default="", pattern=r"^$|" + _AET, description="DIMSE: its AE title.")
    our_aet: str = Field(default="FLIP", pattern=_AET, description="DIMSE: our AE title, as the PACS knows it.")
    retrieve: Literal["auto", "move", "get"] = Field(
        default="auto", description="DIMSE: auto is C-MOVE with a receive port, C-GET without or if it does not work."
    )
    receive_port: int = Field(default=0, ge=0, le=65535, description="DIMSE: port on which C-MOVE reaches us.")
    receive_host: str = Field(default="0.0.0.0", description="DIMSE: address of ours to receive on.")
    receive_from: list[str] = Field(default=[], description="DIMSE: who may send to us; empty: the PACS's addresses.")
    tls: bool = Field(default=False, description="DIMSE: over TLS (https says it for DICOMweb).")
    tls_ca: Path | None = Field(default=None, description="Authority that signed the PACS's certificate, a PEM file.")
    tls_cert: Path | None = Field(default=None, description="Our certificate, where the PACS wants one; a PEM file.")
    tls_key: Path | None = Field(default=None, description="Its key; a PEM file.")
    mb_per_second: float = Field(default=0, ge=0, description="Not more than this from the PACS; 0 is without limit.")
    concurrent: int = Field(default=2, ge=1, le=16, description="Studies pulled at the same time.")
    hours: str = Field(default="", description="When images may be pulled, local time: 19:00-07:00. Empty is always.")

    @model_validator(mode="after")
    def _whole(self) -> "PacsSettings":
        if self.kind == "dicomweb" and not self.url.startswith(("http://", "https://")):
            raise ValueError("FLIP_TRUST_PACS__URL is missing, for example https://pacs.example/dicom-web")
        if self.kind == "dimse" and not (self.host and self.aet):
            raise ValueError("FLIP_TRUST_PACS__HOST and FLIP_TRUST_PACS__AET are missing, for example pacs and PACS1")
        if self.retrieve == "move" and not self.receive_port:
            raise ValueError("C-MOVE needs FLIP_TRUST_PACS__RECEIVE_PORT, for example 11112")
        if self.hours and not _HOURS.fullmatch(self.hours):
            raise ValueError("FLIP_TRUST_PACS__HOURS has the form 19:00-07:00")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("FLIP_TRUST_PACS__TLS_CERT and FLIP_TRUST_PACS__TLS_KEY belong together")
        if self.kind == "dimse" and self.tls and self.receive_port and not self.tls_cert:
            raise ValueError("to receive over TLS we need a certificate: FLIP_TRUST_PACS__TLS_CERT and __TLS_KEY")
        for file in (self.tls_ca, self.tls_cert, self.tls_key):
            if file is not None and not file.is_file():
                raise ValueError("a FLIP_TRUST_PACS__TLS_* variable names a file that is not there")
        return self

    @property
    def between(self) -> tuple[time, time] | None:
        """From when until when, or None for always. The end may be on the next day."""
        found = _HOURS.fullmatch(self.hours)
        if found is None:
            return None
        a, b, c, d = (int(part) for part in found.groups())
        return time(a, b), time(c, d)
