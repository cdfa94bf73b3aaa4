"""The trust's own page, for its own staff, on its own network.

To add a page: a folder here with `routes.py` (a router and a `PAGE`) and its templates, and its line in `pages.py`.
Every route of it then needs a login and, where it changes something, the session's CSRF token.
"""
