"""From a PACS to de-identified NIfTI folders, with a ledger of where each accession stands."""
