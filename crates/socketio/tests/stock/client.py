"""python-socketio against the layer, whichever way it comes in. A broken expectation ends this with status 1.

    python client.py URL
"""

import queue
import sys

import socketio

WAYS = {
    "websocket only": ["websocket"],
    "polling, then upgraded": None,
    "polling only": ["polling"],
}


def expect(found, wanted, what):
    assert found == wanted, f"{what}: expected {wanted!r}, found {found!r}"


for way, transports in WAYS.items():
    client, heard = socketio.Client(reconnection=False), queue.Queue()
    client.on("*", lambda event, *args: heard.put((event, *args)))
    client.on("disconnect", lambda reason: heard.put(("gone", reason)))
    client.on("question", lambda question: {"question": question, "bytes": b"\x00\x01"})
    client.connect(sys.argv[1], auth={"token": "ana"}, transports=transports, wait_timeout=10)
    expect(heard.get(timeout=10), ("welcome", {"token": "ana"}), way)
    expect(client.transport(), "polling" if way == "polling only" else "websocket", way)
    for args in [(1,), ("¡Milonga!", {"a": [True, None]}), (b"\x00\x01\xfa",), ({"deep": [b"a", b"b"]}, 2)]:
        expect(client.call("echo", args, timeout=10), list(args), way)
    expect(client.call("ask me", "why", timeout=10), {"question": "why", "attachments": 1}, way)
    # It runs a thread for each event, so the order is the threads'.
    for n in range(100):
        client.emit("say again", n)
    expect(sorted(heard.get(timeout=10) for _ in range(100)), [("again", n) for n in range(100)], way)
    client.emit("put me out")
    expect(heard.get(timeout=10)[0], "gone", way)
    client.disconnect()

refused = socketio.Client(reconnection=False)
try:
    refused.connect(sys.argv[1], auth={}, wait_timeout=10)
    sys.exit("a client without token was let in")
except socketio.exceptions.ConnectionError:
    refused.disconnect()
print("as it should be")
