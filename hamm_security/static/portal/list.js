// Lists: a click on a row opens it; j and k move, Enter opens, / goes to the search field.
const rows = () => [...document.querySelectorAll("tr[data-row-href]")].filter((row) => row.offsetParent !== null);
const isTyping = (target) => target.closest("input, select, textarea, [contenteditable], .leaflet-container") !== null;

function mark(row) {
  for (const other of document.querySelectorAll("tr.is-current")) other.classList.remove("is-current");
  row.classList.add("is-current");
  row.scrollIntoView({ block: "nearest" });
  row.querySelector("a[href]")?.focus({ preventScroll: true });
}

function move(step) {
  const all = rows();
  if (all.length === 0) return;
  const at = all.findIndex((row) => row.classList.contains("is-current"));
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step;
  mark(all[Math.min(Math.max(next, 0), all.length - 1)]);
}

document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-row-href]");
  if (!row || event.target.closest("a, button, input, select, label, summary")) return;
  if (window.getSelection().toString() !== "") return;
  if (event.ctrlKey || event.metaKey) window.open(row.dataset.rowHref, "_blank", "noopener");
  else window.location.assign(row.dataset.rowHref);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return;
  if (event.key === "/") {
    const field = document.querySelector("[data-search-field]");
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  } else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "Enter" && !event.target.closest("a, button, summary")) {
    const row = document.querySelector("tr.is-current");
    if (row) window.location.assign(row.dataset.rowHref);
  }
});
