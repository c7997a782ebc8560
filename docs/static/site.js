// The theme's buttons that open a part of the navigation have no name: that of the link beside them.
document.addEventListener("DOMContentLoaded", () => {
  for (const toggle of document.querySelectorAll("summary:has(.toctree-toggle)")) {
    const link = toggle.closest("li").querySelector("a");
    toggle.setAttribute("aria-label", `Pages of ${link.textContent.trim()}`);
  }
});
