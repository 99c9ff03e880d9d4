// Entry forms (form[data-entry]): Strg+Enter saves, a draft survives a reload, and free text with
// personal data gets a hint. Nothing here blocks saving.
const DRAFT_PREFIX = "portal-draft:";
const DRAFT_SENT_PREFIX = "portal-draft-sent:";

// In this order: what one pattern has found is not looked at again, so the digits of an IBAN are no telephone number.
const PERSONAL_DATA = [
  { name: "eine E-Mail-Adresse", pattern: /[^\s@]+@[^\s@]+\.[a-z]{2,}/gi },
  { name: "eine IBAN", pattern: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b/g },
  {
    // Without a hyphen two letters are asked for: "PKW B 54" names a road.
    name: "ein Kfz-Kennzeichen",
    pattern: /(?<![\p{L}\d])(?:[A-ZÄÖÜ]{1,3}-[A-Z]{1,2}[- ]?|[A-ZÄÖÜ]{1,3} [A-Z]{2} ?)[1-9]\d{0,3}[EH]?(?![\p{L}\d])/gu,
  },
  { name: "eine Telefonnummer", pattern: /(?:\+49 ?|\b0)[1-9]\d{1,4}[ /-]{0,3}\d[\d /-]{4,}\d\b/g },
  { name: "einen Namen", pattern: /\b(?:Herrn?|Frau|Familie)\s+(?:Dr\.\s+)?\p{Lu}\p{Ll}+/gu },
  {
    name: "ein Geburtsdatum",
    pattern: /(?:\bgeb(?:\.|oren)?|\*)\s*(?:am\s*)?\d{1,2}\.\s?\d{1,2}\.\s?(?:19|20)?\d{2}\b|\bGeburtsdatum\b/gi,
  },
];

function personalDataIn(text) {
  let rest = text;
  const found = [];
  for (const { name, pattern } of PERSONAL_DATA) {
    const without = rest.replace(pattern, " ");
    if (without !== rest) found.push(name);
    rest = without;
  }
  return found;
}

function listed(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} und ${names.at(-1)}`;
}

function watch(field) {
  const control = field.querySelector("textarea, input");
  const hint = document.createElement("p");
  hint.className = "field__warning";
  hint.setAttribute("role", "status");
  hint.hidden = true;
  field.append(hint);
  const check = () => {
    const found = personalDataIn(control.value);
    hint.hidden = found.length === 0;
    const text = `Der Text enthält vermutlich ${listed(found)}. Bitte entfernen Sie Angaben zu Personen, sofern sie hier nicht nötig sind.`;
    if (found.length > 0 && hint.textContent !== text) hint.textContent = text;
  };
  control.addEventListener("input", check);
  check();
}

const isDraftable = (field) =>
  field.name && field.name !== "csrfmiddlewaretoken" && !["password", "file", "submit", "button", "hidden"].includes(field.type);

function valuesOf(form) {
  return [...form.elements]
    .filter(isDraftable)
    .map((field) => [field.name, ["checkbox", "radio"].includes(field.type) ? `${field.value}\u0000${field.checked}` : field.value]);
}

function fill(form, values) {
  const fields = [...form.elements].filter(isDraftable);
  values.forEach(([name, value], index) => {
    const field = fields[index];
    if (field?.name !== name) return;
    if (["checkbox", "radio"].includes(field.type)) field.checked = value.endsWith("\u0000true");
    else field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

function offerDraft(form, key, draft) {
  const note = document.createElement("div");
  note.className = "field__warning draft-note";
  note.setAttribute("role", "status");
  const text = document.createElement("span");
  text.textContent = "Von Ihrer letzten Eingabe gibt es einen nicht gespeicherten Entwurf. ";
  const take = document.createElement("button");
  const drop = document.createElement("button");
  for (const [button, label] of [[take, "Entwurf übernehmen"], [drop, "Entwurf verwerfen"]]) {
    button.type = "button";
    button.className = "link-button";
    button.textContent = label;
  }
  take.addEventListener("click", () => {
    fill(form, JSON.parse(draft));
    note.remove();
  });
  drop.addEventListener("click", () => {
    sessionStorage.removeItem(key);
    note.remove();
  });
  text.append(take, " ", drop);
  note.append(text);
  form.prepend(note);
}

// Drafts belong to one person: after another log-in in the same window they are neither shown nor overwritten.
function keepDraft(form, index) {
  const place = `${document.body.dataset.person}:${window.location.pathname}:${index}`;
  const key = DRAFT_PREFIX + place;
  const draft = sessionStorage.getItem(key);
  const initial = JSON.stringify(valuesOf(form));
  // A form that comes back with errors already carries what was typed.
  if (draft && draft !== initial && !document.querySelector("[data-error-summary]")) offerDraft(form, key, draft);
  form.addEventListener("input", (event) => {
    if (event.isTrusted || event.target.matches("[data-draft-source]")) sessionStorage.setItem(key, JSON.stringify(valuesOf(form)));
  });
  form.addEventListener("submit", () => sessionStorage.setItem(DRAFT_SENT_PREFIX + place, key));
}

// The draft goes once another page shows that the server took the form; staying on it means errors,
// and being nobody means that the session had ended: the draft waits for the log-in.
function clearSentDrafts() {
  const isTaken = document.body.dataset.person !== "" && !document.querySelector("[data-error-summary]");
  for (const name of Object.keys(sessionStorage).filter((name) => name.startsWith(DRAFT_SENT_PREFIX))) {
    if (isTaken) sessionStorage.removeItem(sessionStorage.getItem(name));
    sessionStorage.removeItem(name);
  }
}

// Enter moves on to the next field; only Strg+Enter and the button save.
function moveOn(form, field) {
  const fields = [...form.elements].filter((other) => other.offsetParent !== null && !other.disabled && other.type !== "fieldset");
  fields[fields.indexOf(field) + 1]?.focus();
}

clearSentDrafts();

document.querySelector("form[data-logout]")?.addEventListener("submit", () => {
  for (const name of Object.keys(sessionStorage).filter((name) => name.startsWith("portal-draft"))) sessionStorage.removeItem(name);
});

document.querySelectorAll("form[data-entry]").forEach((form, index) => {
  keepDraft(form, index);
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      form.requestSubmit();
    } else if (event.target.matches("input:not([type=submit], [type=file])")) {
      event.preventDefault();
      moveOn(form, event.target);
    }
  });
});

for (const field of document.querySelectorAll("[data-watch-personal-data]")) watch(field);
