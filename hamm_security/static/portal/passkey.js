// Passkeys: forms with data-passkey-create or data-passkey-get hold the server's question; the browser's answer goes
// into the hidden field "passkey". A form with data-send-now, whose fields waited for a confirmation, sends itself.
const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const withBytes = (list) => (list || []).map((entry) => ({ ...entry, id: toBytes(entry.id) }));

async function create(options) {
  const user = { ...options.user, id: toBytes(options.user.id) };
  const credential = await navigator.credentials.create({
    publicKey: { ...options, user, challenge: toBytes(options.challenge), excludeCredentials: withBytes(options.excludeCredentials) },
  });
  return { attestationObject: toText(credential.response.attestationObject), ...common(credential) };
}

async function get(options) {
  const credential = await navigator.credentials.get({
    publicKey: { ...options, challenge: toBytes(options.challenge), allowCredentials: withBytes(options.allowCredentials) },
  });
  const { authenticatorData, signature } = credential.response;
  return { authenticatorData: toText(authenticatorData), signature: toText(signature), ...common(credential) };
}

const common = (credential) => ({ credential, clientDataJSON: toText(credential.response.clientDataJSON) });

for (const form of document.querySelectorAll("form[data-passkey-create], form[data-passkey-get]")) {
  form.querySelector("[data-passkey-button]")?.addEventListener("click", async () => {
    const fault = form.querySelector("[data-passkey-error]");
    fault.hidden = true;
    try {
      const question = form.dataset.passkeyCreate || form.dataset.passkeyGet;
      const ask = form.dataset.passkeyCreate ? create : get;
      const { credential, ...response } = await ask(JSON.parse(question).publicKey);
      const id = toText(credential.rawId);
      form.elements.passkey.value = JSON.stringify({ id, rawId: id, type: credential.type, response });
      form.submit();
    } catch {
      fault.hidden = false;
    }
  });
}

document.querySelector("form[data-send-now]")?.requestSubmit();
