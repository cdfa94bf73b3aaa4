"""`python -m benchmarks.attack [--targets N] [--persons N] [--naive]`: about 105 tries a target."""

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.attack.campaign import run
from benchmarks.attack.hospital import Hospital, Naive

from flip_trust.disclosure.policy import Policy

NO_BUDGET = 10**9  # what is attacked is the memory; the budget would end it after 50 tries


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=130)
    parser.add_argument("--persons", type=int, default=400)
    parser.add_argument("--naive", action="store_true", help="against suppression and rounding alone")
    given = parser.parse_args()
    policy = Policy(project_queries_per_day=NO_BUDGET, user_queries_per_day=NO_BUDGET)
    with tempfile.TemporaryDirectory() as folder:
        hospital = Hospital(Path(folder), given.persons, policy)
        if given.naive:
            hospital.defence = Naive(hospital.engine)
        start, cpu = time.perf_counter(), time.process_time()
        print(f"{given.targets} targets of {given.persons} persons, half of them ill: 50 % is guessing")
        for learned in run(hospital, given.targets):
            verdict = "nothing" if learned.is_luck else "LEARNED"
            print(
                f"{learned.technique:<24} {learned.tries:>6} tries  {learned.share:>6.1%} right  {verdict}", flush=True
            )
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        print(f"{hospital.tries} tries in {seconds:.0f} s ({cpu:.0f} s CPU): {hospital.outcomes}")


if __name__ == "__main__":
    main()
