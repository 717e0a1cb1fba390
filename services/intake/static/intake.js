// Small comforts of the forms and receipts; every page works without them.
"use strict";
(function () {
  // A print button only where pressing it does something.
  document.querySelectorAll("[data-print]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () { window.print(); });
  });
  // A second click while the first is on its way does nothing; the server would recognise it anyway.
  document.querySelectorAll("form[data-once]").forEach(function (form) {
    var sent = false;
    form.addEventListener("submit", function (event) {
      if (sent) event.preventDefault();
      sent = true;
    });
    window.addEventListener("pageshow", function () { sent = false; });
  });
})();
