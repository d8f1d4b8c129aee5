// The vector-length control. Gradio calls this with `element`, `trigger`, `props`, `watch` in scope.
// The native range input carries value, keyboard and semantics; pointer moves are mapped to it on a curved scale
// (fourth root) so that short lengths, where rankings change most, get most of the track.
const root = () => element.querySelector(".dim");
const input = () => element.querySelector(`#${ids.DIM_RANGE}`);
const full = () => Number(root().dataset.full);
const exponent = () => Number(root().dataset.exponent);
const clamp = (dim) => Math.min(full(), Math.max(1, Math.round(dim)));
const curve = (dim) => Math.pow(dim, exponent());
const toPosition = (dim) => (full() > 1 ? (curve(dim) - 1) / (curve(full()) - 1) : 1);
const toDim = (position) => Math.pow(1 + position * (curve(full()) - 1), 1 / exponent());
const percent = (dim) => { const p = (100 * dim) / full(); return (p < 10 ? p.toFixed(1) : p.toFixed(0)) + "%"; };
let last = null;

function paint(dim) {
  const size = curve(dim / full());
  const box = root();
  box.style.setProperty("--pos", toPosition(dim).toFixed(4));
  box.style.setProperty("--size", size.toFixed(4));
  box.style.setProperty("--share", (dim / full()).toFixed(4));
  const doll = box.querySelector(".doll");
  doll.style.setProperty("--size", size.toFixed(4));
  doll.setAttribute("aria-label", `A doll inside larger ones: ${dim} of ${full()} numbers in use`);
  box.querySelector(".dim-number").textContent = dim;
  box.querySelector(".dim-percent").textContent = percent(dim);
  input().value = dim;
  input().setAttribute("aria-valuetext", `${dim} of ${full()} numbers`);
  for (const button of box.querySelectorAll(".dim-ticks button")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.dim) === dim));
  }
}

function choose(dim) {
  dim = clamp(dim);
  if (dim === last) return;
  last = dim;
  paint(dim);
  props.value = dim;
  document.dispatchEvent(new CustomEvent("dimension", { detail: { dim } }));
}

function refresh() {
  last = clamp(Number(props.value) || full());
  paint(last);
  document.dispatchEvent(new CustomEvent("dimension", { detail: { dim: last } }));
}

function fromPointer(event) {
  const rail = element.querySelector(".dim-rail").getBoundingClientRect();
  const position = Math.min(1, Math.max(0, (event.clientX - rail.left) / rail.width));
  const snap = 6 / rail.width; // A trained length is caught when the pointer is within six pixels of it.
  for (const button of element.querySelectorAll(".dim-ticks button")) {
    const mark = Number(button.dataset.dim);
    if (Math.abs(toPosition(mark) - position) < snap) return choose(mark);
  }
  choose(toDim(position));
}

element.addEventListener("input", (event) => {
  if (event.target === input()) choose(Number(event.target.value));
});
element.addEventListener("click", (event) => {
  const button = event.target.closest(".dim-ticks button");
  if (button) choose(Number(button.dataset.dim));
});
element.addEventListener("pointerdown", (event) => {
  const track = event.target.closest(".dim-track");
  if (!track || event.button !== 0) return;
  event.preventDefault();
  track.setPointerCapture(event.pointerId);
  track.dataset.dragging = "";
  input().focus({ preventScroll: true });
  fromPointer(event);
});
element.addEventListener("pointermove", (event) => {
  if (event.target.closest(".dim-track[data-dragging]")) fromPointer(event);
});
for (const end of ["pointerup", "pointercancel"]) {
  element.addEventListener(end, () => delete element.querySelector(".dim-track").dataset.dragging);
}
element.addEventListener("keydown", (event) => {
  if (event.target !== input() || (event.key !== "PageUp" && event.key !== "PageDown")) return;
  event.preventDefault(); // The page keys walk over the trained lengths.
  const marks = [...element.querySelectorAll(".dim-ticks button")].map((button) => Number(button.dataset.dim));
  const next = event.key === "PageUp" ? marks.find((m) => m > last) : marks.reverse().find((m) => m < last);
  if (next) choose(next);
});
// `results.js` shows the results at the slider's length; where it cannot, the server is asked as for any other event.
document.addEventListener("frame-missing", () => trigger("input"));
watch(["value", "markup"], () => refresh());
refresh();
