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
