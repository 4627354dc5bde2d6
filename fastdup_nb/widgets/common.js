// Shared by all widgets of fastdup_nb: joined in front of their own module, without a bundler.

/** Hide the static twins of a widget while it lives; returns the function that shows them again. */
function hideTwins(modelId) {
  const hosts = [...document.querySelectorAll(`.fdnb-twin-${CSS.escape(modelId)}`)]
    .map((twin) => twin.closest(".jp-OutputArea-child, .output_area, .cell-output, .output_subarea") ?? twin);
  for (const host of hosts) host.style.display = "none";
  return () => { for (const host of hosts) host.style.display = ""; };
}

/** Keep the keys of a focused widget from the notebook's shortcuts; Tab and Escape may leave it. */
function keepKeys(root) {
  root.dataset.lmSuppressShortcuts = "true";
  for (const kind of ["keydown", "keyup", "keypress"])
    root.addEventListener(kind, (event) => { if (event.key !== "Tab" && event.key !== "Escape") event.stopPropagation(); });
}

/** Make an element: make("div", {class: "x", text: "shown as text", onclick: f}, child, ...). */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}
