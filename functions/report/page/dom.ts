/** Elements of the page. Texts of the data become text nodes only, never markup. */

type Child = Node | string | null;

/** Makes an element. Attributes that are null or false are left out; true is an attribute without a value. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number | boolean | null>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A name from the source: in any script, in its own direction, with nothing in it that turns the text around it. */
export function nameText(name: string): HTMLElement {
  return el('bdi', { title: name }, name.trim() === '' ? '(no name)' : name);
}

/** A button that does something. */
export function button(label: string, onClick: () => void, attributes: Readonly<Record<string, string>> = {}) {
  const element = el('button', { type: 'button', ...attributes }, label);
  element.addEventListener('click', onClick);
  return element;
}

const integers = new Intl.NumberFormat('en-US');

/** `12,345`. */
export function count(value: number): string {
  return integers.format(value);
}

/** `1 task`, `2 tasks`. */
export function counted(value: number, singular: string): string {
  return `${count(value)} ${singular}${value === 1 ? '' : 's'}`;
}

/** Formats `98.7 %`; 100 and 0 only if they are exact. */
export function percent(part: number, whole: number): string {
  if (whole === 0) {
    return '–';
  }
  const value = (100 * part) / whole;
  if (part === whole || part === 0) {
    return `${value} %`;
  }
  return `${Math.min(99.9, Math.max(0.1, value)).toFixed(1)} %`;
}
