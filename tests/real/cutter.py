"""A TCP forwarder that does harm: forwards to 127.0.0.1:PORT, resets every connection on SIGUSR1, and
takes the next `filing.seen` out of each websocket on SIGUSR2, as a fault that nobody notices would.

usage: cutter.py PORT; the first line of output is its own port, then a line for every cut
with the number of connections, and for every filing that was taken.
"""

import asyncio, json, signal, sys

open_writers = set()
robbed = {}  # Writers to clients, and whether the next filing is to be taken.


async def pass_on(reader, writer):
    open_writers.add(writer)
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass
    open_writers.discard(writer)
    writer.close()


async def pass_frames(reader, writer):
    """Passes on what the server says, by frames of the websocket once it is one."""
    open_writers.add(writer)
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        if b" 101 " not in head.split(b"\r\n")[0]:
            return await pass_on(reader, writer)
        robbed[writer] = False
        while frame := await read_frame(reader):
            if robbed[writer] and b'"type":"filing.seen"' in frame:
                robbed[writer] = False
                print("took", json.loads(frame[frame.index(b"{") :])["filing"]["accession"], flush=True)
                continue
            writer.write(frame)
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        robbed.pop(writer, None)
        open_writers.discard(writer)
        writer.close()


async def read_frame(reader):
    """One frame of a server, which masks nothing."""
    head = await reader.readexactly(2)
    longer = {126: 2, 127: 8}.get(head[1], 0)
    more = await reader.readexactly(longer)
    return head + more + await reader.readexactly(int.from_bytes(more, "big") if longer else head[1])


async def accept(reader, writer):
    try:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    except OSError:
        return writer.close()
    await asyncio.gather(pass_on(reader, far_writer), pass_frames(far_reader, writer))


def cut():
    print(f"cut {len(open_writers) // 2}", flush=True)
    for writer in list(open_writers):
        writer.transport.abort()


def rob():
    robbed.update(dict.fromkeys(robbed, True))


async def main():
    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, cut)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, rob)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
