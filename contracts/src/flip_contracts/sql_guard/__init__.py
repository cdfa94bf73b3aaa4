"""The one cohort-SQL guard: the hub's early check and the trust's own, which is the one that counts."""

from flip_contracts.sql_guard.guard import CheckedQuery, SqlRefused, check

__all__ = ["CheckedQuery", "SqlRefused", "check"]
