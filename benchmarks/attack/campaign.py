"""All techniques against many targets, and what was learned: the guess is trained on half of the targets."""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from math import sqrt
from uuid import uuid4

from benchmarks.attack.hospital import Hospital, Person
from benchmarks.attack.techniques import TECHNIQUES, Case, Seen


@dataclass(frozen=True)
class Learned:
    """`right` of `tested` guesses; half of the tested are ill, so that guessing alone gives 50 %."""

    technique: str
    right: int
    tested: int
    tries: int

    @property
    def share(self) -> float:
        return self.right / self.tested

    @property
    def is_luck(self) -> bool:
        """Within three standard deviations of tossing a coin."""
        return self.share - 0.5 <= 3 * sqrt(0.25 / self.tested)


def run(hospital: Hospital, targets: int, techniques: list[str] | None = None, seed: int = 11) -> list[Learned]:
    chance = random.Random(seed)
    chosen = _balanced(hospital.people, targets, chance)
    healthy = [person for person in hospital.people if not person.ill and person not in chosen]
    found: list[Learned] = []
    for name in techniques or list(TECHNIQUES):
        before, seen = hospital.tries, list[tuple[Seen, bool]]()
        for target in chosen:
            hospital.user = uuid4()
            known = chance.sample(healthy, 12)
            seen.append((TECHNIQUES[name](Case(hospital, uuid4(), target, known)), target.ill))
        right, tested = _guess(seen)
        found.append(Learned(name, right, tested, hospital.tries - before))
    return found


def _balanced(people: list[Person], targets: int, chance: random.Random) -> list[Person]:
    """Half of them ill, in an order in which both halves of the list are balanced too."""
    half = targets // 2
    ill, well = ([p for p in people if p.ill is state] for state in (True, False))
    pairs = zip(chance.sample(ill, half), chance.sample(well, half), strict=True)
    return [person for pair in pairs for person in pair]


def _guess(seen: list[tuple[Seen, bool]]) -> tuple[int, int]:
    """Learn on one half what a pattern means, use it on the other; both ways round."""
    half = len(seen) // 4 * 2
    parts = seen[:half], seen[half:]
    right = sum(_right(train, test) for train, test in (parts, parts[::-1]))
    return right, len(seen)


def _right(train: list[tuple[Seen, bool]], test: list[tuple[Seen, bool]]) -> int:
    if isinstance(train[0][0], float):
        cut, above = _best_cut([(float(value), ill) for value, ill in train])  # type: ignore[arg-type]
        return sum(((float(value) > cut) is above) is ill for value, ill in test)  # type: ignore[arg-type]
    votes: defaultdict[Seen, Counter[bool]] = defaultdict(Counter)
    for value, ill in train:
        votes[value][ill] += 1
    return sum((votes[value][True] > votes[value][False]) is ill for value, ill in test)


def _best_cut(train: list[tuple[float, bool]]) -> tuple[float, bool]:
    options = [(cut, above) for cut, _ in train for above in (True, False)]
    return max(options, key=lambda option: sum(((v > option[0]) is option[1]) is ill for v, ill in train))
