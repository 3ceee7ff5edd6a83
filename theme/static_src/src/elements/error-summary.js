// <error-summary>: takes the focus when it appears, and its links take it to the field that they name.
export class ErrorSummary extends HTMLElement {
  connectedCallback() {
    this.tabIndex = -1
    this.focus()
    this.addEventListener("click", (event) => {
      const link = event.target.closest('a[href^="#"]')
      const field = link && document.getElementById(link.hash.slice(1))
      if (!field) return
      event.preventDefault()
      const visible = field.labels?.[0] ?? field
      visible.scrollIntoView({ block: "nearest" })
      field.focus({ preventScroll: true })
    })
  }
}

customElements.define("error-summary", ErrorSummary)
