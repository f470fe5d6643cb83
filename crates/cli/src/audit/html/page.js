"use strict";
(() => {
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const rows = Array.from(document.querySelectorAll("[data-kind]"), (element, place) => ({
    element,
    place,
    kind: element.dataset.kind,
    severity: element.dataset.severity,
    codes: element.dataset.codes.split(" "),
    ruled: element.dataset.rule === "yes",
    text: element.textContent.toLowerCase(),
  }));
  const compare = new Intl.Collator(undefined, { numeric: true }).compare;
  const value = (row, key) =>
    key === "code" ? row.codes[0] || "none"
    : key === "rule" ? row.element.dataset.by || (row.ruled ? row.element.dataset.party : "none")
    : row.element.dataset[key] || "";
  // Places are those of the page as it came: the worst first.
  const arrange = () => {
    const sort = form.sort.value;
    const group = form.group.value;
    const order = (a, b) =>
      (group && compare(value(a, group), value(b, group))) ||
      (sort !== "worst" && compare(value(a, sort), value(b, sort))) ||
      a.place - b.place;
    for (const heading of document.querySelectorAll("[data-group]")) heading.remove();
    for (const list of document.querySelectorAll("[data-list]")) {
      const table = list.tagName === "TBODY";
      let last = null;
      for (const row of rows.filter((row) => row.kind === list.dataset.list).sort(order)) {
        if (group && value(row, group) !== last) {
          last = value(row, group);
          const heading = document.createElement(table ? "tr" : "h3");
          const cell = table ? heading.appendChild(document.createElement("th")) : heading;
          if (table) cell.colSpan = 7;
          cell.textContent = last;
          heading.dataset.group = "";
          list.append(heading);
        }
        list.append(row.element);
      }
    }
  };
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
    // A group without a row that is shown has no heading.
    for (const heading of document.querySelectorAll("[data-group]")) {
      let next = heading.nextElementSibling;
      while (next && next.hidden) next = next.nextElementSibling;
      heading.hidden = !next || "group" in next.dataset;
    }
    shown.textContent = `${counts.access} accesses, ${counts.finding} findings shown`;
  };
  // A link to a row or a finding shows it, whatever the filters say, and each time it is followed.
  const land = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    if (target.hidden) {
      form.reset();
      arrange();
      apply();
    }
    target.scrollIntoView();
  };
  form.addEventListener("input", (event) => {
    if (event.target === form.sort || event.target === form.group) arrange();
    apply();
  });
  form.addEventListener("reset", () => setTimeout(() => { arrange(); apply(); }));
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", land);
  addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) land();
  });
  // What a link leads to is not under the bar.
  const clear = () => {
    const stuck = getComputedStyle(form).position === "sticky";
    document.documentElement.style.scrollPaddingTop = stuck ? `${form.offsetHeight + 8}px` : "";
  };
  addEventListener("resize", clear);
  form.hidden = false;
  clear();
  apply();
  land();
})();
