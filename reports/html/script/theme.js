// Before anything is shown: the theme that was chosen last time, and the sign that scripts run.
const root = document.documentElement;
root.classList.add("scripted");
try {
  const chosen = localStorage.getItem("inspector-theme");
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
} catch { /* a browser that keeps nothing for files starts with the system's theme */ }
