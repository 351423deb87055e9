package openai

import (
	"encoding/hex"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
)

// ResponsesCodec translates responses from and to the pivot. A response that has no id of its own gets one of ours, whose
// time is also the response's where nobody told another. Source: shared/providers/openai.md, section 2.
var ResponsesCodec wire.Codec = responsesCodec{newID: id.New}

type responsesCodec struct {
	newID func() id.ID
}

// Kind returns inference.Responses.
func (responsesCodec) Kind() inference.Kind { return inference.Responses }

// Dialect returns inference.OpenAI.
func (responsesCodec) Dialect() inference.Dialect { return inference.OpenAI }

// ToolRules are the format's.
func (responsesCodec) ToolRules() wire.ToolRules {
	return wire.ToolRules{LongestName: maxToolName, Custom: true}
}

// The prefixes of ids. Upstreams refuse an item whose id has another.
const (
	prefixResponse  = "resp_"
	prefixMessage   = "msg_"
	prefixReasoning = "rs_"
	prefixCall      = "fc_"
	prefixCustom    = "ctc_"
	prefixImage     = "ig_"
)

// itemID is given, where it is an id of the kind, or else one of ours.
func (c responsesCodec) itemID(prefix, given string) string {
	if strings.HasPrefix(given, prefix) {
		return given
	}
	u := c.newID()
	return prefix + hex.EncodeToString(u[:])
}

// identity returns the id and the time of a response: those given, or ours.
func (c responsesCodec) identity(given string, created int64) (string, int64) {
	u := c.newID()
	if created == 0 {
		created = u.Time().Unix()
	}
	if strings.HasPrefix(given, prefixResponse) {
		return given, created
	}
	return prefixResponse + hex.EncodeToString(u[:]), created
}

// responseRest is a value that only this format knows.
func responseRest(path string, value []byte) inference.Rest {
	return inference.Rest{Dialect: inference.OpenAI, Kind: inference.Responses, Path: path, Value: value}
}

// isResponseRest reports whether r is of this format.
func isResponseRest(r *inference.Rest) bool {
	return r != nil && r.Dialect == inference.OpenAI && r.Kind == inference.Responses
}
