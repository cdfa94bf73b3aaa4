"""From a PACS to de-identified NIfTI folders, with a ledger of where each accession stands."""

from flip_trust.imaging.quiet import silence_dicom_libraries

silence_dicom_libraries()
