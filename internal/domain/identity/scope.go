package identity

import (
	"fmt"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// Scope is a set of things that an API key may be used for, as a bit set.
type Scope uint16

// The scopes. Source: DESIGN section 5.
const (
	ScopeChat Scope = 1 << iota
	ScopeResponses
	ScopeEmbeddings
	ScopeImages
	ScopeAudio
	ScopeVideo
	ScopeRealtime
	ScopeModels
	ScopeTasks
	// ScopeAll is every scope, written "*".
	ScopeAll Scope = 1<<iota - 1
)

var scopeNames = map[string]Scope{
	"chat": ScopeChat, "responses": ScopeResponses, "embeddings": ScopeEmbeddings, "images": ScopeImages,
	"audio": ScopeAudio, "video": ScopeVideo, "realtime": ScopeRealtime, "models": ScopeModels, "tasks": ScopeTasks,
	"*": ScopeAll,
}

// Has reports whether s holds all of want.
func (s Scope) Has(want Scope) bool { return s&want == want }

// ParseScopes reads scope names. Code: invalid_parameter with the index of the unknown name.
func ParseScopes(names []string) (Scope, error) {
	var s Scope
	for i, name := range names {
		bit, ok := scopeNames[name]
		if !ok {
			return 0, fault.ErrInvalid.Saying("The scope is not known.").At(fmt.Sprintf("scopes[%d]", i))
		}
		s |= bit
	}
	return s, nil
}
