"""The one cohort-SQL guard: the hub's early check and the trust's own, which is the one that counts."""

from flip_contracts.sql_guard.guard import CheckedQuery, check
from flip_contracts.sql_guard.refusal import SqlRefused
from flip_contracts.sql_guard.schema import allowed_columns

__all__ = ["CheckedQuery", "SqlRefused", "allowed_columns", "check"]
