// A list of buttons: which of them was pressed is sent as its position, the server knows the rest.
element.addEventListener("click", (event) => {
  const item = event.target.closest("[data-example]");
  if (item) trigger("pick", { position: Number(item.dataset.example) });
});
