"""Labels and other files that people and runs add to an accession: checked, versioned, kept."""
