"""A TCP forwarder that cuts: forwards to 127.0.0.1:PORT, resets every connection on SIGUSR1.

usage: cutter.py PORT; the first line of output is its own port, then a line for every cut
with the number of connections.
"""

import asyncio, signal, sys

open_writers = set()


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


async def accept(reader, writer):
    try:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    except OSError:
        return writer.close()
    await asyncio.gather(pass_on(reader, far_writer), pass_on(far_reader, writer))


def cut():
    print(f"cut {len(open_writers) // 2}", flush=True)
    for writer in list(open_writers):
        writer.transport.abort()


async def main():
    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, cut)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
