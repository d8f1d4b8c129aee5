// The map of a collection: one canvas a side, the same places on both, coloured by neighbours kept at the length in use.
// All lengths come at once, so moving the slider recolours without asking the server. Texts are set as text, never HTML.
// Runs with `element` (where to draw), `props.payload` (CollectionMap.to_dict), `watch` and `rangeId` (the page's slider).
const LOST = [181, 50, 28], HALF = [217, 165, 74], KEPT = [58, 139, 160];
const POINT = 3.4, NEAR = 12, PAD = 10, MOST_ZOOM = 24, ZOOM_STEP = 1.6;
let data = null, sides = [], place = 0, dim = 64, frame = 0, active = null;
// How much of the map the canvases show, all alike: its middle in 0..1, and how many times it is larger.
const whole = () => ({ scale: 1, x: 0.5, y: 0.5 });
let zoom = whole();

const make = (parent, tag, className = "", text = "") => {
  const node = parent.appendChild(document.createElement(tag));
  if (className) node.className = className;
  if (text !== "") node.textContent = text;
  return node;
};
const mix = (a, b, share) => a.map((value, i) => Math.round(value + (b[i] - value) * share));
const shade = (kept) => {
  const share = kept / data.neighbours;
  return share < 0.5 ? mix(LOST, HALF, 2 * share) : mix(HALF, KEPT, 2 * share - 1);
};
const keptOf = (side, point) => parseInt(side.kept[place][point], 11);
const placeOf = (wanted) => Math.max(0, data.dims.findLastIndex((each) => each <= wanted));
const pageRange = () => (rangeId ? document.querySelector(`#${rangeId}`) : null);

function build() {
  element.replaceChildren();
  sides = [];
  active = null;
  zoom = whole();
  if (!data) return;
  const box = make(element, "div", "map");
  slider(box);
  make(box, "p", "map-words").setAttribute("role", "status");
  key(box);
  zoomButtons(box);
  const row = make(box, "div", "map-sides");
  for (const side of data.sides) sides.push(canvasOf(row, side));
  const tip = make(box, "div", "map-tip");
  tip.hidden = true;
  tip.setAttribute("role", "status");
  tables(box);
  for (const note of data.notes) make(box, "p", "map-note", note);
}

function slider(box) {
  const label = make(box, "label", "length-slide");
  make(label, "span", "", "Vector length");
  const range = make(label, "input", "map-range");
  Object.assign(range, { type: "range", min: 0, max: data.dims.length - 1, step: 1, value: place });
  make(label, "b", "map-dim");
  range.addEventListener("input", () => {
    dim = data.dims[Number(range.value)];
    const other = pageRange();
    if (other) {
      other.value = dim;
      other.dispatchEvent(new Event("input", { bubbles: true }));
    }
    repaint();
  });
}

function key(box) {
  const line = make(box, "p", "map-key");
  make(line, "span", "", `Of ${data.neighbours} nearest neighbours kept:`);
  for (const kept of [0, 2, 4, 6, 8, 10]) {
    const pair = make(line, "span", "map-shade");
    make(pair, "i").style.background = `rgb(${shade(kept).join(",")})`;
    pair.append(String(kept));
  }
  if (data.query) make(line, "span", "", `Lines join the ten results of “${data.query.slice(0, 80)}”, rings those of the full vector`);
}

function zoomButtons(box) {
  const row = make(box, "div", "map-zoom");
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", "Zoom");
  const button = (words, label, act) => {
    const node = make(row, "button", "", words);
    Object.assign(node, { type: "button", ariaLabel: label });
    node.addEventListener("click", act);
  };
  button("+", "Zoom in", () => zoomBy(ZOOM_STEP));
  button("−", "Zoom out", () => zoomBy(1 / ZOOM_STEP));
  button("Whole map", "Whole map", () => { zoom = whole(); repaint(); });
  make(row, "span", "", "or double-click, Ctrl + wheel, or + − 0 on a map; drag to move it.");
}

function canvasOf(row, side) {
  const section = make(row, "section", "map-side");
  make(section, "h3", "", side.label);
  const canvas = make(section, "canvas");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  const words = make(section, "p", "map-side-words");
  const view = { side, section, canvas, words };
  canvas.addEventListener("pointermove", (event) => (view.drag ? drag(view, event) : hover(view, event)));
  canvas.addEventListener("pointerdown", (event) => grab(view, event));
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { view.drag = null; });
  canvas.addEventListener("dblclick", (event) => zoomBy(ZOOM_STEP, view, spotOf(view, event)));
  canvas.addEventListener("wheel", (event) => turn(view, event), { passive: false });
  canvas.addEventListener("pointerleave", () => show(view, null));
  canvas.addEventListener("keydown", (event) => step(view, event));
  canvas.addEventListener("blur", () => show(view, null));
  return view;
}

function tables(box) {
  const region = make(box, "div", "table-scroll");
  Object.assign(region, { tabIndex: 0 });
  region.setAttribute("role", "region");
  region.setAttribute("aria-label", "Groups");
  const table = make(region, "table", "curves-table");
  make(table, "caption", "", `Groups, the first to break on top: a group holds from the length on which half of its ${data.neighbours} nearest neighbours are kept on average${data.are_groups_labelled ? "" : "; groups are clusters named by their words"}`);
  const head = make(make(table, "thead"), "tr");
  const heads = ["Group", "Documents", ...data.sides.flatMap((side) => [`${side.label}: holds from`, `${side.label}: kept here`])];
  for (const words of heads) {
    const cell = make(head, "th");
    cell.scope = "col";
    make(cell, "button", "sort", words).type = "button";
  }
  const body = make(table, "tbody");
  const counts = data.groups.map((_, i) => data.group_of.filter((group) => group === i).length);
  for (const { group } of data.sides[0].groups) {
    const line = make(body, "tr");
    make(line, "th", "", group).scope = "row";
    make(line, "td", "", counts[data.groups.indexOf(group)].toLocaleString("en"));
    for (const side of data.sides) {
      const fate = side.groups.find((each) => each.group === group);
      make(line, "td", "", String(fate.holds_from));
      make(line, "td", "map-kept").fate = fate;
    }
  }
}

// Pixels that the whole map is wide and high on a side as large as it is now.
const sizeOf = (view) => (Math.min(view.box.width, view.box.height) - 2 * PAD) * zoom.scale;
const at = (view, point, size = sizeOf(view)) => [
  view.box.width / 2 + (data.x[point] / data.grid - zoom.x) * size,
  view.box.height / 2 + (1 - data.y[point] / data.grid - zoom.y) * size,
];

// Where each document's square begins in the canvas, in pixels (-1 for those outside); anew only if what is shown changed.
function measure(view) {
  const { canvas } = view, ratio = window.devicePixelRatio || 1;
  view.box = canvas.getBoundingClientRect();
  const [wide, high] = [Math.round(view.box.width * ratio), Math.round(view.box.height * ratio)];
  if (!wide || !high) return false;
  const shown = [ratio, wide, high, ...Object.values(zoom)].join();
  if (view.shown === shown) return true;
  if (!view.image || canvas.width !== wide || canvas.height !== high) {
    Object.assign(canvas, { width: wide, height: high });
    const image = canvas.getContext("2d").createImageData(wide, high);
    Object.assign(view, { image, pixels: new Uint32Array(image.data.buffer) });
  }
  const larger = Math.min(2.5, Math.sqrt(zoom.scale)), size = sizeOf(view);
  const edge = Math.max(2, Math.round((data.x.length > 4000 ? 2.5 : POINT) * ratio * larger));
  const starts = Int32Array.from(data.x, (_, point) => {
    const [x, y] = at(view, point, size).map((place) => Math.round(place * ratio) - (edge >> 1));
    return x < 0 || y < 0 || x + edge > wide || y + edge > high ? -1 : y * wide + x;
  });
  canvas.style.touchAction = zoom.scale > 1 ? "none" : ""; // One finger scrolls the page until there is something to move.
  Object.assign(view, { ratio, edge, starts, shown });
  return true;
}

// Everything `factor` times as large; what lies at `spot` (x, y in a side's pixels; its middle if none) stays there.
function zoomBy(factor, view = sides[0], spot = null) {
  const [x, y] = spot || (active === null ? [view.box.width / 2, view.box.height / 2] : at(view, active));
  const old = sizeOf(view);
  zoom.scale = Math.min(MOST_ZOOM, Math.max(1, zoom.scale * factor));
  const share = 1 / old - 1 / sizeOf(view);
  move((x - view.box.width / 2) * share, (y - view.box.height / 2) * share);
}

function move(x, y) {
  const half = 0.5 / zoom.scale, within = (value) => Math.min(1 - half, Math.max(half, value));
  zoom = { scale: zoom.scale, x: within(zoom.x + x), y: within(zoom.y + y) };
  repaint();
}

const spotOf = (view, event) => {
  const box = view.canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};

function grab(view, event) {
  if (event.button !== 0 || zoom.scale === 1) return;
  view.drag = spotOf(view, event);
  view.canvas.setPointerCapture(event.pointerId);
}

function drag(view, event) {
  const [x, y] = spotOf(view, event), [beforeX, beforeY] = view.drag, size = sizeOf(view);
  view.drag = [x, y];
  move((beforeX - x) / size, (beforeY - y) / size);
}

// A wheel alone scrolls the page; with Ctrl, as browsers tell a pinch on a touchpad, it zooms.
function turn(view, event) {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  zoomBy(Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) / 150), view, spotOf(view, event));
}

// Pixels are set by hand: twenty thousand small rectangles take the browser several times as long.
function draw(view) {
  if (!measure(view)) return;
  const { canvas, side, starts, edge, pixels } = view, row = side.kept[place], wide = canvas.width;
  pixels.fill(0);
  const buckets = Array.from({ length: data.neighbours + 1 }, () => []);
  for (let i = 0; i < row.length; i++) buckets[parseInt(row[i], 11)].push(i);
  for (let kept = data.neighbours; kept >= 0; kept--) { // What is lost lies on top.
    const [red, green, blue] = shade(kept);
    const ink = (255 << 24) | (blue << 16) | (green << 8) | red;
    for (const i of buckets[kept]) {
      if (starts[i] < 0) continue;
      for (let line = starts[i], last = starts[i] + edge * wide; line < last; line += wide) pixels.fill(ink, line, line + edge);
    }
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.putImageData(view.image, 0, 0);
  pen.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  if (side.tens.length) join(view, pen);
  if (active !== null) ring(view, pen, active, 7, 2.5);
}

// The question stands amid the ten that the full vector finds.
function join(view, pen) {
  const full = view.side.tens.at(-1), ten = view.side.tens[place];
  const spots = full.map((point) => at(view, point));
  const middle = [0, 1].map((axis) => spots.reduce((sum, spot) => sum + spot[axis], 0) / spots.length);
  pen.lineWidth = 1.4;
  pen.strokeStyle = getComputedStyle(view.section).color;
  for (const point of ten) {
    const [x, y] = at(view, point);
    pen.beginPath(); pen.moveTo(...middle); pen.lineTo(x, y); pen.stroke();
  }
  for (const point of full) ring(view, pen, point, 6, 1.4);
  pen.fillStyle = pen.strokeStyle;
  pen.beginPath(); pen.arc(...middle, 4, 0, 7); pen.fill();
}

function ring(view, pen, point, radius, width) {
  pen.lineWidth = width;
  pen.strokeStyle = getComputedStyle(view.section).color;
  pen.beginPath(); pen.arc(...at(view, point), radius, 0, 7); pen.stroke();
}

function repaint() {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(() => {
    if (!data) return;
    place = placeOf(dim);
    const started = performance.now();
    sides.forEach(draw);
    element.dataset.paintMs = (performance.now() - started).toFixed(1);
    tell();
  });
}

function tell() {
  const length = data.dims[place], range = element.querySelector(".map-range");
  range.value = place;
  range.setAttribute("aria-valuetext", `${length} numbers`);
  element.querySelector(".map-dim").textContent = length;
  const parts = data.sides.map((side) => `${side.label} keeps ${side.mean_kept[place].toFixed(1)}`);
  element.querySelector(".map-words").textContent =
    `At ${length} of ${data.dims.at(-1)} numbers, of ${data.neighbours} nearest neighbours ${parts.join(", ")} on average, over ${data.x.length.toLocaleString("en")} documents.`;
  for (const { side, canvas, words } of sides) {
    const order = [...side.groups].sort((one, other) => one.kept[place] - other.kept[place]);
    const say = (fate) => `${fate.group} (${fate.kept[place].toFixed(1)})`;
    const first = side.groups[0], last = side.groups.at(-1);
    words.textContent = order.length < 2 ? "" :
      `Here lost most: ${say(order[0])}; least: ${say(order.at(-1))}. First to break: ${first.group}, below ${first.holds_from} numbers; last: ${last.group}, below ${last.holds_from}.`;
    canvas.setAttribute("aria-label", `Map of ${data.x.length} documents. ${side.label} at ${length} numbers keeps ${side.mean_kept[place].toFixed(1)} of ${data.neighbours} neighbours. ${words.textContent} Arrow keys walk from document to document, plus and minus zoom, 0 shows the whole map, Shift with an arrow moves it.`);
  }
  for (const cell of element.querySelectorAll(".map-kept")) cell.textContent = cell.fate.kept[place].toFixed(1);
}

function nearest(view, x, y, limit, fits = () => true) {
  let best = null, distance = limit * limit;
  const size = sizeOf(view);
  for (let i = 0; i < data.x.length; i++) {
    const [px, py] = at(view, i, size);
    const d = (px - x) ** 2 + (py - y) ** 2;
    if (d < distance && fits(px, py, i)) { best = i; distance = d; }
  }
  return best;
}

function hover(view, event) {
  show(view, nearest(view, ...spotOf(view, event), NEAR));
}

function step(view, event) {
  const act = { "+": () => zoomBy(ZOOM_STEP, view), "=": () => zoomBy(ZOOM_STEP, view), "-": () => zoomBy(1 / ZOOM_STEP, view),
    0: () => { zoom = whole(); repaint(); } }[event.key];
  if (act && !event.ctrlKey && !event.metaKey) return act();
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (event.key === "Escape") return show(view, null);
  if (!way) return;
  event.preventDefault();
  if (event.shiftKey) return move(...way.map((step) => (step * 0.2) / zoom.scale));
  if (active === null) return show(view, nearest(view, view.box.width / 2, view.box.height / 2, Infinity));
  const [x, y] = at(view, active);
  // Further along than aside: the next document in that direction.
  const fits = (px, py, i) => i !== active && (px - x) * way[0] + (py - y) * way[1] > Math.abs((px - x) * way[1] + (py - y) * way[0]);
  const next = nearest(view, x, y, Infinity, fits);
  if (next === null) return;
  show(view, next);
  bring(view, next);
}

// The map moves as far as it must for a document to be seen.
function bring(view, point) {
  const [x, y] = at(view, point), { width, height } = view.box, size = sizeOf(view);
  const beyond = (place, most) => place - Math.min(most - 2 * PAD, Math.max(2 * PAD, place));
  if (zoom.scale > 1) move(beyond(x, width) / size, beyond(y, height) / size);
}

function show(view, point) {
  if (point === active) return;
  active = point;
  const tip = element.querySelector(".map-tip");
  tip.hidden = point === null;
  if (point !== null) {
    tip.replaceChildren();
    make(tip, "b", "", data.titles[point] || data.texts[point].slice(0, 60));
    make(tip, "span", "", ` ${data.texts[point]}`);
    const kept = data.sides.map((side) => `${side.label} ${keptOf(side, point)}`).join(", ");
    make(tip, "small", "", `${data.groups[data.group_of[point]]}; of ${data.neighbours} neighbours kept at ${data.dims[place]} numbers: ${kept}`);
  }
  repaint();
}

function fill() {
  data = props.payload || null;
  if (data) place = placeOf(dim);
  build();
  repaint();
}

document.addEventListener("dimension", (event) => { dim = event.detail.dim; if (data) repaint(); });
new ResizeObserver(repaint).observe(element);
dim = Number(pageRange()?.value) || 64;
watch("payload", fill);
fill();
