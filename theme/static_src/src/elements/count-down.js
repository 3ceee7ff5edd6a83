// <count-down data-seconds="600" data-left="… {left}" data-over="…">until when, for those without this</count-down>: how
// long a held time is still held.
class CountDown extends HTMLElement {
  connectedCallback() {
    this.end = Date.now() + Number(this.dataset.seconds) * 1000
    this.timer = setInterval(() => this.#show(), 1000)
    this.#show()
  }

  disconnectedCallback() {
    clearInterval(this.timer)
  }

  #show() {
    const left = Math.max(0, Math.round((this.end - Date.now()) / 1000))
    if (!left) clearInterval(this.timer)
    const shown = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`
    this.textContent = left ? this.dataset.left.replace("{left}", shown) : this.dataset.over
  }
}

customElements.define("count-down", CountDown)
