// Address suggestions of the entry form: a click takes the place over into the coordinates.
document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-place-lon]");
  if (!choice) return;
  const fields = { id_lon: choice.dataset.placeLon, id_lat: choice.dataset.placeLat };
  for (const [id, value] of Object.entries(fields)) {
    const input = document.getElementById(id);
    input.value = value;
    input.dataset.draftSource = "";
  }
  const accuracy = document.getElementById("id_accuracy");
  if (accuracy.value === "point") accuracy.value = "street";
  for (const id of Object.keys(fields)) {
    const input = document.getElementById(id);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
  choice.closest("[data-places]").replaceChildren();
  const text = document.getElementById("id_place_text");
  // What was typed with a house number says more than the name of the street.
  if (!/\d/.test(text.value)) text.value = choice.textContent;
  text.focus();
});
