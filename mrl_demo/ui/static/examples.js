// Example queries: only the position is sent, the server knows the texts.
element.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-example]");
  if (chip) trigger("pick", { position: Number(chip.dataset.example) });
});
