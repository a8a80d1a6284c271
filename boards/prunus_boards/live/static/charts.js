// Charts on canvases, in the colours of the page and the pixels of the screen.
export const by = (id) => document.getElementById(id);
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const LEFT = 46, RIGHT = 10, TOP = 6, BOTTOM = 32;
const FONT = '12px system-ui, "DejaVu Sans", sans-serif';
const short = (v) => v >= 1e6 ? `${+(v / 1e6).toFixed(1)} M` : v >= 1e4 ? `${+(v / 1e3).toFixed(1)} k` : `${+v.toFixed(2)}`;

// Clear a canvas and draw its axes; return the context and functions from values to places.
// x, y: { from, to, label, ticks }; bands: the x axis has one place for each number from..to-1.
export function chart(id, says, x, y) {
  const c = by(id), ratio = window.devicePixelRatio || 1, width = c.clientWidth, height = c.clientHeight;
  c.setAttribute("aria-label", says);
  if (c.width !== Math.round(width * ratio) || c.height !== Math.round(height * ratio)) {
    c.width = Math.round(width * ratio); c.height = Math.round(height * ratio);
  }
  const g = c.getContext("2d"), w = width - LEFT - RIGHT, h = height - TOP - BOTTOM;
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, height);
  const px = (v) => LEFT + w * (v - x.from) / Math.max(1e-9, x.to - x.from);
  const py = (v) => TOP + h * (1 - (v - y.from) / Math.max(1e-9, y.to - y.from));
  g.font = FONT; g.strokeStyle = colour("--line"); g.fillStyle = colour("--soft"); g.lineWidth = 1;
  g.textAlign = "right"; g.textBaseline = "middle";
  for (const v of [y.from, (y.from + y.to) / 2, y.to]) {
    g.beginPath(); g.moveTo(LEFT, py(v)); g.lineTo(LEFT + w, py(v)); g.stroke();
    g.fillText((y.says || short)(v), LEFT - 5, Math.max(TOP + 5, py(v)));
  }
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
  const top = Math.max(1, ...values);
  const { g, px, py } = chart(id, says, { from: 0, to: values.length, label, ticks, bands: Boolean(ticks) }, { from: 0, to: top });
  g.fillStyle = colour("--accent");
  const gap = values.length > 60 ? 0.5 : 3;
  values.forEach((v, i) => g.fillRect(px(i) + gap / 2, py(v), Math.max(1, px(i + 1) - px(i) - gap), py(0) - py(v)));
}
// points: [x, y] in order.
export function line({ g, px, py }, points, name, { dashed = false, stairs = false } = {}) {
  g.strokeStyle = colour(name); g.fillStyle = colour(name); g.lineWidth = 2; g.setLineDash(dashed ? [5, 4] : []);
  g.beginPath();
  points.forEach(([x, y], i) => {
    if (i === 0) g.moveTo(px(x), py(y));
    else { if (stairs) g.lineTo(px(x), py(points[i - 1][1])); g.lineTo(px(x), py(y)); }
  });
  g.stroke(); g.setLineDash([]);
  if (points.length === 1) g.fillRect(px(points[0][0]) - 2, py(points[0][1]) - 2, 4, 4);
}
