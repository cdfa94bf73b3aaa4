"""Counts of the imaging ledger on their way to the hub."""

from uuid import UUID

from flip_trust.disclosure.ledger import imaging_message
from flip_trust.disclosure.policy import Policy

PROJECT, KEY = UUID(int=1), b"k" * 32


def message(stages: dict[str, int], excluded: dict[str, int] | None = None, persons: int = 1_000):
    """`persons`: how many own the accessions, in turn."""
    reasons = [reason for reason, count in (excluded or {}).items() for _ in range(count)]
    named = [(stage, "") for stage, count in stages.items() if stage != "EXCLUDED" for _ in range(count)]
    named += [("EXCLUDED", reason) for reason in reasons]
    standings = [(f"key{n}", stage, reason) for n, (stage, reason) in enumerate(named)]
    owners = {key: n % persons for n, (key, _, _) in enumerate(standings)}
    return imaging_message(PROJECT, standings, owners, final=False, policy=Policy(), key=KEY)


def test_counts_from_the_threshold_on_are_told_rounded():
    told = message({"READY": 137, "EXCLUDED": 10}, {"no_images": 10})
    assert told.stages["READY"] in (130, 140)
    assert (told.stages["EXCLUDED"], told.excluded) == (10, {"no_images": 10})
    assert (told.threshold, told.rounded_to) == (10, 10)


def test_a_few_accessions_and_none_look_alike():
    few = message({"READY": 40, "EXCLUDED": 9}, {"no_images": 5, "pull_failed": 4})
    none = message({"READY": 40})
    assert few.model_dump(exclude={"id"}) == none.model_dump(exclude={"id"})
    assert {"EXCLUDED", "no_images", "pull_failed"} <= set(few.suppressed)
    assert "READY" not in few.suppressed


def test_a_count_told_again_is_told_alike():
    assert len({message({"READY": 137}).stages["READY"] for _ in range(20)}) == 1


def test_many_studies_of_a_few_persons_are_not_told():
    told = message({"READY": 137}, persons=9)
    assert told.stages == {}
    assert "READY" in told.suppressed
    assert message({"READY": 137}, persons=10).stages["READY"] in (130, 140)


def test_a_study_of_nobody_who_is_known_counts_for_nobody():
    standings = [(f"key{n}", "READY", "") for n in range(50)]
    told = imaging_message(PROJECT, standings, {"key1": 1}, final=True, policy=Policy(), key=KEY)
    assert told.stages == {}
