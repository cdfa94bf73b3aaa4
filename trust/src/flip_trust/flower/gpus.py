"""GPU slots that the trust declares; a run holds one from start to end."""

import threading
from uuid import UUID

from flip_trust.errors import GpuSlotsTaken


class GpuSlots:
    """`["0", "1"]`: two runs at once, a device each. `["0", "0"]`: two share one. `["0,1"]`: one run has both."""

    def __init__(self, declared: list[str]):
        self._declared = declared
        self._free = list(declared)
        self._held: dict[UUID, str] = {}
        self._lock = threading.Lock()

    def take(self, run_id: UUID) -> str:
        """CUDA_VISIBLE_DEVICES for this run: the same again for a repeat, empty at a trust without GPUs."""
        with self._lock:
            if not self._declared:
                return ""
            if run_id not in self._held:
                if not self._free:
                    raise GpuSlotsTaken(
                        f"All {len(self._declared)} GPU slots of this trust are taken by other runs. Start again later."
                    )
                self._held[run_id] = self._free.pop(0)
            return self._held[run_id]

    def give_back(self, run_id: UUID) -> None:
        with self._lock:
            if (slot := self._held.pop(run_id, None)) is not None:
                self._free.append(slot)
