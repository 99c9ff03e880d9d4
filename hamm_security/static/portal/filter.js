// Filter bars: empty fields stay out of the address; forms with data-auto-submit answer at once.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-filter]")) return;
  const empty = [...form.elements].filter((field) => field.name && field.value === "" && !field.disabled);
  for (const field of empty) field.disabled = true;
  // The browser reads the fields after this event; coming back to the page must find them usable.
  setTimeout(() => empty.forEach((field) => (field.disabled = false)));
});

document.addEventListener("change", (event) => {
  event.target.closest("form[data-filter][data-auto-submit]")?.requestSubmit();
});
