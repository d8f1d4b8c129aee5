// Cards glide to their new place when the ranking changes (FLIP), so that the eye can follow a document.
// The list items are reused by position, so the key is the document, not the node.
const still = window.matchMedia("(prefers-reduced-motion: reduce)");
let places = new Map();

// The dots beside the model menus have the colours of the models shown.
function paintMenus() {
  const colours = [...element.querySelectorAll(".arm")].map((section) => section.style.getPropertyValue("--colour"));
  ["--left-colour", "--right-colour"].forEach((name, i) => {
    if (colours[i]) document.documentElement.style.setProperty(name, colours[i]);
  });
}

function measure() {
  const found = new Map();
  for (const section of element.querySelectorAll(".arm")) {
    const top = section.getBoundingClientRect().top;
    for (const item of section.querySelectorAll(".card")) {
      found.set(`${section.dataset.arm}/${item.dataset.doc}`, { item, top: item.getBoundingClientRect().top - top });
    }
  }
  return found;
}

// "Details" stays open while the figures in it change.
const opened = new Set();
element.addEventListener("toggle", (event) => {
  if (!event.target.matches(".figures-fold")) return;
  opened[event.target.open ? "add" : "delete"](event.target.closest(".arm").dataset.arm);
}, true);

function keepOpen() {
  for (const section of element.querySelectorAll(".arm")) {
    const fold = section.querySelector(".figures-fold");
    if (fold && opened.has(section.dataset.arm)) fold.open = true;
  }
}

function glide() {
  keepOpen();
  for (const item of element.querySelectorAll(".card")) {
    for (const animation of item.getAnimations()) animation.cancel();
  }
  const now = measure();
  if (!still.matches) {
    for (const [key, { item, top }] of now) {
      const before = places.get(key);
      if (before && Math.abs(before.top - top) > 1) {
        item.animate([{ transform: `translateY(${before.top - top}px)` }, { transform: "none" }],
          { duration: 220, easing: "cubic-bezier(.2,.8,.2,1)" });
      } else if (!before && places.size) {
        item.animate([{ opacity: 0.25 }, { opacity: 1 }], { duration: 220, easing: "ease-out" });
      }
    }
  }
  places = now;
  paintMenus();
  const dim = Number(element.querySelector(".arms")?.dataset.dim);
  if (dim) document.dispatchEvent(new CustomEvent("results", { detail: { dim } }));
  follow();
}

// Results at other lengths of the question on show, as HTML by length: asked for a few at a time, nearest lengths
// first, as soon as a hand is on the slider. What the slider wants and is not here is asked for alone; an answer is
// drawn only if it is to the question on show and of the length that the slider has then. The dearer lengths are, the
// fewer are asked for at a time, and none ahead while the hand waits: what it wants must not stand behind them.
const MOST_KEPT = 512;
const AHEAD_MS = 40;
const FEWEST_AHEAD = 4;
// An answer may bring the slider to another length: by then it stands there.
const SLIDER_SETTLES_MS = 400;
let kept = new Map();
let question = "";
let wanted = 0;
let isAsking = false;
let isFilling = false;
let isEngaged = false;
let mayAsk = true;
let msPerLength = AHEAD_MS / 4;
let handServed = null; // While the hand waits: settled once it need not any more.
const shown = () => element.querySelector(".arms");
const slider = () => document.querySelector(`#${ids.DIM_RANGE}`);

async function ask(lengths) {
  const about = question;
  const root = (window.gradio_config?.root ?? "").replace(/\/$/, "");
  const answer = await fetch(root + frames.path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...JSON.parse(about), dims: lengths }),
  });
  if (answer.status === 400 && lengths[0] === wanted) wanted = 0; // The slider is about to end elsewhere.
  if (answer.status !== 200) throw new Error(`no frames: ${answer.status}`);
  const pieces = await answer.json();
  if (about !== question) return;
  for (const [length, html] of Object.entries(pieces)) kept.set(Number(length), html);
  for (const length of kept.keys()) {
    if (kept.size <= MOST_KEPT) break;
    if (length !== wanted) kept.delete(length);
  }
  element.dataset.kept = kept.size;
}

function follow() {
  const now = shown()?.dataset.frames ?? "";
  if (now !== question) {
    question = now;
    kept = new Map();
    mayAsk = true;
    wanted = 0; // An answer comes at the slider's length, unless somebody has moved it meanwhile.
    setTimeout(catchUp, SLIDER_SETTLES_MS);
    if (isEngaged) fill();
  }
  show();
}

function catchUp() {
  wanted = Number(slider()?.value) || 0;
  show();
}

function show() {
  const root = shown();
  if (!root || !wanted || Number(root.dataset.dim) === wanted) return;
  if (kept.has(wanted)) {
    const page = document.createElement("template");
    page.innerHTML = kept.get(wanted);
    element.replaceChildren(page.content);
  } else if (!mayAsk || !question) {
    document.dispatchEvent(new CustomEvent("frame-missing"));
  } else if (!isAsking) {
    isAsking = true;
    handServed = ask([wanted]).catch(() => { mayAsk = !wanted; }).finally(() => { isAsking = false; show(); });
  }
}

// Where a length stands on the slider, so that the nearest by hand come first.
const place = (length) => Math.pow(length, 0.25);
function missing() {
  const full = Number(slider()?.max ?? 0);
  const lengths = [];
  for (let length = 1; length <= full; length += 1) if (!kept.has(length)) lengths.push(length);
  const here = place(Number(slider()?.value) || full);
  lengths.sort((a, b) => Math.abs(place(a) - here) - Math.abs(place(b) - here));
  const together = Math.min(frames.most, Math.max(FEWEST_AHEAD, Math.floor(AHEAD_MS / msPerLength)));
  return kept.size < MOST_KEPT - frames.most ? lengths.slice(0, together) : [];
}

async function askAhead(lengths) {
  const started = performance.now();
  await ask(lengths);
  msPerLength = (msPerLength + (performance.now() - started) / lengths.length) / 2;
  while (isAsking) await handServed;
}

async function fill() {
  if (isFilling || !mayAsk) return;
  isFilling = true;
  try {
    for (let lengths = missing(); lengths.length && question; lengths = missing()) await askAhead(lengths);
  } catch {
    mayAsk = false;
  } finally {
    isFilling = false;
  }
}

function engage(event) {
  if (!event.target.closest?.(`#${ids.DIMENSION}`)) return;
  isEngaged = true;
  fill();
}
for (const kind of ["pointerover", "pointerdown", "focusin"]) document.addEventListener(kind, engage, { passive: true });
document.addEventListener("dimension", (event) => {
  wanted = event.detail.dim;
  show();
});

follow();
new MutationObserver(glide).observe(element, {
  childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["data-doc"],
});
places = measure();
paintMenus();
