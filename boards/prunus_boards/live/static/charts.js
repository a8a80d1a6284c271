// Charts on canvases, in the colours of the page and the pixels of the screen.
export const by = (id) => document.getElementById(id);
const LEFT = 46, RIGHT = 10, TOP = 6, BOTTOM = 32;
const FONT = '12px system-ui, "DejaVu Sans", sans-serif';
const short = (v) => v >= 1e6 ? `${+(v / 1e6).toFixed(2)} M` : v >= 1e4 ? `${+(v / 1e3).toFixed(1)} k` : `${+v.toFixed(2)}`;

// To ask a page for colours and sizes makes it lay itself out: they are asked for once.
let colours = {}, changed = () => {};
const charts = new Map();
export const colour = (name) => colours[name] ??= getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const sizes = new ResizeObserver((entries) => {
  const other = entries.filter(({ target: c }) => { const k = charts.get(c.id); return k && (k.width !== c.clientWidth || k.height !== c.clientHeight); });
  other.forEach(({ target: c }) => charts.delete(c.id));
  if (other.length) changed();
});
// What is to be called when a chart must be drawn again that has not changed itself.
export function onChange(redraw) { changed = redraw; }
// Colours, or pixels of the screen, are other ones now.
export function forget() { colours = {}; charts.clear(); changed(); }
// Whether a chart has to be drawn whole: it has not been, or was forgotten.
export const fresh = (id) => !charts.has(id);

// Write a text, or a label, only if it is another one.
export function tell(element, text, label = false) {
  if (label ? element.ariaLabel === text : element.textContent === text) return;
  if (label) element.ariaLabel = text; else element.textContent = text;
}
// The least number of one or two digits that is not less: axes then stay as they are for a while.
export function round(v) {
  const ten = 10 ** Math.floor(Math.log10(Math.max(1, v)));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((n) => n * ten >= v) * ten;
}

// Clear a canvas and draw its axes; return the context and functions from values to places.
// x, y: { from, to, label, ticks }; bands: the x axis has one place for each number from..to-1.
export function chart(id, says, x, y) {
  const c = by(id), ratio = window.devicePixelRatio || 1;
  let kept = charts.get(id);
  if (!kept) {
    kept = { width: c.clientWidth, height: c.clientHeight, g: c.getContext("2d"), axes: "" };
    charts.set(id, kept); sizes.observe(c);
    c.width = Math.round(kept.width * ratio); c.height = Math.round(kept.height * ratio);
    kept.g.setTransform(ratio, 0, 0, ratio, 0, 0);
  }
  tell(c, says, true);
  const { g, width, height } = kept, w = width - LEFT - RIGHT, h = height - TOP - BOTTOM;
  const px = (v) => LEFT + w * (v - x.from) / Math.max(1e-9, x.to - x.from);
  const py = (v) => TOP + h * (1 - (v - y.from) / Math.max(1e-9, y.to - y.from));
  const axes = JSON.stringify([x, y]), same = kept.axes === axes;
  kept.axes = axes;
  // The same axes keep their numbers: only what is between them is drawn again.
  if (same) g.clearRect(LEFT - 2, 0, w + 4, TOP + h + 2); else g.clearRect(0, 0, width, height);
  g.font = FONT; g.strokeStyle = colour("--line"); g.fillStyle = colour("--soft"); g.lineWidth = 1;
  g.textAlign = "right"; g.textBaseline = "middle";
  for (const v of [y.from, (y.from + y.to) / 2, y.to]) {
    g.beginPath(); g.moveTo(LEFT, py(v)); g.lineTo(LEFT + w, py(v)); g.stroke();
    if (!same) g.fillText((y.says || short)(v), LEFT - 5, Math.max(TOP + 5, py(v)));
  }
  if (same) return { g, px, py, left: LEFT, top: TOP, width: w, height: h };
  g.textAlign = "center"; g.textBaseline = "top";
  const half = x.bands ? 0.5 : 0;
  const ticks = x.ticks || [x.from, (x.from + x.to) / 2, x.to].map(Math.round);
  ticks.forEach((v, i) => {
    if (!x.ticks) g.textAlign = i === 0 ? "left" : i === ticks.length - 1 ? "right" : "center";
    g.fillText(short(v), px(v + half), TOP + h + 3);
  });
  g.textAlign = "center"; g.fillText(x.label, LEFT + w / 2, TOP + h + 17);
  return { g, px, py, left: LEFT, top: TOP, width: w, height: h };
}
export function bars(id, says, values, label, ticks) {
  const top = round(Math.max(...values));
  const { g, px, py } = chart(id, says, { from: 0, to: values.length, label, ticks, bands: Boolean(ticks) }, { from: 0, to: top });
  g.fillStyle = colour("--accent");
  const gap = values.length > 60 ? 0.5 : 3;
  values.forEach((v, i) => g.fillRect(px(i) + gap / 2, py(v), Math.max(1, px(i + 1) - px(i) - gap), py(0) - py(v)));
}
// points: [x, y] in order.
export function line({ g, px, py }, points, name, { dashed = false, stairs = false } = {}) {
  g.strokeStyle = colour(name); g.fillStyle = colour(name); g.lineWidth = 2; g.lineJoin = "round"; g.setLineDash(dashed ? [5, 4] : []);
  g.beginPath();
  points.forEach(([x, y], i) => {
    if (i === 0) g.moveTo(px(x), py(y));
    else { if (stairs) g.lineTo(px(x), py(points[i - 1][1])); g.lineTo(px(x), py(y)); }
  });
  g.stroke(); g.setLineDash([]);
  if (points.length === 1) g.fillRect(px(points[0][0]) - 2, py(points[0][1]) - 2, 4, 4);
}
