// <live-stream hx-sse:connect="…">: wraps htmx's sse extension and always says whether the screen is live.
//
// The extension reconnects a stream that breaks, but neither a first connection that fails nor one that falls silent
// (a half-open line). The server sends a beat every 10 s; 25 s without a byte count as broken. Whatever was missed is
// not replayed: at each connection, and whenever the server asks, "live:resync" tells the page to get itself again.
const SILENCE = 25_000
const LOST_AFTER = 4_000

class LiveStream extends HTMLElement {
  #state = "connecting"
  #since = Date.now()
  #lastByte = Date.now()
  #lastLive = null
  #connection = null
  #retry = 500
  #timers = []

  connectedCallback() {
    for (const [name, handler] of Object.entries(this.#handlers)) this.addEventListener(name, handler)
    document.addEventListener("visibilitychange", this.#shown)
    window.addEventListener("offline", this.#cut)
    this.#timers = [setInterval(() => this.#watch(), 1000)]
    this.#show()
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#shown)
    window.removeEventListener("offline", this.#cut)
    this.#timers.forEach(clearInterval)
    this.#timers = []
  }

  get state() {
    return this.#state
  }

  #handlers = {
    "htmx:sse:before:connection": (event) => {
      this.#connection = event.detail.connection
      if (this.#connection.attempt > 0) this.#become("reconnecting")
    },
    "htmx:sse:after:connection": (event) => {
      this.#connection = event.detail.connection
      this.#heard()
    },
    "htmx:sse:before:message": () => this.#heard(),
    "htmx:sse:error": (event) => this.#failed(event.detail.status),
    "htmx:sse:close": () => {
      this.#connection = null
      if (this.isConnected && this.#state !== "ended") this.#again()
    },
    "htmx:response:error": (event) => this.#failed(event.detail.ctx?.response?.status, true),
    "htmx:error": () => this.#failed(0, true),
    hello: () => {
      this.#retry = 500
      this.#become("live")
      this.#resync()
    },
    beat: () => this.#state !== "deaf" && this.#become("live"),
    resync: () => {
      this.#become("live")
      this.#resync()
    },
    deaf: () => this.#become("deaf"),
    restart: () => this.#become("reconnecting"),
    ended: () => {
      this.#become("ended")
      this.dispatchEvent(new CustomEvent("live:ended", { bubbles: true }))
    },
  }

  #heard() {
    this.#lastByte = Date.now()
  }

  #resync() {
    this.dispatchEvent(new CustomEvent("live:resync", { bubbles: true }))
  }

  #failed(status, first = false) {
    if (status === 401) {
      this.#become("ended")
      this.dispatchEvent(new CustomEvent("live:ended", { bubbles: true }))
    } else if (this.#state !== "ended") {
      this.#become("reconnecting")
    }
    if (first) this.#again()
  }

  // Connect anew after a pause: the extension gave up, or never began.
  #again() {
    if (this.#connection) return
    const wait = this.#retry * (0.7 + Math.random() * 0.6)
    this.#retry = Math.min(this.#retry * 2, 5000)
    setTimeout(() => this.isConnected && !this.#connection && this.dispatchEvent(new Event("reconnect")), wait)
  }

  #shown = () => {
    if (document.hidden) return
    this.#heard()
    if (this.#state === "live") this.#become("reconnecting") // the extension closed the stream while hidden
  }

  #watch() {
    if (!document.hidden && Date.now() - this.#lastByte > SILENCE) this.#cut()
    this.#show()
  }

  // The line is dead, says the silence on it, or the browser, which knows of a pulled cable at once.
  #cut = () => {
    if (!this.#connection?.reader) return
    this.#heard()
    this.#become("reconnecting")
    this.#connection.reader.cancel()
  }

  #become(state) {
    if (state === "live") this.#lastLive = new Date()
    if (state === this.#state) return
    this.#state = state
    this.#since = Date.now()
    this.#show()
  }

  #show() {
    let word = { connecting: "waiting", live: "live", ended: "ended" }[this.#state]
    if (!word) word = Date.now() - this.#since > LOST_AFTER ? "lost" : "waiting"
    let text = this.dataset[word] ?? ""
    const at = (this.#lastLive ?? new Date()).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" })
    text = text.replace("%s", at)
    const label = this.querySelector("[role=status]")
    if (label && label.textContent !== text) label.textContent = text
    if (this.getAttribute("state") !== word) this.setAttribute("state", word)
  }
}

customElements.define("live-stream", LiveStream)
