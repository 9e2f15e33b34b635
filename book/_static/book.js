// What the theme leaves undone.
document.addEventListener("DOMContentLoaded", () => {
  // Some hosts show a notebook's JSON in the tab instead of saving it.
  for (const link of document.querySelectorAll("a.btn-download-source-button")) {
    link.setAttribute("download", "");
  }
});

// A box that scrolls must be reachable by keyboard; known only once mathematics is typeset.
function focusable() {
  const boxes = document.querySelectorAll(
    ".cell_output .output, .drawing, .pst-scrollable-table-container, div.math, mjx-container, div.highlight pre"
  );
  for (const box of boxes) {
    const slack = box.matches(".drawing") ? 0 : 1;  // rounding, of formulas
    if (box.scrollWidth > box.clientWidth + slack) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
window.addEventListener("load", () => {
  const typeset = window.MathJax && window.MathJax.startup && window.MathJax.startup.promise;
  Promise.resolve(typeset).then(focusable);
});
window.addEventListener("resize", focusable);

// On paper nothing can be opened: what is folded is open there, but for code.
window.addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not([open]):not(.hide)")) {
    fold.open = true;
    window.addEventListener("afterprint", () => { fold.open = false; }, { once: true });
  }
});
