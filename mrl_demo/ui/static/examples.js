// Example queries: only the position is sent, the server knows the texts; the box shows the one clicked at once. They stand in a popover under their button;
// the browser closes it on Escape and on a click elsewhere.
let closing = false; // The button is pressed while the list is open: its click must not open it again.
const list = () => element.querySelector(".chips");

function open(button) {
  const at = button.getBoundingClientRect();
  const width = Math.min(620, window.innerWidth - 24);
  list().style.width = `${width}px`;
  list().style.left = `${Math.max(12, Math.min(at.right - width, window.innerWidth - width - 12))}px`;
  list().style.top = `${at.bottom + 6}px`;
  list().style.maxHeight = `${Math.max(160, window.innerHeight - at.bottom - 18)}px`;
  list().showPopover();
  button.setAttribute("aria-expanded", "true");
}

function fillBox(query) {
  const box = document.querySelector(`#${ids.QUERY} input`);
  if (!box || query === undefined) return; // A question drawn at random is known to the server alone.
  box.value = query;
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

element.addEventListener("toggle", (event) => {
  if (event.newState !== "closed") return;
  element.querySelector(".examples-open").setAttribute("aria-expanded", "false");
}, true); // The event does not bubble.
element.addEventListener("pointerdown", (event) => {
  const button = event.target.closest(".examples-open");
  closing = button?.getAttribute("aria-expanded") === "true";
}, true);
element.addEventListener("click", (event) => {
  const button = event.target.closest(".examples-open");
  if (button && !closing) open(button);
  closing = false;
  const chip = event.target.closest("[data-example]");
  if (!chip) return;
  list().hidePopover();
  element.querySelector(".examples-open").focus({ preventScroll: true });
  fillBox(chip.dataset.query);
  const position = chip.dataset.example;
  trigger("pick", { position: Number.isNaN(Number(position)) ? position : Number(position) });
});
