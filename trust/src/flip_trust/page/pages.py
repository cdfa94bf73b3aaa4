"""The menu, in its order. A new page is a folder here and a line below."""

from flip_trust.page.code.routes import PAGE as CODE
from flip_trust.page.health.routes import PAGE as HEALTH
from flip_trust.page.images.routes import PAGE as IMAGES
from flip_trust.page.kit import Page
from flip_trust.page.left.routes import PAGE as LEFT
from flip_trust.page.optouts.routes import PAGE as OPT_OUTS
from flip_trust.page.policy.routes import PAGE as POLICY
from flip_trust.page.projects.routes import PAGE as PROJECTS

PAGES: tuple[Page, ...] = (PROJECTS, CODE, IMAGES, LEFT, OPT_OUTS, POLICY, HEALTH)
