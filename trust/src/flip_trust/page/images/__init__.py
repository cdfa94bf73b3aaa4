"""Images on the trust's page: how many are there, why not the rest, what they look like, and labels from people."""
