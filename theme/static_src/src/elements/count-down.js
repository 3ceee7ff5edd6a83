// <count-down data-seconds="600" data-over="…">: how long a held time is still held, told each minute to those who listen.
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
    this.textContent = left ? `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` : this.dataset.over
  }
}

customElements.define("count-down", CountDown)
