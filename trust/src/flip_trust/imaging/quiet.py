"""Silences the DICOM libraries: they quote the values they complain about, and those belong to patients."""

import logging
import warnings

from pydicom import config


def silence_dicom_libraries() -> None:
    """For the whole process and for good: warning filters cannot be set per thread."""
    config.settings.reading_validation_mode = config.IGNORE
    config.settings.writing_validation_mode = config.IGNORE
    for name in ("pydicom", "highdicom", "pynetdicom"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)  # their children have no level of their own, so nothing is made at all
    for name in ("httpx", "httpcore"):  # they write down each address, and QIDO-RS has the accession number in it
        logging.getLogger(name).setLevel(logging.WARNING)
    # Their stack levels make warnings appear to come from any of these.
    warnings.filterwarnings("ignore", module=r"(pydicom|pynetdicom|highdicom|flip_trust\.imaging)(\.|$)")
