"""Send cheap requests as another client during an attack: `python witness.py PORT KEY PID` until standard input ends.

It is a process of its own, so that the attacker's threads do not delay it, and writes what it has seen as JSON.
"""

import json
import select
import socket
import statistics
import sys
import time

PAUSE_SECONDS = 0.02
TIMEOUT_SECONDS = 30.0


def cpu_seconds(pid: int) -> float:
    """Return the processor time of another process. The id of its clock is in clock_getcpuclockid(3)."""
    return time.clock_gettime(~pid << 3 | 2)


def main(port: int, key: str, pid: int) -> None:
    """Send requests, and write the failures and the times: on the clock, and of the service's processor."""
    request = f"GET /pipeline HTTP/1.1\r\nHost: leads\r\nX-API-Key: {key}\r\n\r\n".encode()
    times: list[float] = []
    cpu_times: list[float] = []
    failed, connection = 0, None
    while not times or not select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
        started, cpu_started = time.perf_counter(), cpu_seconds(pid)
        try:
            connection = connection or socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
            connection.sendall(request)
            if not connection.recv(65536).startswith(b"HTTP/1.1 200 "):
                failed += 1
        except OSError:
            failed, connection = failed + 1, None
        times.append((time.perf_counter() - started) * 1000)
        cpu_times.append((cpu_seconds(pid) - cpu_started) * 1000)
    seen = {"median_ms": statistics.median(times), "slowest_ms": max(times), "held_ms": max(cpu_times)}
    sys.stdout.write(json.dumps({"requests": len(times), "failed": failed, **seen}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
