// <next-patient>: one key away ("n"), unless somebody types or has turned single keys off.
class NextPatient extends HTMLElement {
  connectedCallback() {
    document.addEventListener("keydown", this.#key)
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.#key)
  }

  #key = (event) => {
    if (event.key !== "n" || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return
    if (localStorage.getItem("shortcuts") === "off") return
    if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return
    const button = this.querySelector("button:not(:disabled)")
    if (!button) return
    event.preventDefault()
    button.click()
  }
}

customElements.define("next-patient", NextPatient)
