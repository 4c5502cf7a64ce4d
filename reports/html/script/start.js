// Everything that the page has, in the order of the page.
document.querySelectorAll("table.sortable").forEach(setUpTable);
document.querySelectorAll("form[data-filter]").forEach(setUpFilter);
for (const article of document.querySelectorAll("article.artifact")) {
  const prefix = article.dataset.prefix;
  const block = article.querySelector("script.data");
  if (block) {
    const data = JSON.parse(block.textContent);
    const sizes = document.getElementById(`${prefix}sizes`);
    if (sizes) setUpSizes(sizes, data.sizes, prefix);
    const libraries = document.getElementById(`${prefix}libraries`);
    if (libraries) setUpLibraries(libraries, data.libraries, prefix);
  }
  followReading(article);
}
document.querySelectorAll("code.command").forEach(setUpCopying);
setUpTheme(document.getElementById("theme"));
document.getElementById("print").addEventListener("click", () => print());
openForPrint();
addEventListener("hashchange", followAddress);
followAddress();
