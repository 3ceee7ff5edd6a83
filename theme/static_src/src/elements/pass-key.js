// <pass-key hidden><form>: asks the browser for a passkey before its form is sent, and sends the answer as "credential".
// What to ask for stands in the JSON script that data-options names, or is fetched from where the form goes. Shown
// where the browser has passkeys (they belong to a name, never to a number); else its [data-without] is, if it has one.
const NUMBER = /^[\d.]+$|:/

class PassKey extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector("form")
    const without = this.querySelector("[data-without]")
    const has = Boolean(window.PublicKeyCredential?.parseCreationOptionsFromJSON) && !NUMBER.test(location.hostname)
    this.hidden = !has && !without
    if (without) without.hidden = has
    if (!form) return
    form.hidden = !has
    form.addEventListener("submit", (event) => {
      event.preventDefault()
      this.#ask(form)
    })
  }

  async #ask(form) {
    const refused = this.querySelector("[data-refused]")
    refused.hidden = true
    try {
      form.elements.credential.value = JSON.stringify(await this.#credential(form))
    } catch {
      // Declined, timed out, or none is known here: the browser does not tell pages which.
      refused.hidden = false
      return
    }
    // Whoever wants to send it without leaving the page says so (session-watch).
    const ready = new CustomEvent("pass-key:ready", { bubbles: true, cancelable: true, detail: { form } })
    if (this.dispatchEvent(ready)) form.submit()
  }

  async #credential(form) {
    const { creation_options: made, request_options: asked } = await this.#options(form)
    if (asked) {
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked.publicKey)
      return navigator.credentials.get({ publicKey })
    }
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(made.publicKey)
    if (form.elements.passwordless?.checked) {
      const alone = { residentKey: "required", requireResidentKey: true, userVerification: "required" }
      publicKey.authenticatorSelection = { ...publicKey.authenticatorSelection, ...alone }
    }
    return navigator.credentials.create({ publicKey })
  }

  async #options(form) {
    const script = document.getElementById(this.dataset.options)
    if (script) return JSON.parse(script.textContent)
    const answer = await fetch(form.action, { headers: { Accept: "application/json" } })
    return answer.json()
  }
}

customElements.define("pass-key", PassKey)
