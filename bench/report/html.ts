// HTML by template: what is put in is escaped, unless it is HTML already.

export class Html {
  constructor(text) {
    this.text = text;
  }
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function render(value) {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(render).join('');
  return String(value).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

export function html(strings, ...values) {
  return new Html(
    strings.map((text, i) => text + (i < values.length ? render(values[i]) : '')).join(''),
  );
}

/** Text that is HTML already: made by this report, never by its input. */
export function raw(text) {
  return new Html(text);
}

/** A name as the `id` of an element. */
export function anchor(kind, name) {
  return `${kind}-${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
}
