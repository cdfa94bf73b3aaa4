"""How imaging archives are read: one port (`port.py`), and a folder, DICOMweb and DIMSE behind it."""
