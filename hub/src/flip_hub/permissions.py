"""The one table of what a role may do. What is not in it is refused.

On top of it stand membership and ownership of a project, and which trusts a trust admin speaks for (`flip_hub.auth`).
"""

from dataclasses import dataclass
from typing import Final, Literal

Role = Literal["admin", "researcher", "viewer", "trust_admin"]
ROLES: Final[tuple[Role, ...]] = ("admin", "researcher", "viewer", "trust_admin")

Scope = Literal["read", "write", "admin"]
SCOPES: Final[dict[Scope, str]] = {
    "read": "Look at what its owner may see.",
    "write": "Change projects, models, files and runs as its owner may.",
    "admin": "Administer the hub, if its owner is an admin.",
}


@dataclass(frozen=True)
class Permission:
    """`roles` have it; an API token needs `scope` too. `what` completes "This needs the permission to …"."""

    roles: frozenset[Role]
    scope: Scope
    what: str


def _row(what: str, scope: Scope, *roles: Role) -> Permission:
    return Permission(frozenset(roles), scope, what)


PERMISSIONS: Final[dict[str, Permission]] = {
    "manage_users": _row("manage accounts, invitations and access requests", "admin", "admin"),
    "manage_trusts": _row("enrol, change and revoke trusts", "admin", "admin"),
    "manage_nets": _row("add, drain and remove nets", "admin", "admin"),
    "manage_site": _row("change the banner, the deployment mode and see the hub's settings", "admin", "admin"),
    "administer": _row("administer the hub", "admin", "admin"),
    "see_audit": _row("search the audit log", "admin", "admin"),
    "see_all_projects": _row("see every project", "read", "admin"),
    "see_staged_projects": _row("see the projects that are staged at one's own trusts", "read", "trust_admin"),
    "see_received": _row("see what has come from a trust", "read", "admin", "trust_admin"),
    "create_projects": _row("create projects", "write", "admin", "researcher"),
    "change_projects": _row("change projects, their models, files and runs", "write", "admin", "researcher"),
    "unstage_projects": _row("take a staged project back", "admin", "admin"),
    "decide_for_trust": _row(
        "decide for one's own trusts, where their policy lets the hub ask", "write", "trust_admin"
    ),
}
