"""A stock python-socketio client against a running server: presence and typing, by polling and by websocket.

    python presence.py URL CONTEXT      CONTEXT is JSON: {"sees": {id, token}, "comes": {id, token}, "room": "chat:..."}
"""

import json
import queue
import sys

import socketio

url, context = sys.argv[1], json.loads(sys.argv[2])
sees, comes, room = context["sees"], context["comes"], context["room"]


def connect(member, transports):
    client = socketio.Client(reconnection=False)
    heard = queue.Queue()
    client.on("*", lambda event, data: heard.put((event, data)))
    client.connect(url, auth={"token": member["token"]}, transports=transports)
    return client, heard


def until(heard, event, wanted):
    while True:
        name, data = heard.get(timeout=10)
        if name == event and wanted(data):
            return data


def ask(client, event, data):
    answer = client.call(event, data, timeout=5)
    assert answer["ok"], (event, answer)
    return answer


def status(word):
    return lambda push: any(one["member_id"] == comes["id"] and one["status"] == word for one in push["changes"])


for transports in (["websocket"], ["polling", "websocket"], ["polling"]):
    watcher, heard = connect(sees, ["websocket"])
    ask(watcher, "room:join", {"room": room})
    dancer, _ = connect(comes, transports)
    stream = ask(dancer, "room:join", {"room": room})["stream"]
    until(heard, "presence:changed", status("online"))
    ask(dancer, "typing:start", {"room": stream})
    until(heard, "typing:changed", lambda push: push["members"] == [comes["id"]])
    ask(dancer, "typing:stop", {"room": stream})
    until(heard, "typing:changed", lambda push: push["stopped"] == [comes["id"]])
    dancer.disconnect()
    until(heard, "presence:changed", status("offline"))
    watcher.disconnect()

print("presence: as it should be")
