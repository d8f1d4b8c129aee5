// Cards that the visitor called the answer to the question on show: a press on a card's button says so, or takes it back.
const chosen = () => new Set(JSON.parse(element.querySelector("[data-documents]")?.dataset.documents ?? "[]"));
const documentOf = (button) => Number(button.closest(".card").dataset.doc);

function paint() {
  const documents = chosen();
  for (const button of document.querySelectorAll(`#${ids.RESULTS} .is-it`)) {
    button.setAttribute("aria-pressed", documents.has(documentOf(button)));
  }
}

document.querySelector(`#${ids.RESULTS}`).dataset.answering = ""; // The buttons are hidden without it.
document.addEventListener("click", (event) => {
  const button = event.target.closest(`#${ids.RESULTS} .is-it`);
  if (!button) return;
  const pressed = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", pressed);
  trigger("pick", { document: documentOf(button), pressed });
});
document.addEventListener("results", paint);
new MutationObserver(paint).observe(element, {
  childList: true, subtree: true, attributes: true, attributeFilter: ["data-documents"],
});
paint();
