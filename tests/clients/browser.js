// In a page of the server's own origin: watches a run with the browser's EventSource or WebSocket.
// Says "begun" when it is welcome, and gives all frames when there is nothing more to come.
([kind, run, types]) =>
  new Promise((resolve) => {
    const frames = [];
    const take = (event) => {
      const frame = JSON.parse(event.data);
      frames.push(frame);
      if (frame.type === "welcome") console.log("begun");
    };
    if (kind === "websocket") {
      const socket = new WebSocket(`${location.origin.replace("http", "ws")}/api/v1/watch`, ["headway.v1"]);
      socket.onopen = () =>
        socket.send(JSON.stringify({ type: "watch", run_id: run, after: "0", mode: "all", close_on_end: true }));
      socket.onmessage = take;
      socket.onclose = ({ code, wasClean }) => resolve([...frames, { type: "closed", code, wasClean }]);
    } else {
      const source = new EventSource(`${location.origin}/api/v1/runs/${run}/stream?mode=all&after=0`);
      for (const type of types) source.addEventListener(type, take);
      // It comes again after the end by itself, with the last id, and stops when it is answered with 204.
      source.onerror = () => {
        if (source.readyState === EventSource.CLOSED) resolve([...frames, { type: "closed" }]);
      };
    }
  });
