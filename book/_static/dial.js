// Dials, written by smoothrelu/book/slider.py: the slider chooses which of a figure's drawings is seen.
document.addEventListener("DOMContentLoaded", () => {
  for (const dial of document.querySelectorAll(".dial")) {
    const stops = JSON.parse(dial.dataset.stops);
    const picture = dial.querySelector("svg");
    const slider = dial.querySelector("input");
    const words = dial.querySelector("output");
    if (!slider) continue;  // a single figure
    const turn = () => {
      const stop = stops[slider.value];
      for (const part of picture.querySelectorAll(".stop")) {
        part.classList.toggle("shown", part.dataset.stop === slider.value);
      }
      picture.setAttribute("aria-label", stop.alt);
      slider.setAttribute("aria-valuetext", stop.text);  // what a screen reader says
      words.textContent = stop.text;
    };
    dial.querySelector("label").hidden = false;  // of no use without this script
    slider.addEventListener("input", turn);
    turn();  // a browser that comes back to a page may have moved the slider already
  }
});
