package protocols

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
)

// Operations of Anthropic's protocol.
var (
	messages    = relay.Operation{Format: anthropic.Messages, Scope: identity.ScopeChat}
	countTokens = relay.Operation{Format: anthropic.CountTokens, Scope: identity.ScopeChat}
)

// asAnthropic lets a handler serve Anthropic's clients: with a key in either header, and with the request's id where they
// look for it.
func asAnthropic(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if err := takeKey(req); err != nil {
			refuse(w, req, anthropic.Messages, err)
			return
		}
		nameRequest(w, req)
		serve(w, req)
	}
}

// estimatedHeader marks a count that is Gantry's own.
const estimatedHeader = "X-Token-Count"

// countTokens tells how many tokens the input of a message is. It is free.
func (s *surface) countTokens(w http.ResponseWriter, req *http.Request) {
	n, ok := s.Relay.CountTokens(w, req, countTokens, s.Caller(req))
	if !ok {
		return
	}
	if n.Estimated {
		w.Header().Set(estimatedHeader, "estimated")
	}
	writeJSON(w, anthropic.TokenCount(n.Tokens))
}
