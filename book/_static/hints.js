// Definitions of glossary terms (book/_ext/glossary_hints.py), for the pointer and the keyboard.
document.addEventListener("DOMContentLoaded", () => {
  for (const term of document.querySelectorAll("a.term[title]")) {
    const hint = document.createElement("span");
    hint.className = "hint";
    hint.role = "tooltip";
    hint.id = `hint-${Math.random().toString(36).slice(2)}`;
    hint.textContent = term.title;
    hint.hidden = true;
    term.removeAttribute("title");  // else the browser shows a second one
    const place = document.createElement("span");
    place.className = "hinted";
    term.replaceWith(place);
    place.append(term, hint);
    term.setAttribute("aria-describedby", hint.id);
    const show = () => {
      hint.hidden = false;
      const over = hint.getBoundingClientRect().right - document.documentElement.clientWidth + 8;
      hint.style.left = over > 0 ? `${-over}px` : "0";
    };
    const hide = () => { hint.hidden = true; hint.style.left = "0"; };
    place.addEventListener("pointerenter", show);  // it stays while the pointer is on the hint
    place.addEventListener("pointerleave", hide);
    term.addEventListener("focus", show);
    term.addEventListener("blur", hide);
    place.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  }
});
