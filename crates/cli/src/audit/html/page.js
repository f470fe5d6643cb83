"use strict";
(() => {
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const rows = Array.from(document.querySelectorAll("[data-kind]"), (element) => ({
    element,
    kind: element.dataset.kind,
    severity: element.dataset.severity,
    codes: element.dataset.codes.split(" "),
    ruled: element.dataset.rule === "yes",
    text: element.textContent.toLowerCase(),
  }));
  const apply = () => {
    const words = form.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const severities = new Set(
      Array.from(form.querySelectorAll("input[name=severity]:checked"), (box) => box.value),
    );
    const code = form.code.value;
    const unruled = form.unruled.checked;
    const counts = { access: 0, finding: 0 };
    for (const row of rows) {
      const visible =
        (severities.size === 0 || severities.has(row.severity)) &&
        (code === "" || row.codes.includes(code)) &&
        !(unruled && row.ruled) &&
        words.every((word) => row.text.includes(word));
      row.element.hidden = !visible;
      if (visible) counts[row.kind] += 1;
    }
    shown.textContent = `${counts.access} accesses, ${counts.finding} findings shown`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  // A link to a finding shows it, whatever the filters say.
  addEventListener("hashchange", () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.hidden) {
      form.reset();
      setTimeout(() => target.scrollIntoView());
    }
  });
  form.hidden = false;
  apply();
})();
