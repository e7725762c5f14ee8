// The ticket in the fragment of the address goes into the form, and out of the address and its history.
(function () {
  "use strict";

  const field = document.querySelector("#ticket");
  const ticket = window.location.hash.slice(1);
  if (!field || !ticket) {
    return;
  }
  field.value = ticket;
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  document.querySelector("#password").focus();
})();
