// <print-button><button>: opens the browser's print dialogue. Without scripts the button is not there (its own menu prints).
class PrintButton extends HTMLElement {
  connectedCallback() {
    this.querySelector("button").addEventListener("click", () => window.print())
  }
}

customElements.define("print-button", PrintButton)
