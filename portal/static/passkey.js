// Passkeys (WebAuthn level 3): the only script of this service. Pages work without it: its forms then stay hidden.
(function () {
  "use strict";

  if (!window.PublicKeyCredential || !navigator.credentials) {
    return;
  }

  function bytes(text) {
    const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  }

  function text(buffer) {
    const binary = String.fromCharCode(...new Uint8Array(buffer));
    return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function named(list) {
    return (list || []).map((entry) => ({ ...entry, id: bytes(entry.id) }));
  }

  // The options as JSON (level 3 sections 5.4, 5.5) with their byte strings as bytes.
  function parsed(options) {
    const result = { ...options, challenge: bytes(options.challenge) };
    if (options.user) {
      result.user = { ...options.user, id: bytes(options.user.id) };
      result.excludeCredentials = named(options.excludeCredentials);
    } else {
      result.allowCredentials = named(options.allowCredentials);
    }
    return result;
  }

  // The credential as JSON (section 5.1, toJSON).
  function written(credential) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) {
        response[name] = text(credential.response[name]);
      }
    }
    if (credential.response.getTransports) {
      response.transports = credential.response.getTransports();
    }
    return JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment || undefined,
      clientExtensionResults: credential.getClientExtensionResults(),
      response,
    });
  }

  async function ceremony(form) {
    const answer = await fetch(form.dataset.options, {
      method: "POST",
      credentials: "same-origin",
      headers: { "X-CSRF-Token": form.elements.csrf.value, Accept: "application/json" },
    });
    if (!answer.ok) {
      throw new Error("no options");
    }
    const publicKey = parsed(await answer.json());
    const credential = await (form.dataset.ceremony === "create"
      ? navigator.credentials.create({ publicKey })
      : navigator.credentials.get({ publicKey }));
    form.elements.credential.value = written(credential);
    form.submit();
  }

  for (const form of document.querySelectorAll("form.passkey")) {
    const button = form.querySelector("button");
    const fault = form.querySelector(".fault[role=alert]");
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      fault.hidden = true;
      button.disabled = true;
      ceremony(form).catch(() => {
        fault.hidden = false;
        button.disabled = false;
      });
    });
  }
  for (const part of document.querySelectorAll(".passkey-part")) {
    part.hidden = false;
  }
  for (const part of document.querySelectorAll(".without-script")) {
    part.hidden = true;
  }
})();
