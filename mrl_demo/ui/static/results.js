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
}

new MutationObserver(glide).observe(element, {
  childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["data-doc"],
});
places = measure();
paintMenus();
