"""Each kind of process is killed once while runs train, and nothing is lost. `benchmarks/chaos.py` is the long form."""

import random

import pytest
from benchmarks.chaos import KINDS, TRUSTS, Campaign
from demo.client import HubClient
from demo.stack import Stack

pytestmark = pytest.mark.slow
SEED = 14


def test_every_process_may_die_and_every_run_ends_right(stack: Stack, me: HubClient, project: dict):
    campaign = Campaign(stack, me, project, SEED, say=print)
    campaign.undisturbed()
    kinds = list(KINDS)
    random.Random(SEED).shuffle(kinds)
    campaign.campaign(kinds)
    campaign.account()
    assert set(TRUSTS) <= {t["name"] for t in stack.as_admin().get("trusts") if t["online"]}
