"""A stock python-socketio client misses something and hears it with its next connection.

    python resume.py URL CONTEXT      CONTEXT is JSON: {"sees": {id, token}, "comes": {id, token}, "room": "chat:..."}
"""

import json
import queue
import sys

import socketio

url, context = sys.argv[1], json.loads(sys.argv[2])
sees, comes, room = context["sees"], context["comes"], context["room"]


def connect(member, transports, **more):
    client = socketio.Client(reconnection=False)
    heard = queue.Queue()
    client.on("*", lambda event, data: heard.put((event, data)))
    client.connect(url, auth={"token": member["token"], **more}, transports=transports)
    return client, heard


def until(heard, event, stream):
    while True:
        name, data = heard.get(timeout=10)
        if name == event and data["stream"] == stream:
            return data


def ask(client, event, data):
    answer = client.call(event, data, timeout=5)
    assert answer["ok"], (event, answer)
    return answer


for transports in (["websocket"], ["polling", "websocket"], ["polling"]):
    listener, _ = connect(sees, transports)
    before = ask(listener, "room:join", {"room": room})
    stream, seq = before["stream"], before["seq"]
    listener.disconnect()
    speaker, _ = connect(comes, ["websocket"])
    for body in ("one", "two", "three"):
        ask(speaker, "message:send", {"room": room, "body": body})

    listener, heard = connect(sees, transports, resume={stream: seq})
    joined = until(heard, "room:joined", stream)
    assert joined["outcome"] == "recovered", joined
    missed = [(push["data"]["seq"] - seq, push["data"]["body"]) for push in joined["missed"]]
    assert missed == [(1, "one"), (2, "two"), (3, "three")], missed
    ask(speaker, "message:send", {"room": room, "body": "four"})
    assert until(heard, "message:new", stream)["seq"] == seq + 4
    listener.disconnect()
    speaker.disconnect()

print("resume: as it should be")
