"""What a road between two hosts does to packets: one direction, with delay, jitter, loss, a bandwidth, and cuts.

Pure: time and chance are handed in. Packets keep their order, as on a line with one queue.
"""

from dataclasses import asdict, dataclass

# A queue that is longer than this drops what comes on top, as a router's does.
QUEUE_S_MAX = 0.25


@dataclass(frozen=True)
class Quality:
    """How good one direction of a road is."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    mbit_per_s: float = 0.0  # 0: without bound
    cut: bool = False

    def to_json(self):
        return asdict(self)

    def __str__(self):
        if self.cut:
            return "cut"
        bandwidth = f", {self.mbit_per_s:g} Mbit/s" if self.mbit_per_s else ""
        return f"{self.delay_ms:g} ms + {self.jitter_ms:g} ms jitter, {self.loss:.1%} loss{bandwidth}"


class Road:
    """One direction between two hosts."""

    def __init__(self, quality):
        self.quality = quality
        self.passed = self.lost = self.octets = 0
        self._free_at = self._last_due = 0.0

    def due(self, now, size, chance):
        """When a packet of `size` octets arrives, or None if it does not; `chance` gives numbers from 0 to 1."""
        quality = self.quality
        if quality.cut or (quality.loss and chance() < quality.loss):
            self.lost += 1
            return None
        sent = now
        if quality.mbit_per_s:
            start = max(now, self._free_at)
            if start - now > QUEUE_S_MAX:
                self.lost += 1
                return None
            sent = self._free_at = start + size * 8 / (quality.mbit_per_s * 1e6)
        arrives = sent + (quality.delay_ms + quality.jitter_ms * chance()) / 1000
        self._last_due = max(arrives, self._last_due)
        self.passed += 1
        self.octets += size
        return self._last_due
