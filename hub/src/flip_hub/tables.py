"""Every table, so that migrations and foreign keys see all of them."""

from flip_hub.audit import tables as audit
from flip_hub.cohorts import tables as cohorts
from flip_hub.files import tables as files
from flip_hub.invitations import tables as invitations
from flip_hub.live import tables as live
from flip_hub.login import tables as login
from flip_hub.mail import tables as mail
from flip_hub.metrics import tables as metrics
from flip_hub.models import tables as models
from flip_hub.nets import tables as nets
from flip_hub.projects import tables as projects
from flip_hub.results import tables as results
from flip_hub.runs import tables as runs
from flip_hub.site import tables as site
from flip_hub.trusts import tables as trusts
from flip_hub.users import tables as users

__all__ = [
    "audit",
    "cohorts",
    "files",
    "invitations",
    "live",
    "login",
    "mail",
    "metrics",
    "models",
    "nets",
    "projects",
    "results",
    "runs",
    "site",
    "trusts",
    "users",
]
