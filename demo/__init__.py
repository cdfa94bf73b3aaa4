"""One machine, a whole federation: hub, SuperLink, two trusts, synthetic hospitals. `python -m demo`."""
