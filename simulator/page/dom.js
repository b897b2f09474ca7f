// Elements made and kept. Whatever comes from the cluster is set as text or as an attribute's value and never parsed as markup.

const SVG = "http://www.w3.org/2000/svg";

export const at = (id) => document.getElementById(id);

export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) set(made, name, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function set(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? "" : String(value));
}

export function write(node, text) {
  if (node.textContent !== String(text)) node.textContent = String(text);
}

// One child for each item, in the items' order. A child that is there already is kept with its focus, its scroll and what is open in it.
export function keep(parent, items, keyOf, make, update) {
  const known = parent.kept ?? new Map();
  const wanted = new Map();
  for (const item of items) {
    const key = keyOf(item);
    const child = known.get(key) ?? make(item);
    wanted.set(key, child);
    update?.(child, item);
  }
  for (const [key, child] of known) if (!wanted.has(key)) child.remove();
  let before = parent.firstChild;
  for (const child of wanted.values()) {
    if (child === before) before = before.nextSibling;
    else parent.insertBefore(child, before);
  }
  parent.kept = wanted;
}
