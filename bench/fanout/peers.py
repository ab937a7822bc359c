#!/usr/bin/env python3
"""The peers that are programs of their own: nchan (nginx), NATS, uWebSockets.

    python3 bench/fanout/peers.py nchan NGINX MODULE
    python3 bench/fanout/peers.py nats NATS_SERVER
    python3 bench/fanout/peers.py uws

Speaks what every server of bench/fanout speaks: one line of JSON with its port, then a
line on stdin for each event; ends when stdin does. nginx and NATS are fed over a socket
by this process, which leaves their core and is not counted; uWebSockets runs inside.
"""
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

CONNECTIONS_MAX = 19500
DEADLINE_S = 20

NGINX = """
load_module {module};
daemon off; user root root; worker_processes 1; pid {folder}/pid; error_log {folder}/log crit;
events {{ worker_connections {most}; }}
http {{
  access_log off; keepalive_requests 100000000; nchan_shared_memory_size 256M;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location /pub {{ nchan_publisher http; nchan_channel_id e; nchan_message_buffer_length 4096; }}
    location /sub {{ nchan_subscriber websocket; nchan_channel_id e; nchan_subscriber_first_message newest; }}
  }}
}}
"""

# nchan makes nginx look into its compiled-in folder, whatever the configuration says; where
# nginx is unpacked and not installed it gets one that nobody else sees.
NGINX_HOME = "/var/lib/nginx"
IN_A_HOME = f'mount -t tmpfs none /var/lib && mkdir {NGINX_HOME} && exec "$@"'

NATS = """
listen: "127.0.0.1:{port}", max_connections: {most}, ping_interval: "1h", write_deadline: "60s"
websocket {{ listen: "127.0.0.1:{web}", no_tls: true, compression: false }}
"""


def event(number):
    begin = b'{"type":"filing.seen","seq":%d,"filler":"' % number
    return begin.ljust(448, b"x") + b'"}'


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect(port):
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def family(pid):
    """The process and its children."""
    pids = [pid]
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as stat:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
        except FileNotFoundError:
            continue
        if parent == pid:
            pids.append(int(name))
    return pids


def feed(server, door, ready, request):
    """Says where the server is, then sends it what comes on stdin."""
    if os.cpu_count() > 1:
        os.sched_setaffinity(0, {1})

    def forget_answers():
        while door.recv(65536):
            pass

    threading.Thread(target=forget_answers, daemon=True).start()
    print(json.dumps({**ready, "pids": family(server.pid)}), flush=True)
    for number, _ in enumerate(sys.stdin, 1):
        door.sendall(request(event(number)))
    server.terminate()
    server.wait()


def nchan(folder, nginx, module):
    port = free_port()
    conf = f"{folder}/nginx.conf"
    with open(conf, "w") as file:
        file.write(NGINX.format(module=module, folder=folder, port=port, most=CONNECTIONS_MAX))
    command = [nginx, "-c", conf, "-p", folder]
    if not os.path.isdir(NGINX_HOME):
        command = ["unshare", "--mount", "sh", "-c", IN_A_HOME, "sh", *command]
    server = subprocess.Popen(command)
    head = b"POST /pub HTTP/1.1\r\nHost: x\r\nContent-Length: 450\r\n\r\n"
    feed(server, connect(port), {"port": port, "path": "/sub"}, lambda event: head + event)


def nats(folder, program):
    port, web = free_port(), free_port()
    conf = f"{folder}/nats.conf"
    with open(conf, "w") as file:
        file.write(NATS.format(port=port, web=web, most=CONNECTIONS_MAX))
    server = subprocess.Popen([program, "-c", conf], stderr=subprocess.DEVNULL)
    connect(web).close()
    door = connect(port)
    door.sendall(b'CONNECT {"verbose":false,"pedantic":false}\r\n')
    ready = {"port": web, "nats": True, "greetings": 2}
    feed(server, door, ready, lambda event: b"PUB e 450\r\n" + event + b"\r\n")


def uws(folder):
    """uWebSockets as `socketify` has it; Python is called once for each event."""
    port = free_port()
    server = subprocess.Popen([sys.executable, __file__, "uws-server", str(port)])
    head = b"POST /pub HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    feed(server, connect(port), {"port": port}, lambda _: head)


def uws_server(_, port):
    from socketify import App, OpCode

    app = App()
    numbers = itertools.count(1)

    def publish(response, _):
        app.publish("e", event(next(numbers)).decode(), OpCode.TEXT)
        response.end("")

    # Sending pings and timing out are not what is measured.
    app.ws("/", {"open": lambda socket: socket.subscribe("e"), "idle_timeout": 0})
    app.post("/pub", publish)
    app.listen({"port": int(port), "host": "127.0.0.1"})
    app.run()


def main():
    name, *arguments = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        {"nchan": nchan, "nats": nats, "uws": uws, "uws-server": uws_server}[name](folder, *arguments)


main()
