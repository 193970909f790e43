// Drawn signs; each stands beside its words, so none is read aloud.
import { svg, html } from "../../vendor/lit.min.js";

const icon = (shape) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${shape}</svg>`;

export const sendIcon = icon(svg`<path d="M12 19V5M6 11l6-6 6 6" />`);
export const clipIcon = icon(svg`<path d="M18.5 11.5 12 18a4.2 4.2 0 0 1-6-6l7.5-7.5a2.9 2.9 0 0 1 4.100 4.100L10.200 16a1.5 1.5 0 0 1-2.100-2.100l6.600-6.600" />`);
export const closeIcon = icon(svg`<path d="m7 7 10 10M17 7 7 17" />`);
export const stopIcon = icon(svg`<rect x="7" y="7" width="10" height="10" rx="2" class="filled" />`);
export const voiceIcon = icon(svg`<path d="M4 10v4h3l5 4V6L7 10z" /><path d="M15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11" />`);
export const silentIcon = icon(svg`<path d="M4 10v4h3l5 4V6L7 10z" /><path d="m16 9.5 5 5m0-5-5 5" />`);
export const copyIcon = icon(svg`<rect x="9" y="9" width="10" height="11" rx="2" /><path d="M15 6V5a1 1 0 0 0-1-1H6a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1" />`);
export const checkIcon = icon(svg`<path d="m5 12.5 4.5 4.5L19 7.5" />`);
export const againIcon = icon(svg`<path d="M19 12a7 7 0 1 1-2-4.9M19 4v4h-4" />`);
export const goodIcon = icon(svg`<path d="M7 11v8H4v-8zM7 11l4-7c1.5 0 2.5 1 2.2 2.7L12.7 10H18c1.300 0 2.2 1.2 1.9 2.400l-1.300 5c-.2 1-1 1.600-2 1.600H7" />`);
export const badIcon = icon(svg`<path d="M17 13V5h3v8zM17 13l-4 7c-1.5 0-2.5-1-2.2-2.7l.5-3.300H6c-1.300 0-2.2-1.2-1.9-2.400l1.300-5C5.600 5.600 6.400 5 7.400 5H17" />`);
export const plusIcon = icon(svg`<path d="M12 5v14M5 12h14" />`);
export const eraseIcon = icon(svg`<path d="M5 7h14M10 7V5h4v2M7 7l1 12h8l1-12M10.5 11v5M13.5 11v5" />`);
export const downIcon = icon(svg`<path d="M12 5v14M6 13l6 6 6-6" />`);
export const chevronIcon = icon(svg`<path d="m7 10 5 5 5-5" />`);
export const backIcon = icon(svg`<path d="M9 15 4 10l5-5M4 10h10a6 6 0 0 1 6 6v3" />`);

export const logo = html`<svg class="logo" viewBox="0 0 64 50" aria-hidden="true" focusable="false">
  <path class="crown" d="M4 26c0-7 6-9 9-9 1-8 9-11 14-9 5-6 15-5 17 2 7-1 12 4 11 10 5 1 6 8 2 11-3 2-9 1-10-1-4 3-9 2-10 0-4 3-9 3-11 0-4 3-9 2-11 0-4 2-11 1-11-4z" />
  <path class="trunk" d="M31 31v13M31 38l-6-6M31 36l6-5" />
</svg>`;
