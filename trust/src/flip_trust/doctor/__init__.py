"""What is missing at this trust, in plain words. Each check is quick and changes nothing."""
