// A training, frame by frame.
import { by, bars, chart, fresh, line, round, tell } from "./charts.js";

// Milliseconds without a frame after which all is drawn that was left out.
const REST = 300;
let newest = null, asked = false, whole = true, rest = 0, turn = false, curve = "", picture = null;
const percent = (v) => `${(100 * v).toFixed(1)} %`;
const found = (points, column) => points.filter((p) => p[column] !== null).map((p) => [p[0], p[column]]);

// A frame is drawn when the browser draws next, never in a hidden page, and only the newest. Fields
// are drawn of each, and in turns what is written or the bars, unless no other frame follows soon.
export function frame(buffer) {
  newest = buffer;
  clearTimeout(rest); rest = setTimeout(redraw, REST);
  ask();
}
export function redraw() { whole = true; ask(); }
function ask() {
  if (asked || !newest) return;
  asked = true;
  requestAnimationFrame(() => {
    const m = read(newest), all = whole || m.presentation >= m.presentations || by("watched").hidden;
    asked = whole = false; turn = !turn;
    draw(m, all || turn, all || !turn);
  });
}
function read(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const m = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  m.weights = new Uint8Array(buffer, 4 + length, m.neurons * m.inputs);
  m.alive = new Uint8Array(buffer, 4 + length + m.neurons * m.inputs);
  return m;
}
function draw(m, words, columns) {
  const watched = by("watched");
  watched.hidden = false;
  // What asks for the size of a chart comes before what changes the text around it.
  if (columns) {
    // Labels tell of round numbers, so that they seldom change.
    bars("thresholds", `Thresholds up to ${round(Math.max(...m.v_fire)).toLocaleString("en")}`, m.v_fire, "neuron");
    bars("counts", `Output spikes up to ${round(Math.max(...m.post_count)).toLocaleString("en")}`, m.post_count, "neuron");
  }
  fields(m);
  if (words) written(m);
  watched.dataset.frames = Number(watched.dataset.frames || 0) + 1;
}
function written(m) {
  const running = found(m.curve, 2), validation = found(m.curve, 3);
  const newestOf = (points) => points.length ? percent(points[points.length - 1][1]) : "not yet";
  const facts = {
    "Presentations": `${m.presentation.toLocaleString("en")} of ${m.presentations.toLocaleString("en")}`,
    "Validation accuracy": newestOf(validation),
    "Running accuracy": newestOf(running),
    "Density": percent(m.density),
    "SOPs saved": m.sops_unpruned ? percent(1 - m.sops / m.sops_unpruned) : "none yet",
    "SOPs": m.sops.toLocaleString("en"),
  };
  // Less than a thousandth of the width is not seen.
  const now = `${m.curve.length} ${Math.round(1000 * m.presentation / m.presentations)}`;
  if (now !== curve || fresh("curve")) {
    curve = now;
    const c = chart("curve", `Validation accuracy ${facts["Validation accuracy"]}, density ${facts["Density"]}`,
      { from: 0, to: m.presentations, label: "presentations" }, { from: 0, to: 1, says: (v) => `${100 * v} %` });
    line(c, [[0, 1], ...found(m.curve, 1), [m.presentation, m.density]], "--third", { dashed: true });
    line(c, running, "--mark");
    line(c, validation, "--accent");
  }
  by("progress").max = m.presentations; by("progress").value = m.presentation;
  if (!by("facts").children.length) by("facts").append(...Object.keys(facts).map((name) => {
    const both = document.createElement("div");
    both.append(Object.assign(document.createElement("dt"), { textContent: name }), document.createElement("dd"));
    return both;
  }));
  Object.values(facts).forEach((value, i) => tell(by("facts").children[i].lastChild, value));
}
// What is kept from picture to picture: its pixels, and the colour of each weight, pruned or not.
function pictured(m, width, height) {
  const c = by("fields");
  c.width = width; c.height = height;
  const g = c.getContext("2d", { alpha: false }), image = g.createImageData(width, height), pixels = new Uint32Array(image.data.buffer);
  // A pixel in one word, red in the lowest byte: browsers run on little-endian machines alone.
  pixels.fill(0xff2f2926);
  const table = new Uint32Array(512).fill(0xff1e0a5c, 0, 256);
  for (let w = 0; w < 256; w++) table[256 + w] = 0xff000000 | 0x10101 * Math.min(255, Math.floor(w * 255 / m.w_max));
  return { w_max: m.w_max, g, image, pixels, table };
}
function fields(m) {
  const side = Math.floor(Math.sqrt(m.inputs)), columns = Math.ceil(Math.sqrt(m.neurons)), cell = side + 1;
  const width = columns * cell - 1, height = Math.ceil(m.neurons / columns) * cell - 1;
  tell(by("fields-title"), (m.neurons < m.of_neurons ? `Receptive fields of the first ${m.neurons} of ${m.of_neurons} neurons` : "Receptive fields") + "; pruned synapses are red");
  tell(by("fields"), `Weights of ${m.neurons} neurons, ${(100 * m.density).toFixed(0)} % of the synapses are left`, true);
  if (!picture || picture.w_max !== m.w_max || picture.image.width !== width || picture.image.height !== height) picture = pictured(m, width, height);
  const { g, image, pixels, table } = picture, { weights, alive, neurons, inputs } = m;
  for (let n = 0; n < neurons; n++) {
    let to = Math.floor(n / columns) * cell * width + (n % columns) * cell, k = n * inputs;
    for (let y = 0; y < side; y++, to += width - side) for (let x = 0; x < side; x++, k++, to++) pixels[to] = table[alive[k] << 8 | weights[k]];
  }
  g.putImageData(image, 0, 0);
}
