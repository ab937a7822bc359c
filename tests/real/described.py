"""Holds the frames of a running server against its own AsyncAPI document, by a full JSON Schema validator.

Usage: described.py http://ADDRESS KEY
"""

import asyncio
import json
import sys
import urllib.request

import jsonschema_rs
import websockets

WANTED = {"hello", "subscribed", "pong", "heartbeat", "filing.seen", "filing.archived", "filing.seen.lite", "error"}


def schemas(document):
    """A validator for each message by its name."""
    shared = {"components": {"schemas": document["components"]["schemas"]}}
    messages = document["components"]["messages"]
    return {name: jsonschema_rs.Draft202012Validator({**message["payload"], **shared}, validate_formats=True)
            for name, message in messages.items()}


def name_of(frame):
    is_lite = "filing" in frame and "seen_at" not in frame["filing"]
    return frame["type"] + (".lite" if is_lite else "")


async def frames(address, key, query, message=None):
    """The frames of one session, until its end or until nobody wants more."""
    url = f"{address.replace('http', 'ws', 1)}/v1/stream?{query}"
    async with websockets.connect(url, additional_headers={"Authorization": f"Bearer {key}"}) as socket:
        if message:
            await socket.send(json.dumps(message))
        try:
            async for text in socket:
                yield json.loads(text)
        except websockets.ConnectionClosedError:
            pass  # A refusal: its error frame came before.


async def main(address, key):
    with urllib.request.urlopen(f"{address}/asyncapi.json") as answer:
        validators = schemas(json.load(answer))
    ping = {"op": "ping", "id": 1}
    validators["ping"].validate(ping)
    sessions = [("after=oldest", ping), ("after=oldest&view=lite", None), ("froms=8-K", None)]
    met, count = set(), 0
    for query, message in sessions:
        of_session = 0
        async for frame in frames(address, key, query, message):
            name = name_of(frame)
            validators[name].validate(frame)
            met.add(name)
            count, of_session = count + 1, of_session + 1
            if of_session >= 200 and (message is None or "heartbeat" in met):
                break
    assert met >= WANTED, f"not met: {WANTED - met}"
    print(f"{count} frames of {len(met)} kinds are as asyncapi.json says")


asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), 60))
