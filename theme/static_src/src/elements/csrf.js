// The token that proves to the server that a request comes from this page. It changes at each sign-in.
const HEADERS = "hx-headers:inherited"

export function csrfToken() {
  return JSON.parse(document.body.getAttribute(HEADERS) ?? "{}")["X-CSRFToken"] ?? ""
}

// Put a new token wherever the page keeps one.
export function useToken(token) {
  document.body.setAttribute(HEADERS, JSON.stringify({ "X-CSRFToken": token }))
  for (const input of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) input.value = token
}

// Signing in again in another tab makes this page's token void. The answer says so, and nothing was done: take the new
// token, and send it once more. Not when somebody else has signed in: then session-watch gets the page anew.
document.addEventListener("htmx:before:request", (event) => {
  const { ctx } = event.detail
  const send = ctx.fetch
  ctx.fetch = async (address, request) => {
    const response = await send(address, request)
    if (!response.headers.has("X-Stale-Token")) return response
    const stale = csrfToken()
    await document.querySelector("session-watch")?.check()
    if (csrfToken() === stale) return response
    request.headers["X-CSRFToken"] = csrfToken()
    if (request.body?.has("csrfmiddlewaretoken")) request.body.set("csrfmiddlewaretoken", csrfToken())
    return send(address, request)
  }
})
