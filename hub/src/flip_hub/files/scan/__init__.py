"""Look inside files that somebody uploaded, in a process of its own with limits."""
