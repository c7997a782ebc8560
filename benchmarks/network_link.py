"""The network between the hosts of network.py: a switch, and a link to each of them.

    python benchmarks/network_link.py SECONDS BITS_PER_SECOND DEVICE ...

A packet takes its turn on the sender's link, is delayed, and takes its turn on the receiver's link.
The kernel's netem delays packets too, but some kernels are built without it. Needs root. It runs
until its standard input is closed.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import sys
import time
from collections import deque
from contextlib import suppress

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x1, 0x1000
FRAME = 38
"""Bytes that Ethernet adds to a packet: header, checksum, preamble and gap."""

QUEUE = 0.05
"""Seconds for which a packet waits for its link at most; beyond them it is dropped."""

PACKETS = 64
"""Packets that are read from a host before others are served."""


class Link:
    """One direction of a host's cable: one packet after the other."""

    def __init__(self, bits_per_second: float) -> None:
        self._rate, self._free = bits_per_second, 0.0

    def sent(self, now: float, packet: bytes) -> float | None:
        """Return when the packet has been sent; None: the queue is full."""
        if self._free - now > QUEUE:
            return None
        self._free = max(now, self._free) + (len(packet) + FRAME) * 8 / self._rate
        return self._free


class Host:
    """A device of the kernel, whose packets are read and written here."""

    def __init__(self, device: str, bits_per_second: float) -> None:
        self.file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        wanted = struct.pack("16sH", device.encode(), IFF_TUN | IFF_NO_PI)
        fcntl.ioctl(self.file, TUNSETIFF, wanted)
        self.up, self.down = Link(bits_per_second), Link(bits_per_second)
        self.under_way: deque[tuple[float, bytes]] = deque()

    def read(self) -> bytes | None:
        try:
            return os.read(self.file, 65536)
        except OSError:  # nothing there, or the device is down
            return None

    def deliver(self, now: float) -> None:
        while self.under_way and self.under_way[0][0] <= now:
            with suppress(OSError):  # the host's own queue is full: the packet is lost
                os.write(self.file, self.under_way.popleft()[1])


def forward(hosts: list[Host], sender: Host, delay: float, now: float) -> None:
    """Move what a host has sent to the queues of the receivers."""
    for _ in range(PACKETS):
        packet = sender.read()
        if packet is None:
            return
        number = packet[19] if packet[0] >> 4 == 4 else 0  # last byte of an IPv4 destination
        if not 1 <= number <= len(hosts):
            continue
        receiver, at_switch = hosts[number - 1], sender.up.sent(now, packet)
        arrived = None if at_switch is None else receiver.down.sent(at_switch + delay, packet)
        if arrived is not None:
            receiver.under_way.append((arrived, packet))


def main() -> None:
    delay, rate = float(sys.argv[1]), float(sys.argv[2])
    hosts = [Host(device, rate) for device in sys.argv[3:]]
    with suppress(OSError):  # delays are kept only if it is served before the hosts' programs
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    print("ready", flush=True)
    files = {host.file: host for host in hosts}
    while True:
        due = [host.under_way[0][0] for host in hosts if host.under_way]
        wait = max(0.0, min(due) - time.monotonic()) if due else None
        readable, _, _ = select.select([*files, sys.stdin], [], [], wait)
        if sys.stdin in readable:
            return
        now = time.monotonic()
        for file in readable:
            forward(hosts, files[file], delay, now)
        for host in hosts:
            host.deliver(now)


if __name__ == "__main__":
    main()
