// Keeps the chart of rank moves in step with the page: the dotted line follows the slider without asking the server and
// can be dragged, as a second slider; lines and cards point at each other; on narrow screens the two panels stand one
// above the other.
// `layouts` is the figure's own account of both (mrl_demo/plots/ranks.py).
const chart = () => document.querySelector(`#${ids.RANK_MOVES} .js-plotly-plot`);
let wanted = null;
let timer = 0;

const layout = (plot) => (plot.layout.xaxis2 === undefined ? {}
  : plot.clientWidth < layouts.narrow_below ? layouts.narrow : layouts.wide);

function marks(plot) {
  const update = {};
  (plot.layout.shapes || []).forEach((shape, i) => {
    if (wanted !== null && shape.name === layouts.mark) {
      update[`shapes[${i}].x0`] = wanted;
      update[`shapes[${i}].x1`] = wanted;
    }
  });
  return update;
}

function apply(full) {
  const plot = chart();
  if (!plot || !window.Plotly || !plot.layout) return;
  const update = { ...(full ? layout(plot) : {}), ...marks(plot) };
  if (Object.keys(update).length) window.Plotly.relayout(plot, update);
  name(plot);
  listenToLines(plot);
}

document.addEventListener("dimension", (event) => {
  wanted = event.detail.dim;
  clearTimeout(timer);
  timer = setTimeout(() => apply(false), dragging ? 0 : 90); // After the cards, which matter more.
});

// The dotted line as a slider ----------------------------------------------------------------------------------
const NEAR = 14; // Pixels.
let dragging = false;
const range = () => document.querySelector(`#${ids.DIM_RANGE}`);
const panels = (plot) => [plot._fullLayout.xaxis, plot._fullLayout.xaxis2].filter(Boolean);

// The panel under the pointer, and how far from its left edge.
function inPanel(plot, event) {
  const box = plot.getBoundingClientRect();
  const scale = box.width / plot.offsetWidth || 1; // The presenter view is zoomed.
  const [x, y] = [(event.clientX - box.left) / scale, (event.clientY - box.top) / scale];
  for (const axis of panels(plot)) {
    const other = plot._fullLayout[axis.anchor === "y2" ? "yaxis2" : "yaxis"];
    const isIn = x >= axis._offset && x <= axis._offset + axis._length && y >= other._offset && y <= other._offset + other._length;
    if (isIn) return { axis, at: x - axis._offset };
  }
  return null;
}

const isNear = (place) => place && Math.abs(place.axis.d2p(Number(range().value)) - place.at) <= NEAR;

function slideTo(dim) {
  const input = range();
  input.value = Math.min(Number(input.max), Math.max(1, Math.round(dim)));
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

function listenToLine(box) {
  box.addEventListener("pointerdown", (event) => {
    const plot = chart();
    if (!plot?._fullLayout || !range() || !isNear(inPanel(plot, event))) return;
    event.preventDefault();
    event.stopPropagation();
    dragging = true;
    box.setPointerCapture(event.pointerId);
  }, true);
  box.addEventListener("pointermove", (event) => {
    const plot = chart();
    if (!plot?._fullLayout || !range()) return;
    const place = inPanel(plot, event);
    box.toggleAttribute("data-near", dragging || Boolean(isNear(place)));
    if (dragging && place) slideTo(place.axis.p2d(place.at));
  }, true);
  for (const end of ["pointerup", "pointercancel"]) box.addEventListener(end, () => { dragging = false; }, true);
  box.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    const end = { Home: 1, End: Number(range()?.max) }[event.key];
    if (!event.target.matches(".js-plotly-plot") || !range() || (step === undefined && end === undefined)) return;
    event.preventDefault();
    slideTo(end ?? Number(range().value) + step);
  });
}

// The chart as an element that keyboards and screen readers know; its ranks are in the tables above it.
function name(plot) {
  const input = range();
  if (!input) return;
  const is = { role: "slider", tabindex: 0, "aria-label": "Vector length, as a line in the chart of ranks",
    "aria-valuemin": 1, "aria-valuemax": input.max, "aria-valuenow": wanted ?? input.value, "aria-describedby": ids.BREAKS };
  for (const [key, value] of Object.entries(is)) plot.setAttribute(key, value);
}

// Lines and cards ----------------------------------------------------------------------------------------------
const cards = (meta) => document.querySelectorAll(`#${ids.RESULTS} [data-arm="${CSS.escape(meta.arm)}"] [data-doc="${CSS.escape(String(meta.doc))}"]`);
let strong = []; // Lines drawn thicker while their card is pointed at, with their usual look.

function unlink() {
  for (const card of document.querySelectorAll("[data-linked]")) delete card.dataset.linked;
  const plot = chart();
  if (strong.length && plot && window.Plotly) {
    for (const { i, width, opacity } of strong) window.Plotly.restyle(plot, { "line.width": width, opacity }, [i]);
  }
  strong = [];
}

function linkCard(card) {
  unlink();
  const plot = chart();
  const arm = card.closest("[data-arm]")?.dataset.arm;
  if (!plot?.data || !window.Plotly) return;
  plot.data.forEach((line, i) => {
    if (line.meta?.arm !== arm || String(line.meta?.doc) !== card.dataset.doc) return;
    strong.push({ i, width: line.line.width, opacity: line.opacity });
    window.Plotly.restyle(plot, { "line.width": 5, opacity: 1 }, [i]);
  });
  if (strong.length) card.dataset.linked = "";
}

for (const [enter, leave] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
  document.addEventListener(enter, (event) => {
    const card = event.target.closest?.("[data-doc]");
    if (card && !card.contains(event.relatedTarget)) linkCard(card);
  });
  document.addEventListener(leave, (event) => {
    const card = event.target.closest?.("[data-doc]");
    if (card && !card.contains(event.relatedTarget)) unlink();
  });
}

function listenToLines(plot) {
  if ("listens" in plot.dataset || !plot.on) return;
  plot.dataset.listens = "";
  plot.on("plotly_hover", ({ points: [point] }) => {
    unlink();
    for (const card of cards(point.data.meta)) card.dataset.linked = "";
  });
  plot.on("plotly_unhover", unlink);
}

function watchChart(box) {
  const settle = () => { clearTimeout(timer); timer = setTimeout(() => apply(true), 30); };
  const isPlot = (node) => node.nodeType === 1 && (node.matches(".plot-container") || node.querySelector(".plot-container"));
  new MutationObserver((records) => {
    if (records.some((record) => [...record.addedNodes].some(isPlot))) settle();
  }).observe(box, { childList: true, subtree: true });
  listenToLine(box);
  let width = 0;
  new ResizeObserver(() => {
    if ((box.clientWidth < layouts.narrow_below) !== (width < layouts.narrow_below)) settle();
    width = box.clientWidth;
  }).observe(box);
  settle();
}

function whenThere(tries) {
  const box = document.querySelector(`#${ids.RANK_MOVES}`);
  if (box) watchChart(box);
  else if (tries > 0) setTimeout(() => whenThere(tries - 1), 100);
}
whenThere(100);
