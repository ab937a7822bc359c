"""Prints the type of the first frame that a websocket through TLS brings: hello.py ADDRESS NAME KEY."""

import asyncio
import json
import sys

import websockets


async def main(address: str, name: str, key: str) -> None:
    host, port = address.rsplit(":", 1)
    url = f"wss://{name}:{port}/v1/stream"
    headers = {"Authorization": f"Bearer {key}"}
    async with websockets.connect(url, additional_headers=headers, host=host, port=int(port)) as socket:
        print(json.loads(await socket.recv())["type"])


asyncio.run(main(*sys.argv[1:]))
