package protocols

import (
	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// endpoints are the operations that have no task form. Rankings are made of texts as vectors are, and texts are judged before
// they are chatted about: those are the scopes that keys have for them.
var endpoints = []struct {
	paths []string
	op    relay.Operation
}{
	{[]string{"/v1/completions"}, relay.Operation{Format: openai.Completions, Scope: identity.ScopeChat}},
	{[]string{"/v1/moderations"}, relay.Operation{Format: openai.Moderations, Scope: identity.ScopeChat}},
	{[]string{"/v1/audio/speech"}, relay.Operation{Format: openai.Speech, Scope: identity.ScopeAudio}},
	{[]string{"/v1/audio/transcriptions"}, relay.Operation{Format: openai.Transcriptions, Scope: identity.ScopeAudio}},
	{[]string{"/v1/audio/translations"}, relay.Operation{Format: openai.Translations, Scope: identity.ScopeAudio}},
	{[]string{"/v1/rerank", "/v2/rerank", "/rerank"}, relay.Operation{Format: openai.Rerank, Scope: identity.ScopeEmbeddings}},
	{[]string{"/v1/images/variations", "/images/variations"}, relay.Operation{Format: openai.ImageVariations, Scope: identity.ScopeImages}},
}

func (s *surface) mountEndpoints(r chi.Router) {
	for _, e := range endpoints {
		handler := s.relayed(e.op)
		for _, path := range e.paths {
			r.Post(path, handler)
		}
	}
}
