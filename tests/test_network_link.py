"""The links between the hosts of benchmarks/network.py keep their rate and their queue."""

import sys
from typing import Any

import pytest

from conftest import ROOT


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch) -> Any:
    pytest.importorskip("fcntl")
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.delitem(sys.modules, "network_link", raising=False)
    import network_link

    return network_link


def test_packets_take_their_turn_at_the_rate_of_the_link(link) -> None:
    cable = link.Link(1e6)
    bits = (1000 + link.FRAME) * 8
    assert cable.sent(5.0, bytes(1000)) == pytest.approx(5.0 + bits / 1e6)
    assert cable.sent(5.0, bytes(1000)) == pytest.approx(5.0 + 2 * bits / 1e6)
    assert cable.sent(9.0, bytes(1000)) == pytest.approx(9.0 + bits / 1e6)  # it was idle


def test_a_packet_that_would_wait_too_long_is_dropped(link) -> None:
    cable = link.Link(1e6)
    sent = [cable.sent(0.0, bytes(1000)) for _ in range(20)]
    waiting = [time for time in sent if time is not None]
    assert len(waiting) < 20
    assert link.QUEUE < max(waiting) < link.QUEUE + 0.01
    assert cable.sent(1.0, bytes(1000)) is not None


def test_a_packet_is_forwarded_to_the_host_of_its_address_after_the_delay(link) -> None:
    class Device:
        def __init__(self, packets: list[bytes]) -> None:
            self.packets, self.under_way = packets, []
            self.up, self.down = link.Link(1e9), link.Link(1e9)

        def read(self) -> bytes | None:
            return self.packets.pop(0) if self.packets else None

    def packet(host: int) -> bytes:
        return bytes([0x45, *bytes(15), 10, 77, 0, host, *bytes(80)])

    first, second = Device([packet(2), packet(7), packet(1)]), Device([])
    link.forward([first, second], first, 0.5, now=1.0)
    assert [content for _, content in second.under_way] == [packet(2)]
    assert [content for _, content in first.under_way] == [packet(1)]
    assert second.under_way[0][0] == pytest.approx(1.5, abs=1e-4)
