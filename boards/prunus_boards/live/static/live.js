const by = (id) => document.getElementById(id);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const VERSION = 1, CANVAS = 112;
const pad = by("pad"), pen = pad.getContext("2d", { willReadFrequently: true });
let socket, last = null, drawn = false, key = { x: 56, y: 56, down: false };

function clear() {
  pen.fillStyle = "#000"; pen.fillRect(0, 0, CANVAS, CANVAS);
  drawn = false; key = { x: 56, y: 56, down: false };
}
function line(from, to) {
  pen.strokeStyle = "#fff"; pen.lineWidth = 9; pen.lineCap = "round"; pen.lineJoin = "round";
  pen.beginPath(); pen.moveTo(from.x, from.y); pen.lineTo(to.x, to.y); pen.stroke(); drawn = true;
}
function at(event) {
  const box = pad.getBoundingClientRect();
  return { x: (event.clientX - box.left) * CANVAS / box.width, y: (event.clientY - box.top) * CANVAS / box.height };
}
function show() {
  if (!drawn) { by("status").textContent = "Draw something first"; return; }
  if (socket.readyState !== WebSocket.OPEN) return;
  const data = pen.getImageData(0, 0, CANVAS, CANVAS).data;
  let text = "";
  for (let i = 0; i < data.length; i += 4) text += String.fromCharCode(data[i]);
  socket.send(JSON.stringify({ version: VERSION, type: "draw", pixels: btoa(text) }));
}
pad.addEventListener("pointerdown", (e) => { pad.setPointerCapture(e.pointerId); last = at(e); line(last, last); });
pad.addEventListener("pointermove", (e) => { if (last) { const to = at(e); line(last, to); last = to; } });
pad.addEventListener("pointerup", () => { if (last) { last = null; show(); } });
pad.addEventListener("pointercancel", () => { last = null; });
pad.addEventListener("keydown", (e) => {
  const move = { ArrowLeft: [-4, 0], ArrowRight: [4, 0], ArrowUp: [0, -4], ArrowDown: [0, 4] }[e.key];
  if (move) {
    const to = { x: Math.max(0, Math.min(CANVAS - 1, key.x + move[0])), y: Math.max(0, Math.min(CANVAS - 1, key.y + move[1])) };
    if (key.down) line(key, to);
    key.x = to.x; key.y = to.y;
  } else if (e.key === " ") { key.down = !key.down; if (key.down) line(key, key); }
  else if (e.key === "Enter") show();
  else if (e.key === "Delete") clear();
  else return;
  if (e.key !== "Delete") by("status").textContent = `Pen ${key.down ? "down" : "up"} at ${key.x}, ${key.y}`;
  e.preventDefault();
});
by("show").addEventListener("click", show);
by("clear").addEventListener("click", clear);

function result(m) {
  by("prediction").textContent = m.prediction < 0 ? "undecided" : m.prediction;
  by("votes").replaceChildren(...m.scores.map((s) => Object.assign(document.createElement("li"), { textContent: s })));
  const early = m.steps.length < m.most_steps;
  by("stop").textContent = `${m.steps.length} of ${m.most_steps} steps, lead ${m.lead}` + (early ? ", stopped early" : "");
  const won = m.steps.flatMap((s, i) => s.fired.map((n) => [i, n]));
  by("winners").textContent = "Winners: " + (won.map(([i, n]) => `${n} at step ${i}`).join(", ") || "none");
  const c = by("raster"), g = c.getContext("2d"), w = c.width / m.most_steps;
  g.clearRect(0, 0, c.width, c.height);
  g.fillStyle = colour("--text");
  m.steps.forEach((s, i) => s.inputs.forEach((n) => g.fillRect(i * w, n * c.height / m.inputs, Math.max(1, w), 1)));
  g.fillStyle = colour("--mark");
  won.forEach(([i]) => g.fillRect(i * w, 0, 2, c.height));
}
function bars(id, values) {
  const c = by(id), g = c.getContext("2d"), top = Math.max(1, ...values), w = c.width / values.length;
  g.clearRect(0, 0, c.width, c.height); g.fillStyle = colour("--accent");
  values.forEach((v, i) => g.fillRect(i * w, c.height * (1 - v / top), Math.max(1, w - 1), c.height * v / top));
}
function frame(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const m = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const weights = new Uint8Array(buffer, 4 + length, m.neurons * m.inputs);
  const alive = new Uint8Array(buffer, 4 + length + m.neurons * m.inputs);
  by("learning").hidden = false;
  const facts = {
    "Presentations": `${m.presentation} of ${m.presentations}`,
    "Running accuracy": m.accuracy === null ? "not known yet" : `${(100 * m.accuracy).toFixed(1)} %`,
    "Density": `${(100 * m.density).toFixed(1)} %`,
    "SOPs": m.sops.toLocaleString("en"), "SOPs, unpruned": m.sops_unpruned.toLocaleString("en"),
  };
  by("facts").replaceChildren(...Object.entries(facts).flatMap(([k, v]) => [
    Object.assign(document.createElement("dt"), { textContent: k }), Object.assign(document.createElement("dd"), { textContent: v })]));
  const side = Math.floor(Math.sqrt(m.inputs)), columns = Math.ceil(Math.sqrt(m.neurons)), cell = side + 1;
  const c = by("fields"); c.width = columns * cell; c.height = Math.ceil(m.neurons / columns) * cell;
  const g = c.getContext("2d"), image = g.createImageData(c.width, c.height);
  for (let n = 0; n < m.neurons; n++) for (let i = 0; i < side * side; i++) {
    const x = (n % columns) * cell + i % side, y = Math.floor(n / columns) * cell + Math.floor(i / side);
    const k = n * m.inputs + i, v = 255 * weights[k] / m.w_max;
    image.data.set(alive[k] ? [v, v, v, 255] : [70, 0, 20, 255], 4 * (y * c.width + x));
  }
  g.putImageData(image, 0, 0);
  bars("thresholds", m.v_fire); bars("counts", m.post_count);
}
function connect() {
  socket = new WebSocket(`ws://${location.host}/socket`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => { by("status").textContent = "Connected"; };
  socket.onclose = () => { by("status").textContent = "Not connected; trying again"; setTimeout(connect, 2000); };
  socket.onmessage = (e) => {
    if (typeof e.data !== "string") { frame(e.data); return; }
    const m = JSON.parse(e.data);
    if (m.type === "result") result(m);
    else by("status").textContent = m.text;
  };
}
clear(); connect();
