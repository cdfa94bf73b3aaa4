"""A clinical PACS is never strained: hours, studies at a time, bytes a second."""

import threading
import time
from datetime import datetime
from datetime import time as clock

import pytest

from flip_trust.imaging.drivers.faults import Fault, PacsFault
from flip_trust.imaging.drivers.folder import FolderDriver
from flip_trust.imaging.limits import Limits


@pytest.mark.parametrize(
    ("between", "now", "open_now"),
    [
        (None, "12:00", True),
        (("19:00", "07:00"), "18:59", False),
        (("19:00", "07:00"), "19:00", True),
        (("19:00", "07:00"), "03:00", True),
        (("19:00", "07:00"), "07:00", False),
        (("09:00", "17:00"), "12:00", True),
        (("09:00", "17:00"), "17:00", False),
    ],
)
def test_hours(between, now, open_now):
    window = tuple(clock.fromisoformat(t) for t in between) if between else None
    limits = Limits(between=window, now=lambda: datetime.fromisoformat(f"2026-01-01T{now}"))
    assert limits.open_now() is open_now
    if not open_now:
        with pytest.raises(PacsFault) as caught, limits.pulling():
            pass
        assert caught.value.fault == Fault.CLOSED_NOW


def test_not_more_studies_at_a_time_than_allowed():
    limits, inside, most = Limits(concurrent=2), [], []

    def pull() -> None:
        with limits.pulling():
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()

    threads = [threading.Thread(target=pull) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 2


def test_the_rate_is_kept_by_all_pulls_together(site, tmp_path):
    """At least so long it must take; a busy machine only makes it longer."""
    driver, limits = FolderDriver(site.archive), Limits(bytes_per_second=1e6)
    began, total = time.monotonic(), 0
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        with limits.pulling() as spend:
            [study] = driver.find(site.first)
            driver.pull(study, folder, spend)
        total += sum(f.stat().st_size for f in folder.iterdir())
    assert total > 1e6
    assert time.monotonic() - began >= total / 1e6 - 0.3
