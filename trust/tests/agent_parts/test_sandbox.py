"""The trust's demand on the sandbox, and its GPU slots."""

import json
from uuid import uuid4

import pytest

from flip_contracts.messages import HeartbeatRequest
from flip_contracts.sandbox import SandboxLevel
from flip_trust.errors import GpuSlotsTaken, SandboxTooLow
from flip_trust.flower.gpus import GpuSlots
from flip_trust.flower.sandbox import Sandbox

FULL = {"level": "full", "stopped": ["mount"], "open": [], "why": ""}


@pytest.fixture
def sandbox(site):
    def answering(script: str, minimum: str = "full") -> Sandbox:
        site.agent.settings.fl_command.write_text(f"#!/bin/sh\n{script}\n")
        made = Sandbox(site.agent.settings.model_copy(update={"sandbox_minimum": SandboxLevel(minimum)}))
        made.probe()
        return made

    return answering


def test_the_level_that_the_probe_found_is_told_to_the_hub(sandbox):
    made = sandbox(f"echo 'a line of a library'; echo '{json.dumps(FULL)}'")
    made.demand()
    assert made.components() == {"sandbox": "full", "sandbox_minimum": "full", "sandbox_stopped": "1 of 1 attacks"}


def test_a_long_report_fits_into_a_heartbeat(sandbox):
    attacks = [f"attack number {number}" for number in range(40)]
    made = sandbox(f"echo '{json.dumps({'level': 'process', 'stopped': [], 'open': attacks, 'why': 'x' * 300})}'")
    told = HeartbeatRequest(agent_version="1", protocol_version=1, components=made.components()).components
    assert told["sandbox_stopped"] == "0 of 40 attacks"
    assert told["sandbox_open"].startswith("attack number 0, attack number 1, ")
    assert told["sandbox_why"].startswith("xxx")


@pytest.mark.parametrize("script", ["exit 1", "echo no json", "echo '{}'", "true"])
def test_a_probe_that_fails_counts_as_no_sandbox(sandbox, script):
    made = sandbox(script)
    assert (made.level, made.components()["sandbox"]) == (SandboxLevel.NONE, "none")
    assert "the probe failed" in made.components()["sandbox_why"]
    with pytest.raises(SandboxTooLow, match="level 'full' or higher, and 'none' holds"):
        made.demand()


@pytest.mark.parametrize(("minimum", "refused"), [("full", True), ("process", False), ("none", False)])
def test_less_than_the_policy_is_refused_and_as_much_is_not(sandbox, minimum, refused):
    made = sandbox(f"echo '{json.dumps(FULL | {'level': 'process'})}'", minimum)
    if refused:
        with pytest.raises(SandboxTooLow):
            made.demand()
    else:
        made.demand()


def test_a_trust_refuses_to_join_below_its_policy(site, monkeypatch):
    review = site.approved()
    monkeypatch.setattr(
        site.agent.supervisor,
        "sandbox",
        Sandbox(site.agent.settings.model_copy(update={"sandbox_minimum": SandboxLevel.FULL})),
    )
    assert site.code(site.join(review)) == "sandbox_below_policy"


def test_a_run_holds_its_gpu_from_start_to_end():
    slots, one, two, three = GpuSlots(["0", "1"]), uuid4(), uuid4(), uuid4()
    assert (slots.take(one), slots.take(two), slots.take(one)) == ("0", "1", "0")
    with pytest.raises(GpuSlotsTaken, match="All 2 GPU slots"):
        slots.take(three)
    slots.give_back(one)
    slots.give_back(one)
    assert slots.take(three) == "0"


def test_a_trust_without_gpus_shows_none_to_an_app():
    assert GpuSlots([]).take(uuid4()) == ""
