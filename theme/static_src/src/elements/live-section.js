// <live-section id="…" data-get="/address/" data-nouns="appointment record">: a part of the page that gets itself again
// when the stream says that something of these kinds changed (the signal that a <live-stream> swaps into #live-signal),
// and after every gap. The address answers with a page or fragment that holds an element of the same id.
// While somebody types in it, or a form in it is open, it waits.
// data-also="other-id": what the same answer brings along. data-keep="name": which checkboxes of that name are ticked is
// said to the address, so that the answer has the same ones ticked; a new one too, unless some were left out.
class LiveSection extends HTMLElement {
  #late = null

  connectedCallback() {
    document.addEventListener("live:resync", this.refresh)
    document.addEventListener("live:signal", this.#signal)
    this.addEventListener("focusout", this.#left)
  }

  disconnectedCallback() {
    document.removeEventListener("live:resync", this.refresh)
    document.removeEventListener("live:signal", this.#signal)
    this.removeEventListener("focusout", this.#left)
  }

  #signal = (event) => {
    const mine = this.dataset.nouns?.split(" ") ?? []
    if (!mine.length || event.detail.nouns.some((noun) => mine.includes(noun))) this.refresh()
  }

  get #busy() {
    const at = document.activeElement
    return this.contains(at) && at.matches("input, textarea, select")
  }

  #left = () => {
    if (!this.#late) return
    setTimeout(() => this.#late && !this.#busy && this.refresh(), 50)
  }

  get #address() {
    const address = new URL(this.dataset.get || location.href, location.href)
    const name = this.dataset.keep
    const boxes = name ? [...this.querySelectorAll(`input[name="${name}"]`)] : []
    if (boxes.some((box) => !box.checked)) {
      const ticked = boxes.filter((box) => box.checked).map((box) => box.value)
      address.searchParams.delete(name)
      for (const value of ticked.length ? ticked : ["0"]) address.searchParams.append(name, value)
    }
    return address.pathname + address.search
  }

  refresh = () => {
    this.#late = this.#busy
    if (this.#late) return
    window.htmx.ajax("GET", this.#address, {
      source: this,
      target: this,
      swap: "outerMorph ignoreTitle:true", // the page's own may say what is wrong
      select: `#${this.id}`,
      selectOOB: this.dataset.also && `#${this.dataset.also}:outerMorph`,
      headers: { "X-Background": "1" },
    })
  }
}

customElements.define("live-section", LiveSection)

// <live-signal id="live-signal">: where the stream's signals land.
class LiveSignal extends HTMLElement {
  connectedCallback() {
    this.hidden = true
    this.watcher = new MutationObserver(() => {
      const signal = this.querySelector("[data-nouns]")
      if (!signal) return
      document.dispatchEvent(new CustomEvent("live:signal", { detail: { nouns: signal.dataset.nouns.split(" ") } }))
    })
    this.watcher.observe(this, { childList: true, subtree: true, attributes: true })
  }

  disconnectedCallback() {
    this.watcher.disconnect()
  }
}

customElements.define("live-signal", LiveSignal)
