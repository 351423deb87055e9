// Package bedrock speaks AWS Bedrock's Converse API to upstreams: it writes requests from the pivot, and reads answers and
// streams into it. Streams come as server-sent events, one for each frame of the upstream's, named as the frame was.
// Source: the provider sheet "azure-bedrock-vertex", section 3.
package bedrock

import (
	"errors"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// Codec is the format; callers do not speak it.
var Codec wire.UpstreamCodec = codec{}

type codec struct{}

// Kind returns inference.Chat: a conversation.
func (codec) Kind() inference.Kind { return inference.Chat }

// Dialect returns inference.Bedrock.
func (codec) Dialect() inference.Dialect { return inference.Bedrock }

// ToolRules are Converse's.
func (codec) ToolRules() wire.ToolRules {
	return wire.ToolRules{LongestName: maxID}
}

var errNoAnswer = errors.New("bedrock: not an answer of Converse")

// maxID is how long the id of a call may be.
const maxID = 64

// callID is an id as Converse takes it: letters, digits, "_" and "-". Equal ids stay equal, others stay different.
func callID(id string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, id)
	if clean == id && len(id) <= maxID && id != "" {
		return id
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // a hash takes everything
	mark := "_" + strconv.FormatUint(h.Sum64(), 36)
	return clean[:min(len(clean), maxID-len(mark))] + mark
}

// isOfBedrock reports whether what a prompt keeps is of this format.
func isOfBedrock(r *inference.Rest) bool { return r != nil && r.Dialect == inference.Bedrock }

// isClaude reports whether a model takes what is Anthropic's own.
func isClaude(model string) bool {
	return strings.Contains(model, "anthropic") || strings.Contains(model, "claude")
}
