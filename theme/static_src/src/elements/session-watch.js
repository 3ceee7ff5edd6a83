customElements.define("session-watch", class extends HTMLElement {});
