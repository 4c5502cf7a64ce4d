// Findings by word, rule and severity.

function setUpFilter(form) {
  const table = document.getElementById(form.dataset.filter);
  const rows = [...table.tBodies[0].rows].map((row) => ({ row, text: row.textContent.toLowerCase() }));
  const shown = form.querySelector(".shown");

  function apply() {
    const given = new FormData(form);
    const words = String(given.get("text")).toLowerCase().split(/\s+/).filter(Boolean);
    const severities = new Set(given.getAll("severity"));
    const rule = given.get("rule");
    const accepted = !form.elements.accepted || form.elements.accepted.checked;
    const onlyFailing = form.elements.fails?.checked ?? false;
    const onlyNew = form.elements.new?.checked ?? false;
    let count = 0;
    for (const { row, text } of rows) {
      const fits =
        severities.has(row.dataset.severity) &&
        (!rule || row.dataset.rule === rule) &&
        (accepted || !row.hasAttribute("data-accepted")) &&
        (!onlyFailing || row.hasAttribute("data-fails")) &&
        (!onlyNew || row.hasAttribute("data-new")) &&
        words.every((word) => text.includes(word));
      row.toggleAttribute("data-filtered", !fits);
      count += fits ? 1 : 0;
    }
    shown.textContent = count === rows.length ? "" : `${counted(count, "finding")} of ${rows.length.toLocaleString("en")}`;
    table.dispatchEvent(new CustomEvent("rows"));
  }

  form.addEventListener("input", whenQuiet(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  // A link to a finding goes before what is filtered away.
  table.addEventListener("reveal", ({ detail: row }) => {
    if (!row.hasAttribute("data-filtered")) return;
    form.reset();
    apply();
  });
}
