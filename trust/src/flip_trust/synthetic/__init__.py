"""Synthetic hospitals for demo and tests: an OMOP database and DICOM files that belong together."""

from flip_trust.synthetic.omop import demo_query, write_omop

__all__ = ["demo_query", "write_omop"]
