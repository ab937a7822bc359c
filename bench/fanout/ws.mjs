// The peer `ws` on node: broadcast as its documentation shows it.
//
//   node bench/fanout/ws.mjs FOLDER     with FOLDER/node_modules/ws
//
// Speaks what every server of bench/fanout speaks: one line of JSON with its port, then a
// line on stdin for each event; ends when stdin does.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.argv[2]}/`);
const { WebSocketServer, WebSocket } = require("ws");

const server = new WebSocketServer({
  host: "127.0.0.1", port: 0, backlog: 4096, perMessageDeflate: false,
}, () => console.log(JSON.stringify({ port: server.address().port })));

let number = 0;
createInterface({ input: process.stdin })
  .on("line", () => {
    number += 1;
    const begin = `{"type":"filing.seen","seq":${number},"filler":"`;
    const event = `${begin.padEnd(448, "x")}"}`;
    for (const client of server.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(event);
    }
  })
  .on("close", () => process.exit(0));
