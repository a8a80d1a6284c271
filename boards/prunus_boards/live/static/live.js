// The connection: what comes goes to the drawing or to the training.
import { by, forget, onChange } from "./charts.js";
import * as draw from "./draw.js";
import * as learn from "./learn.js";

const VERSION = 1;
let socket;

function say(text, wrong = false) {
  by("status").textContent = text;
  by("status").classList.toggle("wrong", wrong);
}
function send(message) {
  if (socket.readyState !== WebSocket.OPEN) { say("Not connected: nothing was shown", true); return false; }
  socket.send(JSON.stringify({ version: VERSION, ...message }));
  return true;
}
function hello(m) {
  by("of").textContent = `For ${m.network}, on ${m.device}.`;
  if (m.training) by("training").textContent = `Training of ${m.training}.`;
}
function connect() {
  socket = new WebSocket(`ws://${location.host}/socket`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => say("Connected");
  socket.onclose = () => { say("Not connected; trying again", true); setTimeout(connect, 2000); };
  socket.onmessage = (e) => {
    if (typeof e.data !== "string") { learn.frame(e.data); return; }
    const m = JSON.parse(e.data);
    if (m.version !== VERSION) say(`Server speaks version ${m.version}, not ${VERSION}: reload the page`, true);
    else if (m.type === "hello") hello(m);
    else if (m.type === "result") draw.result(m);
    else say(m.text, true);
  };
}
onChange(() => { draw.redraw(); learn.redraw(); });
// A window that goes to another screen, or is made larger or smaller, may have other pixels.
addEventListener("resize", forget);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", forget);
draw.begin(send, say);
connect();
