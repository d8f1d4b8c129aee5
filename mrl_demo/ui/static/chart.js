// Keeps the chart of rank moves in step with the page: the dotted line follows the slider without asking the server,
// and on narrow screens the two panels stand one above the other.
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
}

document.addEventListener("dimension", (event) => {
  wanted = event.detail.dim;
  clearTimeout(timer);
  timer = setTimeout(() => apply(false), 90); // After the cards, which matter more.
});

function watchChart(box) {
  const settle = () => { clearTimeout(timer); timer = setTimeout(() => apply(true), 30); };
  const isPlot = (node) => node.nodeType === 1 && (node.matches(".plot-container") || node.querySelector(".plot-container"));
  new MutationObserver((records) => {
    if (records.some((record) => [...record.addedNodes].some(isPlot))) settle();
  }).observe(box, { childList: true, subtree: true });
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
