// <access-timer data-until="2026-08-06T14:32:00+00:00">: the reader may stay until then. Afterwards the page empties and
// asks for itself: the server says in words that the access has ended. Looked at again when a sleeping screen wakes.
class AccessTimer extends HTMLElement {
  #timer = 0

  connectedCallback() {
    document.addEventListener("visibilitychange", this.#look)
    this.#look()
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#look)
    clearTimeout(this.#timer)
  }

  #look = () => {
    clearTimeout(this.#timer)
    const left = Date.parse(this.dataset.until) - Date.now()
    if (left > 0) {
      this.#timer = setTimeout(this.#look, Math.min(left + 300, 60_000))
      return
    }
    document.getElementById("main").replaceChildren()
    location.reload()
  }
}

customElements.define("access-timer", AccessTimer)
