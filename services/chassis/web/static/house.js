// Keeps a member of staff signed in while the page is being worked in; every page works without it.
"use strict";
(function () {
  var door = document.body.dataset.renew;
  if (!door) return;
  var worked = false;
  ["keydown", "pointerdown", "input"].forEach(function (kind) {
    document.addEventListener(kind, function () { worked = true; }, { passive: true });
  });
  // A token lives ten minutes; asking every four leaves room for one failure.
  setInterval(function () {
    if (!worked) return;
    worked = false;
    fetch(door, { credentials: "same-origin", redirect: "manual", cache: "no-store" }).catch(function () { worked = true; });
  }, 240000);
})();
