"""Made-up data that look like a project's: a researcher develops with them before, and without, the real ones."""
