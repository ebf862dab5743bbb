// Watches a run with `ws` or `eventsource` and prints each frame on a line, until its end.
// node watch.mjs ws|eventsource URL RUN
import { EventSource } from "eventsource";
import WebSocket from "ws";

const [, , kind, url, run] = process.argv;
const types = ["welcome", "waiting", "snapshot", "events", "tick", "end", "heartbeat", "notice", "problem"];

if (kind === "ws") {
  const socket = new WebSocket(`${url.replace("http", "ws")}/api/v1/watch`, ["headway.v1"]);
  socket.on("open", () =>
    socket.send(JSON.stringify({ type: "watch", run_id: run, after: "0", mode: "all", close_on_end: true })),
  );
  socket.on("message", (data) => console.log(String(data)));
  socket.on("close", (code) => console.log(JSON.stringify({ type: "closed", code, protocol: socket.protocol })));
} else {
  const source = new EventSource(`${url}/api/v1/runs/${run}/stream?mode=all&after=0`);
  for (const type of types) source.addEventListener(type, (event) => console.log(event.data));
  // A browser's own EventSource comes again after the end, with the last id, and stops when it is answered with 204.
  source.onerror = (error) => {
    if (source.readyState === EventSource.CLOSED) console.log(JSON.stringify({ type: "closed", code: error.code }));
  };
}
