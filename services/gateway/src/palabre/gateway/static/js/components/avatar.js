// A persona's sign: initials on its colour. Drawn, as attributes of a drawing need no inline style.
import { html } from "../../vendor/lit.min.js";

const channel = (hex) => {
  const value = parseInt(hex, 16) / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
};

/** Relative luminance of "#rrggbb" (WCAG 2.2). */
const luminance = (colour) =>
  0.2126 * channel(colour.slice(1, 3)) + 0.7152 * channel(colour.slice(3, 5)) + 0.0722 * channel(colour.slice(5, 7));

/** Black or white, whichever is easier to read on the colour. */
export const inkOn = (colour) => (luminance(colour) > 0.179 ? "#0d1512" : "#ffffff");

const initialsOf = (name) =>
  name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => Array.from(word)[0] ?? "")
    .join("")
    .toUpperCase();

export function avatar({ name, avatar: { colour = "#2f6f5e", initials = "" } = {} }) {
  return html`<svg class="avatar" viewBox="0 0 40 40" aria-hidden="true" focusable="false">
    <circle cx="20" cy="20" r="20" fill=${colour} />
    <text x="20" y="20.5" fill=${inkOn(colour)}>${initials || initialsOf(name)}</text>
  </svg>`;
}
