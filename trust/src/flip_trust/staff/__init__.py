"""Accounts of the trust's own staff, for its local page. The hub knows nothing of them."""
