// Keeps the Curves tab at the length of Compare's slider: the upright line in its charts, the sentence of that length
// and the slider above it, which moves Compare's too. On narrow screens a legend takes the place of names at the lines.
// `layouts` is the figures' own account of both (mrl_demo/plots/line_ends.py).
const tab = () => document.querySelector(`#${ids.CURVES}`);
const compare = () => document.querySelector(`#${ids.DIM_RANGE}`);
const lengths = (range) => range.dataset.dims.split(",").map(Number);
let dim = Number(compare()?.value) || 64;
let timer = 0;

// The longest measured length that is no longer than the one in use.
const placeOf = (dims) => Math.max(0, dims.findLastIndex((each) => each <= dim));

function tell() {
  for (const box of tab()?.querySelectorAll(".at-length") || []) {
    const range = box.querySelector("input");
    const place = placeOf(lengths(range));
    const measured = lengths(range)[place];
    if (Number(range.value) !== place) range.value = place;
    range.setAttribute("aria-valuetext", `${measured} numbers`);
    box.querySelector("label b").textContent = measured;
    for (const words of box.querySelectorAll("[data-at]")) words.hidden = Number(words.dataset.at) !== measured;
  }
}

function settle(plot) {
  const shapes = plot.layout?.shapes || [];
  const mark = shapes.findIndex((shape) => shape.name === layouts.mark);
  if (mark < 0 || !window.Plotly || !plot.clientWidth) return;
  const width = plot.clientWidth < layouts.narrow_below ? "narrow" : "wide";
  const update = { [`shapes[${mark}].x0`]: dim, [`shapes[${mark}].x1`]: dim };
  if (plot.dataset.width !== width) {
    plot.dataset.width = width;
    Object.assign(update, layouts[width]);
    (plot.layout.annotations || []).forEach((each, i) => {
      if (each.name === layouts.names) update[`annotations[${i}].visible`] = width === "wide";
    });
  }
  window.Plotly.relayout(plot, update);
}

function follow() {
  tell();
  clearTimeout(timer);
  timer = setTimeout(() => tab()?.querySelectorAll(".js-plotly-plot").forEach(settle), 60);
}

document.addEventListener("dimension", (event) => { dim = event.detail.dim; follow(); });
document.addEventListener("input", (event) => {
  if (!event.target.closest?.(".at-length")) return;
  dim = lengths(event.target)[Number(event.target.value)];
  follow();
  const other = compare();
  if (!other) return;
  other.value = dim;
  other.dispatchEvent(new Event("input", { bubbles: true }));
});

const isNew = (node) => node.nodeType === 1 && (node.matches(".plot-container, .at-length") || node.querySelector(".plot-container, .at-length"));
function watchTab(box) {
  new MutationObserver((records) => {
    if (records.some((record) => [...record.addedNodes].some(isNew))) follow();
  }).observe(box, { childList: true, subtree: true });
  new ResizeObserver(follow).observe(box);
  follow();
}

function whenThere(tries) {
  if (tab()) watchTab(tab());
  else if (tries > 0) setTimeout(() => whenThere(tries - 1), 100);
}
whenThere(100);
