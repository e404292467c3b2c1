"""What the kernel's TCP costs this machine's processors: core-milliseconds per megabyte that goes
from one node to another, both ends and all that lies between. Start it on two nodes:

Usage: cluster.sh --nodes 2 --each python3 benchmarks/cluster/tcp_cost.py
"""
import os
import socket
import time

BYTES, PORT = 125_000_000, 29_511


def busy():
    """Core-seconds in which this machine's processors have not been idle."""
    with open("/proc/stat") as stat:
        times = [int(word) for word in stat.readline().split()[1:9]]
    return (sum(times) - times[3] - times[4]) / os.sysconf("SC_CLK_TCK")


if os.environ["RANK"] == "0":
    with socket.create_server(("", PORT)) as server:
        connection, _ = server.accept()
    before, count, block = busy(), 0, bytearray(65536)
    while count < BYTES:
        got = connection.recv_into(block)
        if got == 0:
            raise SystemExit("tcp_cost.py: the sender has gone")
        count += got
    print(f"{(busy() - before) * 1e9 / BYTES:.3f}")
else:
    for _ in range(100):  # until the server is there
        try:
            connection = socket.create_connection((os.environ["MASTER_ADDR"], PORT))
            break
        except OSError:
            time.sleep(0.1)
    block = bytes(65536)
    for _ in range(BYTES // len(block) + 1):
        connection.sendall(block)
    connection.close()
