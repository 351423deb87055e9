// Package ollama speaks Ollama's own chat API to upstreams: it writes requests from the pivot, and reads answers and streams
// into it. A stream's lines come as server-sent events. Source: the provider sheet "ollama-vllm-llamacpp".
package ollama

import (
	"errors"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// Codec is the format; callers do not speak it.
var Codec wire.UpstreamCodec = codec{}

type codec struct{}

// Kind returns inference.Chat: a conversation.
func (codec) Kind() inference.Kind { return inference.Chat }

// Dialect returns inference.Ollama.
func (codec) Dialect() inference.Dialect { return inference.Ollama }

// ToolRules takes names as they come.
func (codec) ToolRules() wire.ToolRules {
	return wire.ToolRules{}
}

var errNoAnswer = errors.New("ollama: not an answer")

// isOfOllama reports whether what a prompt keeps is of this format.
func isOfOllama(r *inference.Rest) bool { return r != nil && r.Dialect == inference.Ollama }
