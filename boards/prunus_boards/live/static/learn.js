// A training, frame by frame.
import { by, bars, chart, line } from "./charts.js";

let newest = null;
const percent = (v) => `${(100 * v).toFixed(1)} %`;
const found = (curve, column) => curve.filter((p) => p[column] !== null).map((p) => [p[0], p[column]]);

export function frame(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const m = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  m.weights = new Uint8Array(buffer, 4 + length, m.neurons * m.inputs);
  m.alive = new Uint8Array(buffer, 4 + length + m.neurons * m.inputs);
  newest = m;
  if (!document.hidden) redraw();
}
export function redraw() {
  const m = newest;
  if (!m) return;
  by("watched").hidden = false;
  by("progress").max = m.presentations; by("progress").value = m.presentation;
  const running = found(m.curve, 2), validation = found(m.curve, 3), density = [[0, 1], ...found(m.curve, 1), [m.presentation, m.density]];
  const newestOf = (points) => points.length ? percent(points[points.length - 1][1]) : "not yet";
  const facts = {
    "Presentations": `${m.presentation.toLocaleString("en")} of ${m.presentations.toLocaleString("en")}`,
    "Validation accuracy": newestOf(validation),
    "Running accuracy": newestOf(running),
    "Density": percent(m.density),
    "SOPs saved": m.sops_unpruned ? percent(1 - m.sops / m.sops_unpruned) : "none yet",
    "SOPs": m.sops.toLocaleString("en"),
  };
  by("facts").replaceChildren(...Object.entries(facts).map(([name, value]) => {
    const both = document.createElement("div");
    both.append(Object.assign(document.createElement("dt"), { textContent: name }), Object.assign(document.createElement("dd"), { textContent: value }));
    return both;
  }));
  const c = chart("curve", `Validation accuracy ${facts["Validation accuracy"]}, density ${facts["Density"]}`,
    { from: 0, to: m.presentations, label: "presentations" }, { from: 0, to: 1, says: (v) => `${100 * v} %` });
  line(c, density, "--third", { dashed: true });
  line(c, running, "--mark");
  line(c, validation, "--accent");
  fields(m);
  const rows = `neuron`;
  bars("thresholds", `Thresholds from ${Math.min(...m.v_fire)} to ${Math.max(...m.v_fire)}`, m.v_fire, rows);
  bars("counts", `Output spikes from ${Math.min(...m.post_count)} to ${Math.max(...m.post_count)}`, m.post_count, rows);
}
function fields(m) {
  const side = Math.floor(Math.sqrt(m.inputs)), columns = Math.ceil(Math.sqrt(m.neurons)), cell = side + 1;
  const c = by("fields"), rows = Math.ceil(m.neurons / columns);
  by("fields-title").textContent = (m.neurons < m.of_neurons ? `Receptive fields of the first ${m.neurons} of ${m.of_neurons} neurons` : "Receptive fields") + "; pruned synapses are red";
  c.setAttribute("aria-label", `Weights of ${m.neurons} neurons, ${(100 * m.density).toFixed(1)} % of the synapses are left`);
  if (c.width !== columns * cell - 1) { c.width = columns * cell - 1; c.height = rows * cell - 1; }
  const g = c.getContext("2d"), image = g.createImageData(c.width, c.height);
  // A pixel in one word, red in the lowest byte: browsers run on little-endian machines alone.
  const pixels = new Uint32Array(image.data.buffer), pruned = 0xff1e0a5c, scale = 255 / m.w_max;
  for (let n = 0; n < m.neurons; n++) {
    const corner = Math.floor(n / columns) * cell * c.width + (n % columns) * cell;
    for (let y = 0, k = n * m.inputs; y < side; y++) for (let x = 0; x < side; x++, k++) {
      const v = m.weights[k] * scale;
      pixels[corner + y * c.width + x] = m.alive[k] ? 0xff000000 | v << 16 | v << 8 | v : pruned;
    }
  }
  g.putImageData(image, 0, 0);
}
