// The drawing, and what the network took it for.
import { by, colour, chart, bars, line } from "./charts.js";

export const CANVAS = 112;
const STEP = 4;
const MOVES = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
const pad = by("pad"), pen = pad.getContext("2d", { willReadFrequently: true });
let send, say, last = null, drawn = false, key, shown = null;

export function begin(sender, teller) {
  send = sender; say = teller;
  clear();
}
function clear() {
  pen.fillStyle = "#000"; pen.fillRect(0, 0, CANVAS, CANVAS);
  drawn = false; last = null; key = { x: CANVAS / 2, y: CANVAS / 2, down: false };
  mark();
}
function stroke(from, to) {
  pen.strokeStyle = "#fff"; pen.lineWidth = 9; pen.lineCap = "round"; pen.lineJoin = "round";
  pen.beginPath(); pen.moveTo(from.x, from.y); pen.lineTo(to.x, to.y); pen.stroke(); drawn = true;
}
function at(event) {
  const box = pad.getBoundingClientRect();
  return { x: (event.clientX - box.left) * CANVAS / box.width, y: (event.clientY - box.top) * CANVAS / box.height };
}
function show() {
  if (!drawn) { say("Draw something first"); return; }
  const data = pen.getImageData(0, 0, CANVAS, CANVAS).data;
  let text = "";
  for (let i = 0; i < data.length; i += 4) text += String.fromCharCode(data[i]);
  if (send({ type: "draw", pixels: btoa(text) })) say("Shown; waiting for the answer");
}
function mark() {
  const p = by("pen");
  p.style.left = `${100 * key.x / CANVAS}%`; p.style.top = `${100 * key.y / CANVAS}%`;
  p.classList.toggle("down", key.down);
}
pad.addEventListener("pointerdown", (e) => {
  pad.setPointerCapture(e.pointerId); last = at(e); stroke(last, last);
});
pad.addEventListener("pointermove", (e) => { if (last) { const to = at(e); stroke(last, to); last = to; } });
pad.addEventListener("pointerup", () => { if (last) { last = null; show(); } });
pad.addEventListener("pointercancel", () => { last = null; });
pad.addEventListener("focus", () => { by("pen").hidden = !pad.matches(":focus-visible"); });
pad.addEventListener("blur", () => { by("pen").hidden = true; });
pad.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.altKey || e.metaKey) return;
  const move = MOVES[e.key];
  if (move) {
    const [x, y] = [key.x + move[0], key.y + move[1]].map((v) => Math.max(0, Math.min(CANVAS, v)));
    if (key.down) stroke(key, { x, y });
    key.x = x; key.y = y;
  } else if (e.key === " ") { key.down = !key.down; if (key.down) stroke(key, key); }
  else if (e.key === "Enter") show();
  else if (e.key === "Delete" || e.key === "Backspace") { clear(); say("Cleared"); }
  else return;
  if (move || e.key === " ") say(`Pen ${key.down ? "down" : "up"} at ${key.x}, ${key.y}`);
  by("pen").hidden = false; mark();
  e.preventDefault();
});
by("show").addEventListener("click", show);
by("clear").addEventListener("click", () => { clear(); say("Cleared"); });

// What ended the presentation, from what the device told.
function ended(m) {
  const steps = m.counters.steps;
  if (m.margin && m.lead >= m.margin) return `The sequential test stopped after ${steps} of ${m.most_steps} steps, with a lead of ${m.lead} (margin ${m.margin}).`;
  if (steps < m.most_steps) return `Stopped after ${steps} of ${m.most_steps} steps, at output spike ${m.stop_after}; lead ${m.lead}.`;
  return `All ${m.most_steps} steps were made; lead ${m.lead}.`;
}
export function result(m) {
  shown = m;
  by("prediction").textContent = m.prediction < 0 ? "undecided" : m.prediction;
  const time = m.cycles && m.clock_hz ? ` ${m.cycles.toLocaleString("en")} cycles, ${(1000 * m.cycles / m.clock_hz).toFixed(3)} ms.` : "";
  by("stop").textContent = ended(m) + time;
  by("agrees").textContent = m.equal ? "Equal to the reference." : "Differs from the reference: votes and leads below are those of the reference.";
  by("agrees").classList.toggle("wrong", !m.equal);
  const picture = by("picture"), g = picture.getContext("2d"), image = g.createImageData(28, 28);
  m.pixels.forEach((v, i) => image.data.set([v, v, v, 255], 4 * i));
  g.putImageData(image, 0, 0);
  picture.setAttribute("aria-label", "Picture of 28 by 28 pixels, centred");
  by("winners").replaceChildren(...m.winners.map(([step, neuron]) =>
    Object.assign(document.createElement("li"), { textContent: `step ${step}: neuron ${neuron}` })));
  if (!m.winners.length) by("winners").textContent = "None";
  by("result").hidden = false;
  redraw();
  say("Answered");
}
export function redraw() {
  const m = shown;
  if (!m) return;
  const classes = m.scores.map((_, i) => i);
  bars("votes", `Votes by class: ${m.scores.map((s, i) => `${i}: ${s}`).join(", ")}`, m.scores, "class", classes);
  const spikes = m.steps.reduce((sum, s) => sum + s.inputs.length, 0);
  const steps = { from: 0, to: m.most_steps, label: "step" };
  const r = chart("raster", `${spikes} input spikes in ${m.steps.length} steps`, steps, { from: 0, to: m.inputs, says: (v) => `${Math.round(m.inputs - v)}` });
  const w = Math.max(1, r.width / m.most_steps * 0.7);
  r.g.fillStyle = colour("--mark");
  m.steps.forEach((s, i) => { if (s.fired.length) r.g.fillRect(r.px(i) + w / 2 - 1, r.top, 2, r.height); });
  r.g.fillStyle = colour("--text");
  m.steps.forEach((s, i) => s.inputs.forEach((n) => r.g.fillRect(r.px(i), r.py(m.inputs - n), w, 1.5)));
  const leads = m.steps.map((s, i) => { const [a, b] = [...s.scores, 0].sort((p, q) => q - p); return [i + 1, a - b]; });
  const top = Math.max(1, m.margin, ...leads.map(([, v]) => v));
  by("lead-title").textContent = "Lead of the first class by step" + (m.margin ? `; dashed: margin ${m.margin}` : "");
  const l = chart("lead", `Lead at the end: ${m.lead}`, steps, { from: 0, to: top });
  if (m.margin) line(l, [[0, m.margin], [m.most_steps, m.margin]], "--mark", { dashed: true });
  line(l, [[0, 0], ...leads], "--accent", { stairs: true });
}
