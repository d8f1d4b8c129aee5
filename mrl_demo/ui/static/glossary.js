// Opens the sentence of a word button (components/glossary.py) in one popover beside it. The browser closes it on Escape
// and on a click elsewhere; the focus never leaves the button.
const tip = element.querySelector(".term-tip");
tip.id = "term-tip";
document.body.append(tip); // Shown whatever hides the footer.
let owner = null;
let closing = null; // The button whose own click closed the popover a moment ago.

function place() {
  const at = owner.getBoundingClientRect();
  const width = Math.min(320, window.innerWidth - 24);
  tip.style.width = `${width}px`;
  tip.style.left = `${Math.max(12, Math.min(at.left, window.innerWidth - width - 12))}px`;
  const below = at.bottom + 6;
  const height = tip.offsetHeight;
  tip.style.top = `${below + height > window.innerHeight - 8 && at.top > height + 14 ? at.top - height - 6 : below}px`;
}

function open(button) {
  owner = button;
  tip.textContent = button.dataset.says;
  tip.showPopover();
  button.setAttribute("aria-expanded", "true");
  button.setAttribute("aria-describedby", tip.id);
  place();
}

// Before the browser hides it, so that the button never says "open" of a popover that is gone.
tip.addEventListener("beforetoggle", (event) => {
  if (event.newState !== "closed" || !owner) return;
  owner.setAttribute("aria-expanded", "false");
  owner.removeAttribute("aria-describedby");
  owner = null;
});
document.addEventListener("pointerdown", (event) => {
  closing = owner && event.target.closest?.(".term") === owner ? owner : null;
}, true);
document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".term");
  if (!button) return;
  const again = closing === button || owner === button;
  closing = null;
  if (again) tip.hidePopover();
  else open(button);
});
document.addEventListener("scroll", () => { if (owner) (owner.isConnected ? place() : tip.hidePopover()); }, { capture: true, passive: true });
